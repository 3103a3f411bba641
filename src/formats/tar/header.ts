/**
 * The header blocks of tar archives: POSIX ustar and pax (POSIX.1-2024, `pax`), GNU tar
 * (https://www.gnu.org/software/tar/manual/html_node/Standard.html) and the format before them.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { latin1 } from "../../parsers/bytes.ts";

/** Everything in a tar archive is a multiple of this. */
export const BLOCK_BYTES = 512;

/** Type flags. */
export const REGULAR = "0";
export const HARD_LINK = "1";
export const SYMBOLIC_LINK = "2";
export const FOLDER = "5";
export const CONTIGUOUS = "7";
export const GNU_LONG_NAME = "L";
export const GNU_LONG_LINK = "K";
export const GNU_SPARSE = "S";
export const PAX = "x";
export const PAX_SOLARIS = "X";
export const PAX_GLOBAL = "g";

/** Types without data; readers differ on whether their size field counts. */
export const WITHOUT_DATA: ReadonlySet<string> = new Set("123456");

/** A header block. */
export interface TarHeader {
  readonly name: string;
  readonly linkTarget: string;
  /** Bytes of data that follow. */
  readonly size: number;
  /** One of the type flags; "0" also for the old NUL. */
  readonly type: string;
  /** True when a GNU sparse map continues in further blocks. */
  readonly extended: boolean;
}

const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
const SEVEN = 0x37;

/** True for a block of zeros. */
export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** True for a block whose checksum is right: nothing else is a header. */
export function isHeader(block: Uint8Array): boolean {
  if (block.length < BLOCK_BYTES || block[0] === undefined) return false;
  const stated = octal(block.subarray(148, 156));
  if (stated === undefined || stated <= 0) return false;
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    if (at === 148) at = 156;
    const byte = block[at] as number;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  // Old Sun and NeXT systems summed signed bytes; readers accept both.
  return stated === unsigned || stated === signed;
}

/**
 * Reads a header block whose checksum is right.
 *
 * @param offset of the block in the source
 * @throws FormatError when its size is none
 */
export function readTarHeader(block: Uint8Array, offset: number): TarHeader {
  const size = numberOf(block.subarray(124, 136));
  if (size === undefined || size < 0) {
    throw new FormatError("Cannot read tar header: its size is no number", offset);
  }
  const flag = String.fromCharCode(block[156] ?? 0);
  const magic = textOf(block.subarray(257, 263));
  const prefix = magic.startsWith("ustar") && block[262] === 0
    ? textOf(block.subarray(345, 500))
    : "";
  const name = textOf(block.subarray(0, 100));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkTarget: textOf(block.subarray(157, 257)),
    size,
    type: flag === "\0" ? REGULAR : flag,
    extended: flag === GNU_SPARSE && block[482] !== 0,
  };
}

/** Text up to a NUL: UTF-8 where it is valid, else one character a byte. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    return latin1(text);
  }
}

/** A number field: octal digits, or with the first bit set big-endian binary (GNU). */
function numberOf(bytes: Uint8Array): number | undefined {
  const first = bytes[0] ?? 0;
  if ((first & 0x80) === 0) return octal(bytes);
  // A negative number, all ones, is no size.
  if ((first & 0x40) !== 0) return undefined;
  let value = first & 0x3f;
  for (const byte of bytes.subarray(1)) value = value * 256 + byte;
  return value;
}

/**
 * Octal digits in white space, up to a NUL; nothing is 0. Signs, `0o` and underscores count as Python's
 * `int(text, 8)` has them, by which `tarfile` reads (`nti`). Undefined for anything else.
 */
function octal(bytes: Uint8Array): number | undefined {
  let at = 0;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  let value = 0;
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at === bytes.length || bytes[at] === 0 ? value : pythonOctal(bytes);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f);
}

function pythonOctal(bytes: Uint8Array): number | undefined {
  const first = bytes.find((byte) => !isSpace(byte)) ?? 0;
  if (first !== PLUS && first !== MINUS && (first < ZERO || first > SEVEN)) {
    return undefined;
  }
  const text = textOf(bytes).trim();
  const found = /^([+-]?)(?:0[oO]_?)?([0-7]+(?:_[0-7]+)*)$/u.exec(text);
  if (found === null) return undefined;
  const value = parseInt((found[2] as string).replaceAll("_", ""), 8);
  return found[1] === "-" ? -value : value;
}

/** What a pax header says. */
interface PaxHeader {
  readonly records: ReadonlyMap<string, string>;
  /** False when a record is not well-formed; Python's reader takes those before it, and mostly it, too. */
  readonly wellFormed: boolean;
}

/**
 * The records of a pax header: "length key=value\n", the length counting all of it. As Python has it, a
 * record need not end in a line feed, and the last may be cut off (`_proc_pax` in `Lib/tarfile.py`).
 */
export function readPaxRecords(bytes: Uint8Array): PaxHeader {
  const records = new Map<string, string>();
  let wellFormed = true;
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 || space - at > 20 ? "" : textOf(bytes.subarray(at, space));
    const length = /^\d+$/u.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = space < 0 ? -1 : bytes.indexOf(0x3d, space + 1);
    // A record without a length would be read for ever.
    if (length === 0 || equals <= space + 1 || end <= equals) return { records, wellFormed: false };
    wellFormed &&= bytes[end - 1] === 0x0a;
    const key = textOf(bytes.subarray(space + 1, equals));
    records.set(key, textOf(bytes.subarray(equals + 1, end - 1)));
    at = end;
  }
  return { records, wellFormed };
}
