/**
 * The techniques of MITRE ATLAS that rules speak of. https://atlas.mitre.org/
 *
 * @module
 */

/** The release of ATLAS that the identifiers and names are of, as its data name it. */
export const ATLAS_VERSION = "2026.08";

/** Names of techniques by identifier; one of a part of a technique begins with the whole's. */
export const ATLAS_TECHNIQUES: Readonly<Record<string, string>> = {
  "AML.T0011.000": "User Execution: Unsafe AI Artifacts",
  "AML.T0011.001": "User Execution: Malicious Package",
  "AML.T0018.001": "Manipulate AI Model: Modify AI Model Architecture",
  "AML.T0018.002": "Manipulate AI Model: Embed Malware",
  "AML.T0018.003": "Manipulate AI Model: Modify Prompt Construction Logic",
  "AML.T0025": "Exfiltration via Cyber Means",
  "AML.T0050": "Command and Scripting Interpreter",
  "AML.T0055": "Unsecured Credentials",
  "AML.T0074": "Masquerading",
  "AML.T0076": "Corrupt AI Model",
};
