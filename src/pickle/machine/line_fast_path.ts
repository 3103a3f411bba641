/**
 * Lines of protocol 0 in the form that every pickler writes, reported without copying or decoding them:
 * large files of that protocol consist of little else. What is written otherwise is for `literals.ts`,
 * which reads all that some unpickler reads.
 *
 * Each function looks at the bytes from `from` to before `to`; the line's newline is not among them.
 *
 * @module
 */

/** The end of a line. */
export const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
export const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const SMALL_E = 0x65;
const BACKSLASH = 0x5c;

/** Digits of a number that is certainly exact. */
const DIGITS = 13;
/** Bytes that are looked at one by one; a longer line is worth the call of `indexOf`. */
const NEAR = 512;

/** The place of the next newline in `buffer`, before `limit`; -1 when there is none. */
export function newlineIn(buffer: Uint8Array, from: number, limit: number): number {
  const near = Math.min(limit, from + NEAR);
  for (let at = from; at < near; at++) if (buffer[at] === NEWLINE) return at;
  return near === limit ? -1 : buffer.subarray(0, limit).indexOf(NEWLINE, near);
}

/** A decimal integer of at most 13 digits, without zeros in front; NaN for all else, "-0" included. */
export function plainInteger(buffer: Uint8Array, from: number, to: number): number {
  const negative = buffer[from] === MINUS;
  const start = negative ? from + 1 : from;
  const length = to - start;
  if (length < 1 || length > DIGITS) return NaN;
  if (buffer[start] === ZERO && (length > 1 || negative)) return NaN;
  let value = 0;
  for (let at = start; at < to; at++) {
    const digit = (buffer[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/**
 * The place of the newline behind a finite decimal as `repr` writes it: `-1.5`, `3.0`, `1e-07`; -1
 * for all else. The decimal begins at `from`.
 */
export function plainFloatEnd(buffer: Uint8Array, from: number, limit: number): number {
  // A look beyond the buffer would cost the compiled code.
  if (from >= limit) return -1;
  let at = buffer[from] === MINUS ? from + 1 : from;
  const start = at;
  at = skipDigits(buffer, at, limit);
  if (at === start || at - start > 200) return -1;
  if (at < limit && buffer[at] === POINT) {
    const fraction = at + 1;
    at = skipDigits(buffer, fraction, limit);
    if (at === fraction) return -1;
  }
  if (at < limit && buffer[at] === SMALL_E) {
    const sign = at + 1;
    if (sign >= limit || (buffer[sign] !== MINUS && buffer[sign] !== PLUS)) return -1;
    at = skipDigits(buffer, sign + 1, limit);
    // With two digits it stays finite whatever stands before it.
    if (at - sign !== 3) return -1;
  }
  return at < limit && buffer[at] === NEWLINE ? at : -1;
}

function skipDigits(buffer: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (buffer[at] as number) >= ZERO && (buffer[at] as number) <= NINE) at++;
  return at;
}

/** Whether nothing in the line is escaped. */
export function isUnescaped(buffer: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (buffer[at] === BACKSLASH) return false;
  return true;
}

/** Whether the line is in quotes of one kind, with nothing escaped. */
export function isPlainQuoted(buffer: Uint8Array, from: number, to: number): boolean {
  const quote = buffer[from];
  return to - from >= 2 && (quote === 0x27 || quote === 0x22) && buffer[to - 1] === quote &&
    isUnescaped(buffer, from, to);
}
