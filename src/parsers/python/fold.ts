/**
 * What pure functions and methods of Python make of constants, as far as code is hidden by them:
 * joining, slicing, replacing, base64, hexadecimal, zlib, `chr`.
 *
 * @module
 */

import { tryInflate } from "../../codecs/decompress.ts";
import { type Constant, constantOf } from "./values.ts";

/** Characters of a constant that is put together. Code that hides has some ten thousand. CWE-400. */
const TEXT = 1 << 20;

type Folded = Constant["value"] | { readonly bytes: string };

/** A method of a text or bytes, called with constants; undefined where that is not known. */
export function foldMethod(
  self: Constant,
  name: string,
  values: readonly Constant["value"][],
): Constant | undefined {
  if (typeof self.value !== "string" || self.value.length > TEXT) return undefined;
  const folded = method(self.value, self.bytes, name, values);
  const known = typeof folded === "string"
    ? self.bytes && name !== "decode" && name !== "hex"
    : false;
  return made(folded, known, self.hidden);
}

/** Makes a constant of a result. */
function made(folded: Folded, bytes = false, hidden = true): Constant | undefined {
  if (folded === undefined) return undefined;
  if (typeof folded === "object" && folded !== null) return constantOf(folded.bytes, true, hidden);
  if (typeof folded === "string" && folded.length > TEXT) return undefined;
  return constantOf(folded, typeof folded === "string" && bytes, hidden);
}

function method(
  self: string,
  bytes: boolean,
  name: string,
  [first, second]: readonly Constant["value"][],
): Folded {
  switch (name) {
    case "lower":
      return self.toLowerCase();
    case "upper":
      return self.toUpperCase();
    case "swapcase":
      return Array.from(self, (letter) => {
        const small = letter.toLowerCase();
        return letter === small ? letter.toUpperCase() : small;
      }).join("");
    case "capitalize":
      return self.slice(0, 1).toUpperCase() + self.slice(1).toLowerCase();
    case "strip":
    case "lstrip":
    case "rstrip":
      return stripped(self, name, typeof first === "string" ? first : " \t\n\r\f\v");
    case "replace":
      if (typeof first !== "string" || typeof second !== "string" || first === "") return undefined;
      if ((self.split(first).length - 1) * second.length > TEXT) return undefined;
      return self.replaceAll(first, second);
    case "removeprefix":
      return typeof first === "string" && self.startsWith(first) ? self.slice(first.length) : self;
    case "removesuffix":
      return typeof first === "string" && first !== "" && self.endsWith(first)
        ? self.slice(0, -first.length)
        : self;
    case "__add__":
      return typeof first === "string" ? self + first : undefined;
    case "decode":
      return bytes ? decoded(self, typeof first === "string" ? first : "utf-8") : undefined;
    case "encode":
      return bytes ? undefined : { bytes: latin1Of(new TextEncoder().encode(self)) };
    case "hex":
      return bytes ? Array.from(self, (c) => hex(c.charCodeAt(0))).join("") : undefined;
    default:
      return undefined;
  }
}

function stripped(self: string, name: string, letters: string): string {
  let from = 0;
  let to = self.length;
  while (name !== "rstrip" && from < to && letters.includes(self[from] ?? "")) from++;
  while (name !== "lstrip" && to > from && letters.includes(self[to - 1] ?? "")) to--;
  return self.slice(from, to);
}

function hex(code: number): string {
  return code.toString(16).padStart(2, "0");
}

function decoded(bytes: string, encoding: string): Folded {
  const name = encoding.toLowerCase().replaceAll(/[_-]/gu, "");
  if (/^(?:latin1|iso88591|ascii|usascii)$/u.test(name)) return bytes;
  if (/^(?:utf8|u8)$/u.test(name)) return new TextDecoder().decode(bytesOf(bytes));
  return undefined;
}

/** Bytes as a text of one character each. */
function latin1Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

/** The bytes that a text of one character each stands for. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** A function of the standard library, called with constants; undefined where that is not known. */
export function foldFunction(path: string, values: readonly Constant[]): Constant | undefined {
  const [first, second] = values;
  if (first === undefined) return undefined;
  const { value } = first;
  if (typeof value === "number") {
    if (path === "builtins.chr" && value >= 0 && value <= 0x10ffff) {
      return made(String.fromCodePoint(Math.floor(value)));
    }
    return path === "builtins.str" ? made(String(value), false, false) : undefined;
  }
  if (typeof value !== "string" || value.length > TEXT) return undefined;
  switch (path) {
    case "builtins.str":
      return typeof second?.value === "string"
        ? made(decoded(value, second.value), false, first.hidden)
        : first.bytes
        ? undefined
        : first;
    case "builtins.bytes":
    case "builtins.bytearray":
      return first.bytes
        ? first
        : made({ bytes: latin1Of(new TextEncoder().encode(value)) }, true, first.hidden);
    case "builtins.ord":
      return made(value.codePointAt(0));
    case "builtins.int": {
      const base = typeof second?.value === "number" ? second.value : 10;
      return base >= 2 && base <= 36 ? made(Number.parseInt(value, base)) : undefined;
    }
    case "builtins.bytes.fromhex":
    case "builtins.bytearray.fromhex":
    case "binascii.unhexlify":
    case "binascii.a2b_hex":
      return made(fromHex(value));
    case "base64.b64decode":
    case "base64.standard_b64decode":
    case "base64.urlsafe_b64decode":
    case "base64.decodebytes":
    case "binascii.a2b_base64":
      return made(fromBase64(value));
    case "base64.b16decode":
      return made(fromHex(value));
    case "zlib.decompress": {
      const bytes = inflateZlib(bytesOf(value), TEXT);
      return bytes === undefined ? undefined : made({ bytes: latin1Of(bytes) });
    }
    case "codecs.decode":
      return made(
        codec(value, first.bytes, typeof second?.value === "string" ? second.value : "utf8"),
      );
    case "codecs.encode":
      return typeof second?.value === "string" && isRot13(second.value)
        ? made(rot13(value))
        : undefined;
    default:
      return undefined;
  }
}

function codec(value: string, bytes: boolean, name: string): Folded {
  if (isRot13(name)) return bytes ? undefined : rot13(value);
  const short = name.toLowerCase().replaceAll(/[_-]/gu, "").replace(/codec$/u, "");
  if (short === "hex") return fromHex(value);
  if (short === "base64") return fromBase64(value);
  if (short === "zlib" || short === "zip") {
    const unpacked = inflateZlib(bytesOf(value), TEXT);
    return unpacked === undefined ? undefined : { bytes: latin1Of(unpacked) };
  }
  return bytes ? decoded(value, name) : undefined;
}

function isRot13(name: string): boolean {
  return /^rot[-_]?13$/iu.test(name);
}

function rot13(text: string): string {
  return text.replace(/[a-z]/giu, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode((letter.charCodeAt(0) - base + 13) % 26 + base);
  });
}

function fromHex(text: string): Folded {
  const digits = text.replace(/\s+/gu, "");
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/iu.test(digits)) return undefined;
  let bytes = "";
  for (let at = 0; at < digits.length; at += 2) {
    bytes += String.fromCharCode(Number.parseInt(digits.slice(at, at + 2), 16));
  }
  return { bytes };
}

function fromBase64(text: string): Folded {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/").replace(/[^A-Za-z0-9+/]/gu, "");
  try {
    return { bytes: atob(plain) };
  } catch {
    return undefined;
  }
}

/** The bytes of a zlib stream (RFC 1950), up to a bound; undefined for what is none. */
function inflateZlib(bytes: Uint8Array, most: number): Uint8Array | undefined {
  if (((bytes[0] ?? 0) & 0x0f) !== 8) return undefined;
  const { output, failed } = tryInflate(bytes.subarray(2), most);
  return failed ? undefined : output;
}

/** `a % b` and `a + b`, `a * b` of constants. */
export function foldOperator(operator: string, a: Constant, b: Constant): Constant | undefined {
  if (a.value === undefined || b.value === undefined) return undefined;
  if (typeof a.value === "number" && typeof b.value === "number") {
    return made(arithmetic(operator, a.value, b.value), false, false);
  }
  if (operator === "+" && typeof a.value === "string" && typeof b.value === "string") {
    if (a.value.length + b.value.length > TEXT) return undefined;
    const hidden = a.hidden || b.hidden;
    return constantOf(a.value + b.value, a.bytes, hidden);
  }
  if (operator === "*" && typeof a.value === "string" && typeof b.value === "number") {
    return b.value * a.value.length > TEXT || b.value < 0
      ? undefined
      : constantOf(a.value.repeat(Math.floor(b.value)), a.bytes, a.hidden);
  }
  if (operator === "%" && typeof a.value === "string" && !/%[^s%]/u.test(a.value)) {
    const text = String(b.value);
    return constantOf(
      a.value.replace("%s", () => text).replaceAll("%%", "%"),
      a.bytes,
      a.hidden || b.hidden,
    );
  }
  return undefined;
}

function arithmetic(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "^":
      return Number.isSafeInteger(a) && Number.isSafeInteger(b) && a >= 0 && b >= 0 &&
          a < 2 ** 31 && b < 2 ** 31
        ? a ^ b
        : undefined;
    case "%":
      return b > 0 && a >= 0 ? a % b : undefined;
    case "//":
      return b > 0 && a >= 0 ? Math.floor(a / b) : undefined;
    default:
      return undefined;
  }
}

/** A slice or item of a text. */
export function foldSlice(
  self: Constant,
  written: readonly (number | undefined)[],
): Constant | undefined {
  if (typeof self.value !== "string") return undefined;
  const letters = self.bytes ? self.value.split("") : Array.from(self.value);
  const size = letters.length;
  const [start, stop, step = 1] = written;
  if (step === 0) return undefined;
  const place = (each: number | undefined, otherwise: number): number => {
    if (each === undefined) return otherwise;
    const at = each < 0 ? each + size : each;
    return Math.max(step < 0 ? -1 : 0, Math.min(at, step < 0 ? size - 1 : size));
  };
  const from = place(start, step < 0 ? size - 1 : 0);
  const to = place(stop, step < 0 ? -1 : size);
  const out: string[] = [];
  for (let at = from; step < 0 ? at > to : at < to; at += step) out.push(letters[at] ?? "");
  return constantOf(out.join(""), self.bytes, true);
}
