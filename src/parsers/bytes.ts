/**
 * Comparing and showing the first bytes of a file.
 *
 * @module
 */

/** True when bytes begin with others. */
export function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}

/** The codes of ASCII text, for comparing with bytes. */
export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

const CHUNK = 8192;

/** The first bytes as text, one character a byte. */
export function latin1(bytes: Uint8Array, length: number): string {
  const end = Math.min(length, bytes.length);
  // A call takes only so many arguments.
  if (end <= CHUNK) return String.fromCharCode(...bytes.subarray(0, end));
  const parts: string[] = [];
  for (let at = 0; at < end; at += CHUNK) {
    parts.push(String.fromCharCode(...bytes.subarray(at, Math.min(end, at + CHUNK))));
  }
  return parts.join("");
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
