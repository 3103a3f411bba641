/**
 * The texts and numbers that opcodes carry, as the C unpickler reads them.
 *
 * Source: `load_int`, `load_long`, `load_float`, `load_string`, `load_unicode` of CPython's
 * `Modules/_pickle.c`; `PyLong_FromString` and `PyBytes_DecodeEscape` behind them.
 *
 * @module
 */

import { OP } from "./opcodes.ts";

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

/** Whether bytes are UTF-8 as the unpickler decodes it, which lets surrogates pass. */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
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
    if (length === 0 || at + length > bytes.length) return false;
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
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
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

/** A number and whether every reader would read the same (`strict`), or undefined where C refuses. */
export interface NumberLiteral {
  readonly value: number | bigint;
  readonly strict: boolean;
}

/**
 * An INT or LONG argument (base 0) or a memo index (base 10), without its newline.
 * C stops at a NUL byte, accepts white space around, a sign, underscores, and in base 0 the prefixes
 * 0x, 0o, 0b and, for INT, a leading zero for octal.
 */
export function parseInteger(
  line: Uint8Array,
  base: 0 | 10,
  octal: boolean,
): NumberLiteral | undefined {
  const raw = decodeLatin1(line);
  const nul = raw.indexOf("\0");
  const text = (nul < 0 ? raw : raw.slice(0, nul)).trim();
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)$/.exec(text);
  const digits = match?.[2];
  if (digits === undefined || /__|_$/.test(digits)) return undefined;
  const prefixed = /^0[xXoObB]/.test(digits);
  if (base === 10 && prefixed) return undefined;
  let plain = digits.replaceAll("_", "").toLowerCase();
  const leadingZero = /^0[0-9]*[1-9]/.test(plain) && !prefixed;
  if (leadingZero && base === 0) {
    if (!octal || !/^[0-7]+$/.test(plain)) return undefined;
    plain = `0o${plain}`;
  }
  const magnitude = toNumber(BigInt(plain));
  const value = match?.[1] === "-" ? -magnitude : magnitude;
  const strict = raw === text && !prefixed && !leadingZero && plain === digits &&
    match?.[1] !== "+";
  return { value, strict };
}

function toNumber(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** A FLOAT argument without its newline; C stops at NUL. */
export function parseFloatLine(line: Uint8Array): NumberLiteral | undefined {
  const raw = decodeLatin1(line);
  const nul = raw.indexOf("\0");
  const text = nul < 0 ? raw : raw.slice(0, nul);
  const number = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)$/;
  if (number.test(text)) return { value: Number(text), strict: nul < 0 };
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special === null) return undefined;
  const value = /nan/i.test(text) ? NaN : special[1] === "-" ? -Infinity : Infinity;
  return { value, strict: nul < 0 };
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

/** A UNICODE argument: raw-unicode-escape, where only \u and \U are escapes. */
export function parseRawUnicode(line: Uint8Array): string {
  return decodeLatin1(line).replace(
    /(\\+)(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/g,
    (whole, slashes: string, escape: string) => {
      if (slashes.length % 2 === 0) return whole;
      const code = parseInt(escape.slice(1), 16);
      return slashes.slice(1) + (code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
    },
  );
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Python's backslash escapes in a bytes literal, and with `unicode` \u and \U too. */
export function unescape(text: string, unicode: boolean): string {
  const pattern = unicode
    ? /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\s\S])/g
    : /\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/g;
  return text.replace(pattern, (whole, escape: string) => {
    const simple = SIMPLE_ESCAPES[escape];
    if (simple !== undefined) return simple;
    if (/^[xuU]./.test(escape)) {
      const code = parseInt(escape.slice(1), 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    }
    if (/^[0-7]/.test(escape)) return String.fromCharCode(parseInt(escape, 8) & 0xff);
    return whole;
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
