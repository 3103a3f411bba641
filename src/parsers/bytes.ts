/**
 * Comparing, showing and joining bytes.
 *
 * @module
 */

/** True when bytes have others at an offset, in bytes from 0 up; the first ones unless given. */
export function startsWith(bytes: Uint8Array, prefix: readonly number[], from = 0): boolean {
  if (bytes.length - from < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (bytes[from + at] !== prefix[at]) return false;
  return true;
}

const CODES = new Map<string, readonly number[]>();

/** The codes of the ASCII text of a magic number, for comparing with bytes. They are kept. */
export function ascii(text: string): readonly number[] {
  let codes = CODES.get(text);
  if (codes === undefined) {
    codes = Array.from(text, (character) => character.charCodeAt(0));
    CODES.set(text, codes);
  }
  return codes;
}

/** Parts one behind the other, as a copy. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const CHUNK = 8192;

/**
 * The first bytes as text, one character a byte; all of them unless a length is given. `TextDecoder` has
 * no such encoding, its "latin1" is Windows-1252.
 */
export function latin1(bytes: Uint8Array, length: number = bytes.length): string {
  const end = Math.min(length, bytes.length);
  // A call takes only so many arguments.
  if (end <= CHUNK) return characters(bytes.subarray(0, end));
  const parts: string[] = [];
  for (let at = 0; at < end; at += CHUNK) {
    parts.push(characters(bytes.subarray(at, Math.min(end, at + CHUNK))));
  }
  return parts.join("");
}

/** Without the iterator that a spread would use, which takes seven times as long. */
function characters(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}

/**
 * True when bytes look like text: UTF-8 (the last character may be cut off) without control
 * characters other than white space.
 */
export function looksLikeText(head: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    return !/[\x00-\x08\x0e-\x1f\x7f]/u.test(text);
  } catch {
    return false;
  }
}
