/**
 * JSON as Python's `json.loads` reads it: NaN and infinities are numbers, text may be UTF-8, UTF-16
 * or UTF-32 (`json.detect_encoding`), of equal keys the last counts. https://docs.python.org/3/library/json.html
 *
 * Made for hostile text: no recursion, every member of an object is kept, so that what another
 * reader would take is seen too, and what stands before an error is handed out with it.
 *
 * @module
 */

import { latin1 } from "./bytes.ts";

/** An object, with the byte at which it begins. */
export interface JsonObject {
  readonly kind: "object";
  readonly at: number;
  /** In order, equal keys too. */
  readonly members: readonly (readonly [key: string, value: JsonValue])[];
}

/** An array, with the byte at which it begins. */
export interface JsonArray {
  readonly kind: "array";
  readonly at: number;
  readonly items: readonly JsonValue[];
}

export type JsonValue = string | number | boolean | null | JsonObject | JsonArray;

/** What was read, and what is wrong with it. */
interface JsonDocument {
  /** Undefined when nothing at all could be read. */
  readonly value: JsonValue | undefined;
  /** Bytes from the start, of UTF-8; undefined when all is well. */
  readonly error: { readonly message: string; readonly offset: number } | undefined;
}

/** True for an object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && value.kind === "object";
}

/** True for an array. */
export function isArray(value: JsonValue | undefined): value is JsonArray {
  return typeof value === "object" && value !== null && value.kind === "array";
}

/** All values of a key, the one that Python takes first. */
export function valuesOf(object: JsonObject, key: string): JsonValue[] {
  return object.members.flatMap(([name, value]) => name === key ? [value] : []).reverse();
}

/** Keys that an object has more than once, each once. */
export function repeatedKeys({ members }: JsonObject): string[] {
  const keys = new Set<string>();
  const repeated = new Set<string>();
  for (const [key] of members) {
    if (keys.has(key)) repeated.add(key);
    keys.add(key);
  }
  return [...repeated];
}

/**
 * Reads JSON.
 *
 * @param most containers and members in all; beyond it reading stops with an error
 */
export function parseJson(bytes: Uint8Array, most = 4_000_000): JsonDocument {
  return new Parser(toUtf8(bytes), most).parse();
}

/** An escape of a character of ASCII, which any letter of a key may be written as. */
const ASCII_ESCAPE = /\\u00([0-7][0-9a-f])/giu;

/**
 * The start of possible JSON in any encoding, as text for a search for keys: one character a byte,
 * without the zeros of wider encodings, with escapes of ASCII characters decoded.
 *
 * @param head the first bytes, cut off anywhere
 */
export function jsonLetters(head: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(head).replaceAll("\0", "");
  return text.replace(ASCII_ESCAPE, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** The encoding by `json.detect_encoding`: a byte order mark, or where the zeros are. */
function toUtf8(bytes: Uint8Array): Uint8Array {
  const [a = 1, b = 1, c = 1, d = 1] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return bytes.subarray(3);
  const marked = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
  const wide = (a === 0xff && b === 0xfe && c === 0 && d === 0) ||
    (a === 0 && b === 0 && (c === 0xfe || c === 0)) ||
    (a !== 0 && b === 0 && c === 0 && d === 0 && bytes.length > 3);
  if (wide) return fromUtf32(bytes, a === 0);
  if (!marked && a !== 0 && b !== 0) return bytes;
  const bigEndian = a === 0xfe || a === 0;
  const text = new TextDecoder(bigEndian ? "utf-16be" : "utf-16le").decode(bytes);
  return new TextEncoder().encode(text);
}

function fromUtf32(bytes: Uint8Array, bigEndian: boolean): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, !bigEndian);
    if (code !== 0xfeff) parts.push(code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
  }
  return new TextEncoder().encode(parts.join(""));
}

/**
 * Containers in one another that are read. Python itself refuses far fewer (`RecursionError`), and
 * each costs memory of hundreds of times its one byte.
 */
const DEEPEST = 500_000;

/** Bytes of a string that are read without the decoder. */
const SHORT = 64;
const UTF8 = new TextDecoder();

const QUOTE = 0x22;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

const WORDS: readonly (readonly [text: string, value: JsonValue])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
];

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

interface OpenObject {
  readonly kind: "object";
  readonly at: number;
  members: readonly (readonly [key: string, value: JsonValue])[];
}

interface OpenArray {
  readonly kind: "array";
  readonly at: number;
  items: readonly JsonValue[];
}

const NO_MEMBERS: OpenObject["members"] = [];
const NO_ITEMS: OpenArray["items"] = [];

/** A container that has not ended, and where its members or items begin among those of all such. */
interface Open {
  readonly container: OpenObject | OpenArray;
  readonly from: number;
}

/** A stack whose upper part is taken at once. */
class Parts<T> {
  readonly #all: T[] = [];
  /** Those on it. */
  count = 0;

  add(part: T): void {
    // Never shortened, which would copy it.
    this.#all[this.count++] = part;
  }

  /** Takes all from a place on. */
  takeFrom(from: number): T[] {
    const parts = this.#all.slice(from, this.count);
    this.count = from;
    return parts;
  }
}

/** Thrown within this module only. */
class JsonError extends Error {}

class Parser {
  readonly #bytes: Uint8Array;
  readonly #most: number;
  readonly #stack: Open[] = [];
  /** Members and items of all open containers. A list of its own length takes less memory than one that grew. */
  readonly #members = new Parts<readonly [key: string, value: JsonValue]>();
  readonly #items = new Parts<JsonValue>();
  #value: JsonValue | undefined;
  #key = "";
  #at = 0;
  #count = 0;

  constructor(bytes: Uint8Array, most: number) {
    this.#bytes = bytes;
    this.#most = most;
  }

  parse(): JsonDocument {
    try {
      this.#readValue();
      while (this.#stack.length > 0) this.#step();
      this.#space();
      if (this.#at < this.#bytes.length) this.#fail("There is more behind the value");
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      while (this.#stack.length > 0) this.#close();
      return { value: this.#value, error: { message: error.message, offset: this.#at } };
    }
    return { value: this.#value, error: undefined };
  }

  /** One member or item of the innermost container, or its end. */
  #step(): void {
    const top = this.#stack[this.#stack.length - 1];
    if (top === undefined) return;
    const { container: { kind }, from } = top;
    this.#space();
    const next = this.#bytes[this.#at];
    if (next === (kind === "object" ? CLOSE_OBJECT : CLOSE_ARRAY)) {
      this.#at++;
      this.#close();
      return;
    }
    if ((kind === "object" ? this.#members : this.#items).count > from) {
      if (next !== COMMA) this.#fail("A comma is missing");
      this.#at++;
      this.#space();
    }
    if (kind === "object") this.#readKey();
    this.#readValue();
  }

  /** Ends the innermost container. */
  #close(): void {
    const open = this.#stack.pop();
    if (open === undefined) return;
    const { container, from } = open;
    if (container.kind === "object") container.members = this.#members.takeFrom(from);
    else container.items = this.#items.takeFrom(from);
  }

  #readKey(): void {
    if (this.#bytes[this.#at] !== QUOTE) this.#fail("A key is missing");
    this.#key = this.#string();
    this.#space();
    if (this.#bytes[this.#at] !== COLON) this.#fail("A colon is missing");
    this.#at++;
  }

  #readValue(): void {
    this.#space();
    if (++this.#count > this.#most) this.#fail(`There are more than ${this.#most} values`);
    const next = this.#bytes[this.#at];
    if (next === OPEN_OBJECT) this.#open({ kind: "object", at: this.#at, members: NO_MEMBERS });
    else if (next === OPEN_ARRAY) this.#open({ kind: "array", at: this.#at, items: NO_ITEMS });
    else this.#addValue(next === QUOTE ? this.#string() : this.#word());
  }

  #open(container: OpenObject | OpenArray): void {
    if (this.#stack.length >= DEEPEST) this.#fail(`It is nested more than ${DEEPEST} deep`);
    this.#addValue(container);
    const { count: from } = container.kind === "object" ? this.#members : this.#items;
    this.#stack.push({ container, from });
    this.#at++;
  }

  #addValue(value: JsonValue): void {
    const top = this.#stack[this.#stack.length - 1];
    if (top === undefined) this.#value = value;
    else if (top.container.kind === "object") this.#members.add([this.#key, value]);
    else this.#items.add(value);
  }

  #word(): JsonValue {
    // `-Infinity` begins as a number does.
    const first = this.#bytes[this.#at] === MINUS ? this.#at + 1 : this.#at;
    if (!isDigit(this.#bytes[first])) {
      const text = latin1(this.#bytes.subarray(this.#at, this.#at + 9));
      for (const [word, value] of WORDS) {
        if (!text.startsWith(word)) continue;
        this.#at += word.length;
        return value;
      }
    }
    let end = this.#at;
    while (isNumberByte(this.#bytes[end])) end++;
    const digits = latin1(this.#bytes.subarray(this.#at, Math.min(end, this.#at + 64)));
    if (!/^-?\d/u.test(digits)) this.#fail("A value is missing");
    this.#at = end;
    return Number(digits);
  }

  #string(): string {
    const from = ++this.#at;
    let plain = true;
    let bits = 0;
    while (true) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) this.#fail("A string does not end");
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        plain = false;
        this.#at++;
        bits |= this.#bytes[this.#at] ?? 0;
      }
      bits |= byte;
      this.#at++;
    }
    const written = this.#bytes.subarray(from, this.#at);
    // A call of the decoder costs more than a short string of ASCII.
    const text = bits < 0x80 && written.length <= SHORT ? latin1(written) : UTF8.decode(written);
    this.#at++;
    return plain ? text : unescaped(text);
  }

  #space(): void {
    while (true) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #fail(message: string): never {
    throw new JsonError(message);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isNumberByte(byte: number | undefined): boolean {
  return byte !== undefined &&
    ((byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e ||
      byte === 0x65 || byte === 0x45);
}

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/gu, (_, hex?: string, letter?: string) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    return ESCAPES[letter ?? ""] ?? letter ?? "";
  });
}
