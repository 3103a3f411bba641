/**
 * How constants begin that may be pickles themselves, raw or written in a code: recognised by two bytes in a
 * table that the hot loop shares, and by the third where that helps.
 *
 * @module
 */

/** Pickles, and what they are packed in, by first and second bytes. Eight rows at most: each is a bit. */
const ROWS: readonly (readonly (readonly [firsts: string, seconds: string])[])[] = [
  // PROTO, gzip, zlib: whatever follows.
  [["\x80\x1f\x78", "*"]],
  // PROTO as a character of text, as protocol 2 writes bytes.
  [["\xc2", "\x80"]],
  // The hexadecimal digits of PROTO, zlib, MARK; of GLOBAL; of gzip; of EMPTY_DICT and EMPTY_LIST.
  [["827", "08"]],
  [["6", "3"], ["1", "fF"], ["75", "dD"]],
  // In base64: PROTO, gzip, zlib; an empty dictionary or list with its memo.
  [["g", "A"], ["H", "4"], ["e", "JNFA"], ["fX", "X"]],
  // In base64: GLOBAL, then MARK, each with what an opcode or a name may begin with.
  [["Y", "0123"]],
  [["K", "EFGH"]],
  // Protocol 0 and 1: GLOBAL, MARK, an empty dictionary or list with its memo.
  [["c(}]", "abcdefghijklmnopqrstuvwxyz_SV"]],
];

/** By first byte, and from 256 on by second byte, which rows it is of; both must be of one. */
export const NESTED_HEADS: Uint8Array = tables();

function tables(): Uint8Array {
  const table = new Uint8Array(512);
  ROWS.forEach((pairs, row) => {
    for (const [firsts, seconds] of pairs) {
      for (const letter of firsts) mark(table, letter.charCodeAt(0), row);
      for (const letter of seconds) mark(table, 256 + letter.charCodeAt(0), row);
      if (seconds === "*") { for (let byte = 0; byte < 256; byte++) mark(table, 256 + byte, row); }
    }
  });
  return table;
}

function mark(table: Uint8Array, at: number, row: number): void {
  table[at] = (table[at] ?? 0) | (1 << row);
}

/** True when a constant that begins so is worth a look. What is true here is true of the table, too. */
export function looksNested(first: number, second: number, third: number): boolean {
  switch (first) {
    case 0x80:
      return second <= 5;
    case 0xc2: // U+0080 in UTF-8
      return second === 0x80 && third <= 5;
    case 0x1f:
      return second === 0x8b;
    case 0x78:
      return (first * 256 + second) % 31 === 0;
    case 0x38: // hex of PROTO: "80"
      return second === 0x30 && third === 0x30;
    case 0x31: // hex of gzip: "1f8b"
      return (second | 0x20) === 0x66 && third === 0x38;
    case 0x37: // hex of zlib: "78"; of EMPTY_DICT BINPUT: "7d71"
    case 0x35: // hex of EMPTY_LIST BINPUT: "5d71"
      return (first === 0x37 && second === 0x38) || ((second | 0x20) === 0x64 && third === 0x37);
    case 0x32: // hex of MARK: "28"
      return second === 0x38;
    case 0x36: // hex of GLOBAL: "63", and of a letter
      return second === 0x33 && third >= 0x34 && third <= 0x37;
    case 0x67: // base64 of PROTO: "gA" and a letter of the version
      return second === 0x41 && third >= 0x41 && third <= 0x5a;
    case 0x48: // base64 of gzip: "H4s"
      return second === 0x34 && third === 0x73;
    case 0x65: // base64 of zlib: "eJ", "eN", "eA", "e" + …
      return second === 0x4a || second === 0x4e || second === 0x46 || second === 0x41;
    case 0x66: // base64 of EMPTY_DICT BINPUT: "fX"
    case 0x58: // base64 of EMPTY_LIST BINPUT: "XX"
      return second === 0x58;
    case 0x59: // base64 of GLOBAL: "Y2", "Y3", …
      return second >= 0x30 && second <= 0x33;
    case 0x4b: // base64 of MARK: "KG", …
      return second >= 0x45 && second <= 0x48;
    case 0x7d: // EMPTY_DICT BINPUT
    case 0x5d: // EMPTY_LIST BINPUT
      return second === 0x71;
    case 0x63: // GLOBAL
    case 0x28: // MARK
      return (second >= 0x61 && second <= 0x7a) || second === 0x5f || second === 0x53 ||
        second === 0x56;
    default:
      return false;
  }
}
