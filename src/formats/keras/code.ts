/**
 * The Python code that a Keras configuration brings along: base64 of a marshalled code object, as
 * `func_dump` of `keras/src/utils/python_utils.py` writes it and `func_load` reads it.
 *
 * @module
 */

import { isArray, isObject, type JsonValue, valuesOf } from "../../parsers/json.ts";
import {
  namesInMarshal,
  stringConstants,
  tryMarshalledCode,
  Unreadable,
} from "../../parsers/python/marshal.ts";
import type { CodeNames, Evidence } from "../../core/types.ts";

/** Characters of one piece of evidence. The longest seen has 28. CWE-779. */
const EVIDENCE_LENGTH = 2048;
/** Pieces of evidence kept. No Lambda layer is known to give as many. CWE-779. */
const EVIDENCE_KEPT = 16;
/** Texts kept of one code object. No Lambda layer is known to have as many. CWE-770. */
const STRINGS_KEPT = 256;

/** Keys under which code stands: of a lambda, of a tuple, of bytes. */
const HOLDERS: readonly string[] = ["code", "value", "items", "config"];

/** What one piece of code tells without being run. */
interface KerasCode {
  readonly code: readonly CodeNames[];
  readonly evidence: readonly Evidence[];
  /** Versions of Python that its layout belongs to; undefined when none fits. */
  readonly versions: string | undefined;
  /** File that it was written in; empty when not known. */
  readonly filename: string;
}

/**
 * The texts that `func_load` would take for code in a value: the text itself, the first item of a
 * list or of a tuple in Keras' notation, the value of bytes in that notation.
 */
export function codeTexts(value: JsonValue | undefined, depth = 4): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (depth === 0) return [];
  if (isArray(value)) return codeTexts(value.items[0], depth - 1);
  if (!isObject(value)) return [];
  return HOLDERS.flatMap((key) => valuesOf(value, key)).flatMap((one) => codeTexts(one, depth - 1));
}

/** Reads code as `func_load` does; what cannot be read is searched for names. */
export function readKerasCode(text: string): KerasCode {
  const readings = [decodeBase64(text), rawUnicodeEscape(text)].filter((it) => it !== undefined);
  for (const bytes of readings) {
    const read = tryMarshalledCode(bytes);
    if (read instanceof Unreadable) continue;
    const { all, code, versions } = read;
    const named = all.map((one) => ({
      names: one.names,
      strings: stringConstants(one).slice(0, STRINGS_KEPT).map((it) =>
        it.slice(0, EVIDENCE_LENGTH)
      ),
    }));
    return { code: named, evidence: evidenceOf(named), versions, filename: code.filename };
  }
  const names = [...new Set(readings.flatMap((bytes) => namesInMarshal(bytes)))];
  const code = names.length === 0 ? [] : [{ names, strings: [] }];
  return { code, evidence: evidenceOf(code), versions: undefined, filename: "" };
}

function evidenceOf(code: readonly CodeNames[]): Evidence[] {
  const names = [...new Set(code.flatMap((one) => one.names))].join(", ");
  const strings = [...new Set(code.flatMap((one) => one.strings))]
    .filter((text) => text.length > 1 && text !== "<lambda>" && !text.includes(".<locals>."));
  const evidence = strings.slice(0, EVIDENCE_KEPT).map((text) => piece(kindOf(text), text));
  return names === "" ? evidence : [piece("code", `names: ${names}`), ...evidence];
}

/** A piece of evidence, cut. */
export function piece(kind: Evidence["kind"], text: string): Evidence {
  return { kind, text: text.slice(0, EVIDENCE_LENGTH), cut: text.length > EVIDENCE_LENGTH };
}

/** What a text from a configuration seems to be. */
export function kindOf(text: string): Evidence["kind"] {
  return /^[a-z][a-z0-9+.-]{1,9}:\/\//iu.test(text) ? "url" : "text";
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGITS: ReadonlyMap<string, number> = new Map(
  Array.from(ALPHABET, (letter, index) => [letter, index]),
);

/**
 * Base64 as `binascii.a2b_base64` has it: letters of no meaning are dropped, complete padding ends
 * the data.
 *
 * @returns undefined where Python raises
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  // deno-lint-ignore no-control-regex -- all of ASCII
  if (/[^\x00-\x7f]/u.test(text)) return undefined;
  const out = new Uint8Array(Math.ceil(text.length * 3 / 4) + 3);
  let length = 0;
  let bits = 0;
  let position = 0;
  let pads = 0;
  for (const letter of text) {
    if (letter === "=") {
      if (position >= 2 && position + ++pads >= 4) return out.slice(0, length);
      continue;
    }
    const digit = DIGITS.get(letter);
    if (digit === undefined) continue;
    pads = 0;
    bits = (bits << 6 | digit) & 0xffff;
    if (position > 0) out[length++] = bits >> (6 - 2 * position) & 0xff;
    position = (position + 1) % 4;
  }
  return position === 0 ? out.slice(0, length) : undefined;
}

/** `str.encode("raw_unicode_escape")`: Latin-1, and escapes for the rest. */
function rawUnicodeEscape(text: string): Uint8Array {
  const escaped = text.replace(/[^\0-\xff]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return Uint8Array.from(escaped, (character) => character.charCodeAt(0));
}
