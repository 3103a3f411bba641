/**
 * Texts in quotes of protobuf's text format, with escapes as C has them.
 * https://protobuf.dev/reference/protobuf/textformat-spec/#string
 *
 * @module
 */

import type { FormatError } from "../core/errors.ts";

/** What a letter behind a backslash stands for. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({
    a: 7,
    b: 8,
    t: 9,
    n: 10,
    v: 11,
    f: 12,
    r: 13,
    '"': 34,
    "'": 39,
    "?": 63,
    "\\": 92,
  })
    .map(([letter, code]) => [letter.charCodeAt(0), code]),
);

/**
 * Behind the quote that ends a text, which may have megabytes: too long for a regular expression that could step back.
 *
 * @param from where the quote stands that begins it
 * @returns -1 where there is none in its line
 */
export function endOfText(bytes: Uint8Array, from: number): number {
  const quote = bytes[from];
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) return at + 1;
    if (byte === 0x5c) at++;
    if (bytes[at] === 0x0a) break;
  }
  return -1;
}

/**
 * The bytes that a text stands for.
 *
 * @param quoted what is between the quotes
 * @param invalid makes the error for an escape that is none
 * @throws FormatError for an escape that is none
 */
export function unescaped(quoted: Uint8Array, invalid: (why: string) => FormatError): Uint8Array {
  const bytes = new Uint8Array(quoted.length);
  let length = 0;
  for (let at = 0; at < quoted.length;) {
    const byte = quoted[at] ?? 0;
    if (byte !== 0x5c) {
      bytes[length++] = byte;
      at++;
      continue;
    }
    const letter = quoted[at + 1] ?? 0;
    const base = letter >= 0x30 && letter <= 0x37 ? 8 : (letter | 0x20) === 0x78 ? 16 : undefined;
    if (base !== undefined) {
      const first = at + (base === 8 ? 1 : 2);
      const { value, next } = digits(quoted, first, first + (base === 8 ? 3 : 2), base);
      if (next === first) throw invalid("an escape has no digits");
      bytes[length++] = value;
      at = next;
    } else if (letter === 0x75 || letter === 0x55) {
      const end = at + (letter === 0x75 ? 6 : 10);
      const { value, next } = digits(quoted, at + 2, end, 16);
      if (next !== end || value > 0x10ffff) throw invalid("an escape is no character");
      const encoded = new TextEncoder().encode(String.fromCodePoint(value));
      bytes.set(encoded, length);
      length += encoded.length;
      at = next;
    } else {
      const value = ESCAPES.get(letter);
      // Python keeps what it does not know, C++ refuses it.
      if (value === undefined) bytes[length++] = 0x5c;
      bytes[length++] = value ?? letter;
      at += 2;
    }
  }
  return bytes.subarray(0, length);
}

/** The number that digits of a base say, and where they end. */
function digits(
  bytes: Uint8Array,
  from: number,
  to: number,
  base: number,
): { readonly value: number; readonly next: number } {
  let value = 0;
  let next = from;
  for (; next < to; next++) {
    const code = bytes[next] ?? 0;
    const letter = code | 0x20;
    const digit = code >= 0x30 && code <= 0x39
      ? code - 0x30
      : letter >= 0x61 && letter <= 0x66
      ? letter - 0x57
      : base;
    if (digit >= base) break;
    value = base * value + digit;
  }
  return { value, next };
}
