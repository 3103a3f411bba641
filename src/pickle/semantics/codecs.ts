/**
 * Decoders that Python's codecs, base64, binascii, zlib and gzip offer, for constants.
 * Each gives undefined where Python would raise or the input is out of bounds.
 *
 * @module
 */

import { withoutEnd } from "../../parsers/ends.ts";
import { tryInflate } from "../../codecs/decompress.ts";
import { decodeLatin1, encodeLatin1, parseRawUnicode, unescape } from "../machine/literals.ts";

/** Bytes that decompressing a constant may produce. No model is known to decompress one. CWE-409. */
const INFLATE_LIMIT = 1024 * 1024;

/** Names asked for lately; a file calls the same codec a million times. */
const CODEC_NAMES = new Map<string, string>([["latin1", "latin1"]]);
/** Of which so many are kept: a file can name others without end, Python has some hundred. CWE-770. */
const CODEC_NAMES_KEPT = 256;

/** Python's name of a codec without case, hyphens and underscores. */
export function codecName(name: string): string {
  const known = CODEC_NAMES.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replace(/[-_\s]/g, "").replace(/codec$/, "");
  if (CODEC_NAMES.size >= CODEC_NAMES_KEPT) CODEC_NAMES.clear();
  CODEC_NAMES.set(name, plain);
  return plain;
}

const LATIN1 = new Set([
  "latin1",
  "latin",
  "iso88591",
  "88591",
  "cp819",
  "l1",
  "ascii",
  "usascii",
  "646",
]);
const UTF8 = new Set(["utf8", "u8", "utf", "cp65001"]);

/** True for codecs between str and bytes that only write characters down. */
export function isTextCodec(name: string): boolean {
  const plain = codecName(name);
  return LATIN1.has(plain) || UTF8.has(plain) || plain === "utf8sig" ||
    /^(utf(16|32)(le|be)?|cp\d+|iso8859\d+|windows\d+|koi8[ru]|mac\w*|gb\w*|big5\w*|shiftjis\w*|sjis|euc\w*|iso2022\w*|rawunicodeescape|unicodeescape|charmap|mbcs|idna|punycode)$/
      .test(plain);
}

/** `bytes.decode` and `codecs.decode` to str. */
export function decodeText(bytes: Uint8Array, codec: string): string | undefined {
  const name = codecName(codec);
  if (LATIN1.has(name)) return decodeLatin1(bytes);
  if (name === "unicodeescape") {
    const text = decodeLatin1(bytes);
    return text.includes("\\N") ? undefined : unescape(text, true);
  }
  if (name === "rawunicodeescape") return parseRawUnicode(bytes);
  const label = UTF8.has(name)
    ? "utf-8"
    : { utf8sig: "utf-8", utf16le: "utf-16le", utf16be: "utf-16be" }[name];
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: name !== "utf8sig" }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `str.encode` and `codecs.encode` from str to bytes. */
export function encodeText(text: string, codec: string): Uint8Array | undefined {
  const name = codecName(codec);
  if (LATIN1.has(name)) return encodeLatin1(text);
  if (UTF8.has(name)) return new TextEncoder().encode(text);
  return undefined;
}

/** Base64; characters of no alphabet are dropped, as Python does by default. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = withoutEnd(text.replace(/[^A-Za-z0-9+/=]/g, ""), "=");
  if (digits.includes("=")) return undefined; // what Python makes of it depends on where it stands
  if (digits.length % 4 === 1) return undefined;
  try {
    return encodeLatin1(atob(digits));
  } catch {
    return undefined;
  }
}

/** Base32 (RFC 4648). */
export function decodeBase32(text: string): Uint8Array | undefined {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const out: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of withoutEnd(text.toUpperCase(), "=")) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return undefined;
    value = (value << 5 | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) out.push(value >> (bits -= 8) & 0xff);
  }
  return Uint8Array.from(out);
}

/** Base85 as `base64.b85decode` (RFC 1924's alphabet) or `a85decode` has it. */
export function decodeBase85(text: string, ascii85: boolean): Uint8Array | undefined {
  const alphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
  const out: number[] = [];
  let group: number[] = [];
  const flush = (missing: number): void => {
    const value = group.reduce((sum, digit) => sum * 85 + digit, 0);
    for (let at = 0; at < 4 - missing; at++) out.push(Math.floor(value / 256 ** (3 - at)) % 256);
    group = [];
  };
  for (const character of text) {
    if (ascii85 && /\s/.test(character)) continue;
    if (ascii85 && character === "z" && group.length === 0) {
      out.push(0, 0, 0, 0);
      continue;
    }
    const digit = ascii85 ? character.charCodeAt(0) - 33 : alphabet.indexOf(character);
    if (digit < 0 || digit > 84) return undefined;
    group.push(digit);
    if (group.length === 5) flush(0);
  }
  if (group.length > 0) {
    const missing = 5 - group.length;
    while (group.length < 5) group.push(84);
    flush(missing);
  }
  return Uint8Array.from(out);
}

/** Hexadecimal digits, white space between pairs allowed. */
export function decodeHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s/g, "");
  if (digits.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    const high = digitOf(digits.charCodeAt(2 * at));
    const low = digitOf(digits.charCodeAt(2 * at + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[at] = high * 16 + low;
  }
  return bytes;
}

/** The value of a hexadecimal digit by its code; negative for anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** Rotates letters by thirteen. */
export function rot13(text: string): string {
  return text.replace(/[a-zA-Z]/g, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode((letter.charCodeAt(0) - base + 13) % 26 + base);
  });
}

/** Bytes of CRC-32 and length behind a member's deflate stream (RFC 1952). */
const GZIP_TRAILER = 8;

/** What decompressing gave. */
interface Inflated {
  /** What came out, at most `INFLATE_LIMIT` bytes of it. */
  readonly output: Uint8Array;
  /** Whether that is all that Python gives for all of the input. */
  readonly complete: boolean;
}

/** A zlib stream (RFC 1950), or a raw deflate stream with negative `windowBits`. */
export function inflateZlib(bytes: Uint8Array, windowBits = 15): Inflated | undefined {
  if (windowBits < 0) return inflated(bytes, "raw");
  if (windowBits > 15 && bytes[0] === 0x1f) return inflateGzip(bytes);
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  return (first * 256 + second) % 31 === 0 && (first & 15) === 8
    ? inflated(bytes.subarray(2), "zlib")
    : undefined;
}

/** A gzip stream (RFC 1952), its first member. */
export function inflateGzip(bytes: Uint8Array): Inflated | undefined {
  const [first, second, method, flags] = bytes;
  if (first !== 0x1f || second !== 0x8b || method !== 8 || flags === undefined) return undefined;
  let at = 10;
  if (flags & 4) {
    const [low, high] = bytes.subarray(at);
    if (low === undefined || high === undefined) return undefined;
    at += 2 + low + high * 256;
  }
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  if (flags & 2) at += 2;
  return inflated(bytes.subarray(at), "gzip");
}

function inflated(bytes: Uint8Array, kind: "raw" | "zlib" | "gzip"): Inflated | undefined {
  const { output, failed, ended, consumed } = tryInflate(bytes, INFLATE_LIMIT);
  if (failed && output.length === 0) return undefined;
  // Behind gzip's first member there may be more; what is behind zlib's stream is passed over.
  const alone = kind !== "gzip" || consumed + GZIP_TRAILER === bytes.length;
  return {
    output: output.subarray(0, INFLATE_LIMIT),
    complete: ended && alone && output.length <= INFLATE_LIMIT,
  };
}
