/**
 * Python's marshalled code objects: what `marshal.dumps(function.__code__)` writes, as found in the
 * Lambda layers of Keras models. Names, constants and nested code are read; nothing is run.
 *
 * Facts: CPython's `Python/marshal.c` (type codes, references, the order of a code object's fields
 * in `r_object`) of 2.7, 3.6, 3.8, 3.11 and 3.14. The format has no version in it; the order of the
 * fields is found by trying, since bytes that fit one order do not fit another: each field's type is
 * checked.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { latin1 } from "../bytes.ts";

/** Nested objects: `MAX_MARSHAL_STACK_DEPTH` of marshal.c. CWE-674. */
const MAX_DEPTH = 2000;
const FLAG_REF = 0x80;

/** Bytes of a string as they stand. */
interface MarshalBytes {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
}

/** A tuple, list, set, frozenset, slice or (as key, value, key, value …) dictionary. */
interface MarshalItems {
  readonly kind: "tuple" | "list" | "set" | "dict" | "slice";
  readonly items: readonly MarshalValue[];
}

/** None, True, False, Ellipsis and StopIteration. */
interface MarshalSingleton {
  readonly kind: "singleton";
  readonly name: string;
}

/** A code object: what its author wrote, as far as names and constants tell. */
interface CodeObject {
  readonly kind: "code";
  readonly name: string;
  /** Path of its source file at compile time (`co_filename`). */
  readonly filename: string;
  readonly firstLine: number;
  readonly flags: number;
  /** Globals, builtins, attributes and imported modules that it names, in order of first use. */
  readonly names: readonly string[];
  /** Arguments and local variables. */
  readonly locals: readonly string[];
  readonly constants: readonly MarshalValue[];
  readonly bytecode: Uint8Array;
}

/** Any value in marshal's notation. Numbers that do not fit are bigints. */
type MarshalValue =
  | string
  | number
  | bigint
  | MarshalBytes
  | MarshalItems
  | MarshalSingleton
  | CodeObject;

/** A marshalled code object, read to its end. */
export interface MarshalledCode {
  readonly code: CodeObject;
  /** All code objects in it, itself first, each once. */
  readonly all: readonly CodeObject[];
  /** Versions of Python whose layout fits, for instance "3.8 to 3.10". */
  readonly versions: string;
}

/** What may stand in a field of a code object. */
type Field = "int" | "bytes" | "values" | "names" | "text";

interface Layout {
  readonly versions: string;
  readonly fields: readonly (readonly [name: string, type: Field])[];
}

function layout(versions: string, text: string): Layout {
  const types: Readonly<Record<string, Field>> = {
    i: "int",
    b: "bytes",
    v: "values",
    n: "names",
    t: "text",
  };
  const fields = text.split(" ").map((field) => {
    const [name = "", type = ""] = field.split(":");
    return [name, types[type] ?? "bytes"] as const;
  });
  return { versions, fields };
}

/** The order of fields, newest first. */
const LAYOUTS: readonly Layout[] = [
  layout(
    "3.11 to 3.14",
    "argcount:i posonlyargcount:i kwonlyargcount:i stacksize:i flags:i code:b consts:v names:n " +
      "locals:n localspluskinds:b filename:t name:t qualname:t firstlineno:i linetable:b " +
      "exceptiontable:b",
  ),
  layout(
    "3.8 to 3.10",
    "argcount:i posonlyargcount:i kwonlyargcount:i nlocals:i stacksize:i flags:i code:b consts:v " +
      "names:n locals:n freevars:n cellvars:n filename:t name:t firstlineno:i lnotab:b",
  ),
  layout(
    "3.0 to 3.7",
    "argcount:i kwonlyargcount:i nlocals:i stacksize:i flags:i code:b consts:v names:n locals:n " +
      "freevars:n cellvars:n filename:t name:t firstlineno:i lnotab:b",
  ),
  layout(
    "2.3 to 2.7",
    "argcount:i nlocals:i stacksize:i flags:i code:b consts:v names:n locals:n freevars:n " +
      "cellvars:n filename:t name:t firstlineno:i lnotab:b",
  ),
];

/**
 * Reads a marshalled code object. Bytes behind it are ignored, as `marshal.loads` does.
 *
 * @throws FormatError when no version of Python could have written it
 */
export function readMarshalledCode(bytes: Uint8Array): MarshalledCode {
  const read = tryMarshalledCode(bytes);
  if (read instanceof Unreadable) throw new FormatError(read.reason, read.at);
  return read;
}

/** The same, which says why no version of Python could have written it. */
export function tryMarshalledCode(bytes: Uint8Array): MarshalledCode | Unreadable {
  let furthest = new Unreadable("Cannot read code: it is empty", -1);
  for (const one of LAYOUTS) {
    try {
      const reader = new Reader(bytes, one);
      const code = reader.object(0);
      if (!isCode(code)) throw new Unreadable("It is no code object", 0);
      return {
        code,
        all: [code, ...reader.codes.filter((it) => it !== code)],
        versions: one.versions,
      };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      if (error.at >= furthest.at) furthest = error;
    }
  }
  return furthest;
}

/** Why bytes are no code, and where. No error, whose stack would cost more than the bytes. */
export class Unreadable {
  readonly reason: string;
  readonly at: number;

  /** @param at byte at which reading ended */
  constructor(reason: string, at: number) {
    this.reason = reason;
    this.at = at;
  }
}

/** True for a code object. */
export function isCode(value: MarshalValue | undefined): value is CodeObject {
  return typeof value === "object" && value.kind === "code";
}

/** State of one reading under one layout. */
class Reader {
  readonly codes: CodeObject[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #layout: Layout;
  /** Undefined while what it refers to is not complete. */
  readonly #references: (MarshalValue | undefined)[] = [];
  /** Python 2's interned strings, which it refers to by number. */
  readonly #interned: MarshalValue[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, one: Layout) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#layout = one;
  }

  object(depth: number): MarshalValue {
    const value = this.#objectOrEnd(depth);
    return value === undefined ? this.#fail("A value is missing") : value;
  }

  /** Undefined for NULL, which ends a dictionary. */
  #objectOrEnd(depth: number): MarshalValue | undefined {
    if (depth > MAX_DEPTH) return this.#fail(`It nests more than ${MAX_DEPTH} values`);
    const byte = this.#byte();
    const type = String.fromCharCode(byte & 0x7f);
    if (type === "0") return undefined;
    if (type === "r") return this.#reference(this.#references);
    if (type === "R") return this.#reference(this.#interned);
    const keep = (byte & FLAG_REF) !== 0;
    const slot = keep ? this.#references.push(undefined) - 1 : -1;
    const value = this.#leaf(type) ?? this.#container(type, slot, depth);
    if (keep) this.#references[slot] = value;
    return value;
  }

  /** A value without values in it; undefined for the others. */
  #leaf(type: string): MarshalValue | undefined {
    const singleton = SINGLETONS[type];
    if (singleton !== undefined) return singleton;
    switch (type) {
      case "i":
        return this.#int();
      case "I":
        return this.#view.getBigInt64(this.#take(8), true);
      case "l":
        return this.#long();
      case "g":
        return this.#view.getFloat64(this.#take(8), true);
      case "f":
        return this.#textNumber();
      case "y":
        return text(this.#run(16), "latin1");
      case "x":
        return `${this.#textNumber()}+${this.#textNumber()}j`;
      case "s":
        return { kind: "bytes", bytes: this.#run(this.#length()) };
      case "t":
        return this.#internedText();
      case "u":
        return text(this.#run(this.#length()), "utf-8");
      case "a":
      case "A":
        return text(this.#run(this.#length()), "latin1");
      case "z":
      case "Z":
        return text(this.#run(this.#byte()), "latin1");
      default:
        return undefined;
    }
  }

  #container(type: string, slot: number, depth: number): MarshalValue {
    switch (type) {
      case "(":
        return this.#items("tuple", this.#length(), slot, depth);
      case ")":
        return this.#items("tuple", this.#byte(), slot, depth);
      case "[":
        return this.#items("list", this.#length(), slot, depth);
      case "<":
        return this.#items("set", this.#length(), slot, depth);
      case ">":
        return this.#items("set", this.#length(), -1, depth);
      case ":":
        return this.#items("slice", 3, -1, depth);
      case "{":
        return this.#dictionary(slot, depth);
      case "c":
        return this.#code(depth);
      default:
        this.#at--;
        return this.#fail(`There is no type ${JSON.stringify(type)}`);
    }
  }

  #items(kind: "tuple" | "list" | "set" | "slice", count: number, slot: number, depth: number) {
    if (count > this.#left) this.#fail(`${count} values do not fit into what is left`);
    const items: MarshalValue[] = [];
    const value: MarshalItems = { kind, items };
    // What is not frozen can be referred to from within.
    if (slot >= 0) this.#references[slot] = value;
    for (let index = 0; index < count; index++) items.push(this.object(depth + 1));
    return value;
  }

  #dictionary(slot: number, depth: number): MarshalItems {
    const items: MarshalValue[] = [];
    const value: MarshalItems = { kind: "dict", items };
    if (slot >= 0) this.#references[slot] = value;
    while (true) {
      const key = this.#objectOrEnd(depth + 1);
      if (key === undefined) return value;
      const item = this.#objectOrEnd(depth + 1);
      if (item === undefined) return value;
      items.push(key, item);
    }
  }

  #code(depth: number): CodeObject {
    const values = new Map<string, MarshalValue>();
    for (const [name, type] of this.#layout.fields) {
      const value = type === "int" ? this.#int() : this.object(depth + 1);
      if (!fits(value, type)) this.#fail(`The field ${name} of a code object has a wrong type`);
      values.set(name, value);
    }
    const number = (name: string) => Number(values.get(name) ?? 0);
    const code: CodeObject = {
      kind: "code",
      name: textOf(values.get("name")),
      filename: textOf(values.get("filename")),
      firstLine: number("firstlineno"),
      flags: number("flags"),
      names: itemsOf(values.get("names")).map(textOf),
      locals: ["locals", "freevars", "cellvars"].flatMap((name) =>
        itemsOf(values.get(name)).map(textOf)
      ),
      constants: itemsOf(values.get("consts")),
      bytecode: bytesOf(values.get("code")),
    };
    this.codes.push(code);
    return code;
  }

  #reference(among: readonly (MarshalValue | undefined)[]): MarshalValue {
    const index = this.#int();
    return among[index] ?? this.#fail(`It refers to value ${index}, which is not there`);
  }

  #internedText(): MarshalValue {
    const value = text(this.#run(this.#length()), "latin1");
    this.#interned.push(value);
    return value;
  }

  /**
   * 15 bits a digit, the sign in the count. Digits beyond 16,384 bits are dropped: no report shows
   * them.
   */
  #long(): number | bigint {
    const count = this.#int();
    const digits = Math.abs(count);
    if (digits * 2 > this.#left) this.#fail(`${digits} digits do not fit into what is left`);
    const at = this.#take(digits * 2);
    let hex = "";
    let carry = 0;
    let bits = 0;
    for (let index = 0; index < digits; index++) {
      carry += (this.#view.getUint16(at + index * 2, true) & 0x7fff) * 2 ** bits;
      for (bits += 15; bits >= 4; bits -= 4) {
        hex = hex.length < 4096 ? (carry & 0xf).toString(16) + hex : hex;
        carry = Math.floor(carry / 16);
      }
    }
    const value = BigInt(`0x${carry.toString(16)}${hex}`);
    return count < 0 ? -value : value;
  }

  #textNumber(): number {
    return Number(text(this.#run(this.#byte()), "latin1"));
  }

  get #left(): number {
    return this.#bytes.length - this.#at;
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #int(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  #length(): number {
    const length = this.#int();
    return length < 0 ? this.#fail(`A length is ${length}`) : length;
  }

  #run(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(length: number): number {
    if (length > this.#left) this.#fail(`${length} bytes are missing`);
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #fail(reason: string): never {
    throw new Unreadable(`Cannot read marshalled code at ${this.#at}: ${reason}`, this.#at);
  }
}

const SINGLETONS: Readonly<Record<string, MarshalSingleton>> = {
  N: { kind: "singleton", name: "None" },
  T: { kind: "singleton", name: "True" },
  F: { kind: "singleton", name: "False" },
  S: { kind: "singleton", name: "StopIteration" },
  ".": { kind: "singleton", name: "Ellipsis" },
};

function text(bytes: Uint8Array, encoding: "latin1" | "utf-8"): string {
  return encoding === "utf-8" ? new TextDecoder().decode(bytes) : latin1(bytes);
}

function fits(value: MarshalValue, type: Field): boolean {
  switch (type) {
    case "int":
      return typeof value === "number";
    case "bytes":
      return typeof value === "object" && value.kind === "bytes";
    case "text":
      return isText(value);
    case "values":
      return typeof value === "object" && value.kind === "tuple";
    case "names":
      return typeof value === "object" && value.kind === "tuple" && value.items.every(isText);
  }
}

/** Python 2 has byte strings where Python 3 has text. */
function isText(value: MarshalValue): boolean {
  return typeof value === "string" || (typeof value === "object" && value.kind === "bytes");
}

function textOf(value: MarshalValue | undefined): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value.kind === "bytes" ? text(value.bytes, "latin1") : "";
}

function bytesOf(value: MarshalValue | undefined): Uint8Array {
  return typeof value === "object" && value.kind === "bytes" ? value.bytes : new Uint8Array(0);
}

function itemsOf(value: MarshalValue | undefined): readonly MarshalValue[] {
  return typeof value === "object" && "items" in value ? value.items : [];
}

/**
 * Values searched for the strings of one code object. The most of a function in 750 files of packages in use
 * are 3,259. CWE-834.
 */
const STRINGS_LOOKED_AT = 10_000;

/** The strings among a code object's constants, those in tuples and sets included; nested code has its own. */
export function stringConstants(code: CodeObject): string[] {
  const strings: string[] = [];
  const seen = new Set<MarshalValue>();
  const waiting: MarshalValue[] = [...code.constants].reverse();
  for (let looked = 0; looked < STRINGS_LOOKED_AT; looked++) {
    const value = waiting.pop();
    if (value === undefined) break;
    if (typeof value === "string") strings.push(value);
    else if (typeof value === "object" && value.kind === "bytes") strings.push(textOf(value));
    else if (typeof value === "object" && "items" in value && !seen.has(value)) {
      seen.add(value);
      waiting.push(...value.items.slice(0, STRINGS_LOOKED_AT).reverse());
    }
  }
  return strings;
}

const TEXT_TYPES = "zZaAuts";
const SHORT_TYPES = "zZ";
/** Characters of a dotted name; longer strings are no names. */
const LONGEST_NAME = 200;

/**
 * The dotted names among the strings of bytes that no layout fits: what the code of an unknown
 * version of Python, or of none, would name. Each once, in order.
 */
export function namesInMarshal(bytes: Uint8Array): string[] {
  const found = new Set<string>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 2 < bytes.length; at++) {
    const type = String.fromCharCode((bytes[at] ?? 0) & 0x7f);
    if (!TEXT_TYPES.includes(type)) continue;
    const short = SHORT_TYPES.includes(type);
    if (!short && at + 5 > bytes.length) continue;
    const length = short ? bytes[at + 1] ?? 0 : view.getUint32(at + 1, true);
    if (length === 0 || length > LONGEST_NAME) continue;
    const from = at + (short ? 2 : 5);
    if (from + length > bytes.length) continue;
    const name = text(bytes.subarray(from, from + length), "latin1");
    if (/^[A-Za-z_][\w.]*$/u.test(name)) found.add(name);
  }
  return [...found];
}
