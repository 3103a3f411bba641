/**
 * What pure functions and methods of Python make of constants, as far as code is hidden by them:
 * joining, slicing, replacing, base64, hexadecimal, zlib, `chr`.
 *
 * @module
 */

import { tryInflate } from "../../codecs/decompress.ts";
import { latin1 } from "../bytes.ts";
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

/** Texts that Python and JavaScript change alike. */
const ASCII = /^\p{ASCII}*$/u;
/** What Python takes for white space at the ends of a text; JavaScript takes U+FEFF besides. */
const SPACE = " \t\n\r\f\v\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" +
  "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a";
const BYTES_SPACE = " \t\n\r\f\v";

function method(
  self: string,
  bytes: boolean,
  name: string,
  values: readonly Constant["value"][],
): Folded {
  const [first, second] = values;
  if (values.length > (MOST_VALUES.get(name) ?? 1)) return undefined;
  switch (name) {
    case "lower":
      return ASCII.test(self) ? self.toLowerCase() : undefined;
    case "upper":
      return ASCII.test(self) ? self.toUpperCase() : undefined;
    case "swapcase":
      if (!ASCII.test(self)) return undefined;
      return Array.from(self, (letter) => {
        const small = letter.toLowerCase();
        return letter === small ? letter.toUpperCase() : small;
      }).join("");
    case "capitalize":
      if (!ASCII.test(self)) return undefined;
      return self.slice(0, 1).toUpperCase() + self.slice(1).toLowerCase();
    case "strip":
    case "lstrip":
    case "rstrip": {
      const white = bytes ? BYTES_SPACE : SPACE;
      return stripped(self, name, typeof first === "string" ? first : white);
    }
    case "replace":
      if (typeof first !== "string" || typeof second !== "string" || first === "") return undefined;
      if ((self.split(first).length - 1) * second.length > TEXT) return undefined;
      return self.replaceAll(first, () => second);
    case "removeprefix":
      if (typeof first !== "string") return undefined;
      return self.startsWith(first) ? self.slice(first.length) : self;
    case "removesuffix":
      if (typeof first !== "string") return undefined;
      return first !== "" && self.endsWith(first) ? self.slice(0, -first.length) : self;
    case "__add__":
      return typeof first === "string" ? self + first : undefined;
    case "decode":
      return bytes ? decoded(self, encodingOf(first)) : undefined;
    case "encode":
      return bytes ? undefined : encoded(self, encodingOf(first));
    case "hex":
      return bytes ? Array.from(self, (c) => hex(c.charCodeAt(0))).join("") : undefined;
    default:
      return undefined;
  }
}

/** Arguments of methods beyond which nothing is known: a count, a way to treat errors. */
const MOST_VALUES: ReadonlyMap<string, number> = new Map([
  ...["lower", "upper", "swapcase", "capitalize", "hex"].map((name) => [name, 0] as const),
  ["replace", 2],
]);

function encodingOf(value: Constant["value"]): string | undefined {
  return value === undefined ? "utf-8" : typeof value === "string" ? value : undefined;
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

const ONE_BYTE = /^(?:latin1|iso88591|l1|cp1252|windows1252|ascii|usascii)$/u;

/** Text of bytes; undefined where an encoding is not known, or the bytes are none of its. */
function decoded(bytes: string, encoding: string | undefined): Folded {
  const name = encoding?.toLowerCase().replaceAll(/[_-]/gu, "") ?? "";
  const isUtf8 = /^(?:utf8|u8)$/u.test(name);
  if (ASCII.test(bytes)) return isUtf8 || ONE_BYTE.test(name) ? bytes : undefined;
  if (/^(?:latin1|iso88591|l1)$/u.test(name)) return bytes;
  if (!isUtf8) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(bytes));
  } catch {
    return undefined;
  }
}

/** Bytes of a text; undefined where an encoding is not known, or the text has no bytes in it. */
function encoded(text: string, encoding: string | undefined): Folded {
  const name = encoding?.toLowerCase().replaceAll(/[_-]/gu, "") ?? "";
  if (ONE_BYTE.test(name)) return ASCII.test(text) ? { bytes: text } : undefined;
  if (!/^(?:utf8|u8)$/u.test(name) || /\p{Surrogate}/u.test(text)) return undefined;
  return { bytes: latin1(new TextEncoder().encode(text)) };
}

/** The bytes that a text of one character each stands for. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** What ends a line or counts as white space to one version of Python alone. */
const UNUSUAL_SPACE = /[^\P{Cc}\t\n]|[^\P{Z} ]/u;

/** `textwrap.dedent`: takes the white space away that all lines but blank ones begin with. */
function dedented(text: string): string | undefined {
  if (UNUSUAL_SPACE.test(text)) return undefined;
  const lines = text.split("\n").map((line) => /^[ \t]*$/u.test(line) ? "" : line);
  let margin: string | undefined;
  for (const line of lines) {
    if (line === "") continue;
    const own = /^[ \t]*/u.exec(line)?.[0] ?? "";
    let length = 0;
    const most = Math.min(own.length, margin?.length ?? own.length);
    while (length < most && own[length] === (margin ?? own)[length]) length++;
    margin = own.slice(0, length);
  }
  const cut = margin?.length ?? 0;
  return lines.map((line) => line.slice(cut)).join("\n");
}

/** A function of the standard library, called with constants; undefined where that is not known. */
export function foldFunction(path: string, values: readonly Constant[]): Constant | undefined {
  const [first, second] = values;
  if (first === undefined) return undefined;
  const { value } = first;
  if (
    values.length > (/^(?:builtins\.(?:str|bytes|bytearray|int)|codecs\.\w+)$/u.test(path) ? 2 : 1)
  ) {
    return undefined;
  }
  if (typeof value === "number") {
    if (path === "builtins.chr" && value >= 0 && value <= 0x10ffff) {
      return made(String.fromCodePoint(value));
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
        : made(encoded(value, encodingOf(second?.value)), true, first.hidden);
    case "textwrap.dedent":
      return first.bytes ? undefined : made(dedented(value), false, first.hidden);
    case "builtins.ord":
      return Array.from(value).length === 1 ? made(value.codePointAt(0)) : undefined;
    case "builtins.int":
      if (second === undefined) return made(integer(value, 10));
      return typeof second.value === "number" ? made(integer(value, second.value)) : undefined;
    case "builtins.bytes.fromhex":
    case "builtins.bytearray.fromhex":
    case "binascii.unhexlify":
    case "binascii.a2b_hex":
      return made(fromHex(value));
    case "base64.urlsafe_b64decode":
      return made(fromBase64(value.replaceAll("-", "+").replaceAll("_", "/")));
    case "base64.b64decode":
    case "base64.standard_b64decode":
    case "base64.decodebytes":
    case "binascii.a2b_base64":
      return made(fromBase64(value));
    case "base64.b16decode":
      return made(fromHex(value));
    case "zlib.decompress": {
      const bytes = inflateZlib(bytesOf(value), TEXT);
      return bytes === undefined ? undefined : made({ bytes: latin1(bytes) });
    }
    case "codecs.decode": {
      const name = encodingOf(second?.value);
      return name === undefined ? undefined : made(codec(value, first.bytes, name));
    }
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
    return unpacked === undefined ? undefined : { bytes: latin1(unpacked) };
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

/** What `binascii.a2b_base64` makes of a text: other characters are passed over. */
function fromBase64(text: string): Folded {
  const plain = text.replace(/[^A-Za-z0-9+/=]/gu, "");
  // What stands behind padding is read by some releases and not by others.
  if (!/^[^=]*={0,2}$/u.test(plain)) return undefined;
  try {
    return { bytes: atob(plain) };
  } catch {
    return undefined;
  }
}

/** `int(text, base)` as far as it is exact. */
function integer(text: string, base: number): number | undefined {
  const plain = text.trim().toLowerCase();
  const digits = /^[+-]?([\da-z]+)$/u.exec(plain)?.[1];
  if (digits === undefined || !(base >= 2 && base <= 36)) return undefined;
  if (Array.from(digits).some((digit) => Number.isNaN(Number.parseInt(digit, base)))) {
    return undefined;
  }
  const value = Number.parseInt(plain, base);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A constant as a text of its own; undefined for those that are written in another way. */
export function plainText({ value, bytes }: Constant): string | undefined {
  switch (typeof value) {
    case "string":
      return bytes ? undefined : value;
    case "number":
      return String(value);
    case "boolean":
      return value ? "True" : "False";
    default:
      return value === null ? "None" : undefined;
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
    // Python 2 adds texts and bytes up.
    return a.bytes === b.bytes ? constantOf(a.value + b.value, a.bytes, hidden) : undefined;
  }
  if (operator === "*" && typeof a.value === "string" && typeof b.value === "number") {
    return b.value * a.value.length > TEXT || b.value < 0
      ? undefined
      : constantOf(a.value.repeat(b.value), a.bytes, a.hidden);
  }
  if (operator === "%" && typeof a.value === "string" && /^[^%]*%s[^%]*$/u.test(a.value)) {
    const text = a.bytes && b.bytes ? b.value : plainText(b);
    if (typeof text !== "string" || (a.bytes && !b.bytes)) return undefined;
    return constantOf(a.value.replace("%s", () => text), a.bytes, a.hidden || b.hidden);
  }
  return undefined;
}

/** What integers give; undefined where the result is none that is exact. */
function arithmetic(operator: string, a: number, b: number): number | undefined {
  const value = integerOf(operator, a, b);
  return Number.isSafeInteger(value) ? value : undefined;
}

function integerOf(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "^":
      return a >= 0 && b >= 0 && a < 2 ** 31 && b < 2 ** 31 ? a ^ b : undefined;
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
