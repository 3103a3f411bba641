/**
 * Metadata of a model file, names and texts, as a configuration that loaders read: an entry to look
 * into, where a text holds more than a word.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Observation } from "../../core/types.ts";
import { bytesSource } from "../../sources/memory.ts";

/** Characters of all metadata that are looked at; training programs write some megabytes. CWE-770. */
const CHARACTERS = 16 * 1024 * 1024;
/** Texts that may be markup, a name, a structure or a call. */
const SPEAKS = /[<({[$]|\w\.\w/u;

/**
 * The entry for metadata.
 *
 * @param part name of the part, by which the table of loaders knows it: `__metadata__`, `metadata_props`
 * @returns none when no text says anything
 */
export function metadataEntries(
  part: string,
  texts: readonly (readonly [name: string, text: string])[],
): Observation[] {
  if (!texts.some(([name, text]) => SPEAKS.test(text) || name.startsWith("_"))) return [];
  // Written by hand, so that a name that is given twice stays so.
  const members = texts.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`);
  const json = `{${members.join(",")}}`;
  if (json.length > CHARACTERS) {
    const detail = `Its metadata has ${json.length} characters, ${CHARACTERS} are looked at`;
    return [{ type: "anomaly", rule: "config-malformed", detail, unread: true }];
  }
  const source = bytesSource(part, new TextEncoder().encode(json));
  return [{ type: "entry", source, part, hint: HINT.configuration }];
}
