/**
 * White space and comments of protobuf's text, stepped over without a stack that grows with them.
 *
 * @module
 */

const COMMENT = 0x23;
const LINE_FEED = 0x0a;

/** White space of C++ and, above it, of Python, whose reader takes that of other scripts, too, in UTF-8. */
const BLANKS: readonly (readonly number[])[] = [
  ...[0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f].map((byte) => [byte]),
  ...[0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].map(utf8),
  ...Array.from({ length: 11 }, (_, index) => utf8(0x2000 + index)),
];

function utf8(code: number): readonly number[] {
  return [...new TextEncoder().encode(String.fromCharCode(code))];
}

const BY_FIRST = new Map(
  BLANKS.map(([first = 0]) => [first, BLANKS.filter((blank) => blank[0] === first)]),
);

/** The first place from one on where neither white space nor a comment is; the end where there is none. */
export function blankEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte !== undefined; byte = bytes[at]) {
    if (byte === COMMENT) {
      const end = bytes.indexOf(LINE_FEED, at);
      at = end < 0 ? bytes.length : end;
      continue;
    }
    const blank = BY_FIRST.get(byte)?.find((it) => it.every((each, i) => bytes[at + i] === each));
    if (blank === undefined) return at;
    at += blank.length;
  }
  return at;
}
