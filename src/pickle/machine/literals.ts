/**
 * The texts and numbers that opcodes carry, as the C unpickler reads them.
 *
 * Source: `load_int`, `load_long`, `load_float`, `load_string`, `load_unicode` of CPython's
 * `Modules/_pickle.c`; `PyLong_FromString` and `PyBytes_DecodeEscape` behind them.
 *
 * @module
 */

import { OP } from "./opcodes.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { SIMPLE_ESCAPES } from "../../parsers/python/escapes.ts";

const utf8 = new TextDecoder("utf-8");

/** Decodes UTF-8, ASCII quickly; ill-formed bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length > 64) return utf8.decode(bytes);
  let text = "";
  for (const byte of bytes) {
    if (byte > 0x7f) return utf8.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether the bytes from `from` to before `to` are UTF-8 as the unpickler decodes it, which lets surrogates pass. */
export function isUtf8(bytes: Uint8Array, from = 0, to: number = bytes.length): boolean {
  for (let at = from; at < to;) {
    const lead = bytes[at] as number;
    const length = lead < 0x80
      ? 1
      : lead < 0xc2
      ? 0
      : lead < 0xe0
      ? 2
      : lead < 0xf0
      ? 3
      : lead < 0xf5
      ? 4
      : 0;
    if (length === 0 || at + length > to) return false;
    const second = bytes[at + 1] ?? 0;
    if (
      (lead === 0xe0 && second < 0xa0) || (lead === 0xf0 && second < 0x90) ||
      (lead === 0xf4 && second > 0x8f)
    ) {
      return false;
    }
    for (let more = 1; more < length; more++) {
      if (((bytes[at + more] as number) & 0xc0) !== 0x80) return false;
    }
    at += length;
  }
  return true;
}

/** Decodes Latin-1, any length. */
export function decodeLatin1(bytes: Uint8Array): string {
  return latin1(bytes);
}

/** The bytes of a Latin-1 text; undefined when it has other characters. */
export function encodeLatin1(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** A number that some reader reads, and whether all read it so (`strict`). */
export interface NumberLiteral {
  readonly value: number | bigint;
  readonly strict: boolean;
}

/** Decimal digits that `int` takes since CPython 3.11 (`sys.set_int_max_str_digits`). */
const DECIMAL_DIGITS = 4300;
/** `PyLong_FromString` with base 0. */
const INTEGER =
  /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[1-9](?:_?[0-9])*|0(?:_?0)*)$/;
/** The same with base 10. */
const DECIMAL = /^([+-]?)([0-9](?:_?[0-9])*)$/;
/** C's `strtol` with base 0, where `INTEGER` has it otherwise: a leading zero means octal. */
const OCTAL = /^[ \t-\r]*([+-]?)(0[0-7]+)$/;
const PLAIN_INTEGER = /^-?(0|[1-9][0-9]*)$/;

/**
 * An INT or LONG argument (base 0) or a memo index (base 10), without its newline: what C's unpickler
 * or Python's reads. C stops at a NUL byte; both accept white space around, a sign, underscores and,
 * in base 0, prefixes.
 *
 * @param octal whether a leading zero means octal and a lone NUL means 0, as `strtol` has it for INT
 * @returns undefined where both refuse
 */
export function parseInteger(
  line: Uint8Array,
  base: 0 | 10,
  octal: boolean,
): NumberLiteral | undefined {
  const raw = decodeLatin1(line);
  const nul = raw.indexOf("\0");
  const text = nul < 0 ? raw : raw.slice(0, nul);
  if (octal && nul === 0) return { value: 0, strict: false };
  const match = (base === 0 ? INTEGER : DECIMAL).exec(stripped(text)) ??
    (octal ? OCTAL.exec(text) : null);
  const digits = match?.[2]?.replaceAll("_", "").toLowerCase();
  if (digits === undefined) return undefined;
  const plain = base === 0 && /^0[0-9]/.test(digits) ? `0o${digits}` : digits;
  const magnitude = toNumber(BigInt(plain));
  const value = match?.[1] === "-" ? -magnitude : magnitude;
  return { value, strict: raw.length <= DECIMAL_DIGITS && PLAIN_INTEGER.test(raw) };
}

/** Without the white space that `int` and `float` strip from both sides of bytes (`Py_ISSPACE`). */
function stripped(text: string): string {
  const isSpace = (at: number) => {
    const code = text.charCodeAt(at);
    return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  };
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(from)) from++;
  while (to > from && isSpace(to - 1)) to--;
  return text.slice(from, to);
}

function toNumber(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

const DECIMALS =
  /^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;
const SPECIAL = /^([+-]?)(inf|infinity|nan)$/i;

/**
 * A FLOAT argument without its newline: what C's unpickler or Python's reads. C stops at a NUL byte,
 * Python accepts white space around and underscores.
 *
 * @returns undefined where both refuse
 */
export function parseFloatLine(line: Uint8Array): NumberLiteral | undefined {
  const raw = decodeLatin1(line);
  const nul = raw.indexOf("\0");
  const text = nul < 0 ? stripped(raw) : raw.slice(0, nul);
  const strict = text === raw && !text.includes("_");
  if (DECIMALS.test(text)) {
    const value = Number(text.replaceAll("_", ""));
    // C raises OverflowError where Python reads infinity.
    return { value, strict: strict && Number.isFinite(value) };
  }
  const special = SPECIAL.exec(text);
  if (special === null) return undefined;
  const value = /nan/i.test(text) ? NaN : special[1] === "-" ? -Infinity : Infinity;
  return { value, strict };
}

/** A little-endian two's-complement integer of any length. */
export function parseLong(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) {
    value = (value << 8n) | BigInt(bytes[at] as number);
  }
  if (bytes.length > 0 && (bytes[bytes.length - 1] as number) >= 0x80) {
    value -= 1n << BigInt(8 * bytes.length);
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A STRING argument: quoted, with Python's backslash escapes. Undefined where C refuses. */
export function parseQuoted(line: Uint8Array): string | undefined {
  const text = decodeLatin1(line);
  const quote = text[0];
  if (text.length < 2 || quote !== text[text.length - 1] || (quote !== "'" && quote !== '"')) {
    return undefined;
  }
  return unescape(text.slice(1, -1), false);
}

/**
 * Whether text has a backslash escape that CPython refuses: `\\x` without two hexadecimal digits or a
 * lone backslash at the end of a STRING's quotes; in a UNICODE line `\\u` without four, `\\U` without
 * eight that are at most 10FFFF. A backslash takes the character behind it along.
 */
export function hasBrokenEscape(text: Uint8Array, opcode: "STRING" | "UNICODE"): boolean {
  for (let at = text.indexOf(0x5c); at >= 0 && at < text.length; at = text.indexOf(0x5c, at + 2)) {
    const escape = text[at + 1];
    if (opcode === "STRING") {
      if (escape === undefined || (escape === 0x78 && !isHex(text, at + 2, 2))) return true;
    } else if (escape === 0x75) {
      if (!isHex(text, at + 2, 4)) return true;
    } else if (escape === 0x55) {
      if (!isHex(text, at + 2, 8)) return true;
      if (parseInt(decodeLatin1(text.subarray(at + 2, at + 10)), 16) > 0x10ffff) return true;
    }
  }
  return false;
}

function isHex(text: Uint8Array, from: number, count: number): boolean {
  for (let at = from; at < from + count; at++) {
    const byte = text[at] ?? 0;
    const letter = byte | 0x20;
    if (!((byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66))) return false;
  }
  return true;
}

/** A UNICODE argument: raw-unicode-escape, where only \\u and \\U are escapes. */
export function parseRawUnicode(line: Uint8Array): string {
  // A backslash takes the character behind it along, so that the second of two begins no escape.
  return decodeLatin1(line).replace(
    /\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g,
    (match) => {
      if (match.length === 2) return match;
      const code = parseInt(match.slice(2), 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    },
  );
}

/** Python's backslash escapes in a bytes literal, and with `unicode` \u and \U too. */
export function unescape(text: string, unicode: boolean): string {
  const pattern = unicode
    ? /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])/g
    : /\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/g;
  return text.replace(pattern, (match, escape: string) => {
    const simple = SIMPLE_ESCAPES[escape];
    if (simple !== undefined) return simple;
    if (/^[xuU]./.test(escape)) {
      const code = parseInt(escape.slice(1), 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    }
    if (/^[0-7]/.test(escape)) {
      const code = parseInt(escape, 8);
      return String.fromCharCode(unicode ? code : code & 0xff);
    }
    return match;
  });
}

/** Where the payload of a counted opcode begins and how long it is, from the opcode's first nine bytes. */
export function payloadOf(head: Uint8Array): { header: number; length: number } | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  switch (head[0]) {
    case OP.SHORT_BINUNICODE:
    case OP.SHORT_BINBYTES:
    case OP.SHORT_BINSTRING:
    case OP.LONG1:
      return { header: 2, length: view.getUint8(1) };
    case OP.BINUNICODE:
    case OP.BINBYTES:
    case OP.BINSTRING:
    case OP.LONG4:
      return { header: 5, length: view.getUint32(1, true) };
    case OP.BINUNICODE8:
    case OP.BINBYTES8:
    case OP.BYTEARRAY8:
      return { header: 9, length: Number(view.getBigUint64(1, true)) };
    default:
      return undefined;
  }
}

/** Whether the bytes from `from` to before `to` are ASCII. */
export function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x7f) return false;
  return true;
}

/** Four little-endian bytes as a signed number. */
export function signed4(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | (bytes[at + 1] as number) << 8 |
    (bytes[at + 2] as number) << 16 | (bytes[at + 3] as number) << 24;
}

/** Four little-endian bytes as an unsigned number. */
export function unsigned4(bytes: Uint8Array, at: number): number {
  return signed4(bytes, at) >>> 0;
}

/** Eight little-endian bytes as a number, rounded beyond 2^53. */
export function unsigned8(bytes: Uint8Array, at: number): number {
  return unsigned4(bytes, at) + unsigned4(bytes, at + 4) * 2 ** 32;
}
