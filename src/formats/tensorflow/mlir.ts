/**
 * MLIR bytecode: the tables of strings, dialects, attributes and properties, as far as they say which
 * functions of the host a module of StableHLO calls.
 * https://mlir.llvm.org/docs/BytecodeFormat/, `mlir/lib/Bytecode/Encoding.h`, StableHLO's `VhloBytecode.cpp`
 *
 * @module
 */

import { ascii, latin1 } from "../../parsers/bytes.ts";

/** The bytes that a module begins with. */
export const MAGIC: readonly number[] = ascii("ML\xefR");

/** `bytecode::BytecodeVersion`: operations are said to be registered, and have properties, from 5 on. */
const VERSION = { names: 2, properties: 5, newest: 6 } as const;
/** `bytecode::Section` */
const SECTION = { strings: 0, dialects: 1, attributes: 2, offsets: 3, properties: 8 } as const;
const SECTIONS = 9;
/** Codes of attributes of the dialects `builtin` (`BuiltinDialectBytecode`) and `vhlo`. */
const BUILTIN = { dictionary: 1, string: 2, stringWithType: 3 } as const;
const VHLO_STRING = 14;
/** Another number that a release had for it: a module with one is not read. */
const OLD_VHLO_STRING = 26;

/** The operation in the only dialect and version whose properties are known. */
const CUSTOM_CALL = "custom_call_v1";
const ANY_CUSTOM_CALL = /(?:^|\.)custom_call(?:_v\d+)?$/u;
const TARGET = "call_target_name";
/**
 * `CustomCallOpV1::writeProperties`: eight attributes by name, the target is the third. It is the first in
 * the order in which they are declared.
 */
const PROPERTIES = 8;
const TARGET_AT = [0, 2] as const;

/** Attributes in the textual form that are no dictionary; the parser takes any other one too. */
const PLAIN_TEXT = /^(?:#[a-z]\w*[.<]|loc\(|dense<|array<|affine_|sparse<|-?\d)/u;
/** Characters of a name. */
const NAME_CHARACTERS = 256;

/** Thrown where bytes are not what the format says. */
class Malformed extends Error {}

/** Integers one after the other. */
class Cursor {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Malformed();
    return byte;
  }

  /** MLIR's prefix varint: as many zeros at the low end of the first byte as bytes follow it. */
  varint(): number {
    const first = this.byte();
    const more = first === 0 ? 8 : 31 - Math.clz32(first & -first);
    let value = first === 0 ? 0 : Math.floor(first / 2 ** (more + 1));
    let scale = first === 0 ? 1 : 2 ** (7 - more);
    for (let i = 1; i <= more; i++) {
      value += this.byte() * scale;
      scale *= 256;
    }
    if (!Number.isSafeInteger(value)) throw new Malformed();
    return value;
  }

  /** A number of items of at least a byte each. */
  count(): number {
    const count = this.varint();
    if (count > this.bytes.length - this.at) throw new Malformed();
    return count;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new Malformed();
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}

/** An attribute as it is encoded. */
interface Attribute {
  readonly dialect: string;
  /** False for text, which the parser of MLIR reads. */
  readonly custom: boolean;
  readonly bytes: Uint8Array;
}

/**
 * Names of the functions of the host that a module may call: every target of a custom call is among
 * them, and beside those only what stands at their place in the properties of another operation.
 *
 * @param bytes a module from `MAGIC` on
 * @returns undefined where the module could not be read to its end, or has custom calls of another dialect
 */
export function targetsOf(bytes: Uint8Array): string[] | undefined {
  try {
    return readTargets(bytes);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function readTargets(bytes: Uint8Array): string[] | undefined {
  const cursor = new Cursor(bytes);
  cursor.at = MAGIC.length;
  const version = cursor.varint();
  if (version > VERSION.newest) return undefined;
  while (cursor.byte() !== 0);
  const sections = sectionsOf(cursor);
  const section = (id: number): Cursor => {
    const found = sections.get(id);
    if (found === undefined) throw new Malformed();
    return new Cursor(found);
  };
  const strings = stringsOf(section(SECTION.strings));
  const { dialects, calls, others } = dialectsOf(section(SECTION.dialects), strings, version);
  if (others) return undefined;
  const attributes = attributesOf(
    section(SECTION.offsets),
    section(SECTION.attributes),
    dialects,
  );
  const targets = new Set<string>();
  for (const index of namedTargets(attributes, strings)) targets.add(index);
  const properties = sections.get(SECTION.properties);
  if (properties !== undefined) {
    for (const name of propertyTargets(new Cursor(properties), attributes, strings)) {
      targets.add(name);
    }
  }
  // Every custom call has a target.
  if (calls && targets.size === 0) return undefined;
  return calls ? [...targets] : [];
}

/** All sections by their number, each at most once and none but known ones. */
function sectionsOf(cursor: Cursor): Map<number, Uint8Array> {
  const sections = new Map<number, Uint8Array>();
  while (!cursor.done) {
    const head = cursor.byte();
    const length = cursor.varint();
    if ((head & 0x80) !== 0) {
      const alignment = cursor.varint();
      if (alignment < 1 || alignment > 4096) throw new Malformed();
      cursor.at = Math.ceil(cursor.at / alignment) * alignment;
    }
    const id = head & 0x7f;
    if (id >= SECTIONS || sections.has(id)) throw new Malformed();
    sections.set(id, cursor.take(length));
  }
  return sections;
}

/** Lengths from the last string to the first, each with its final zero, then the strings. */
function stringsOf(cursor: Cursor): string[] {
  const lengths = Array.from({ length: cursor.count() }, () => cursor.varint()).reverse();
  const strings = lengths.map((length) => {
    const bytes = cursor.take(length);
    return latin1(bytes.subarray(0, Math.max(0, length - 1)), NAME_CHARACTERS);
  });
  if (!cursor.done) throw new Malformed();
  return strings;
}

interface Dialects {
  readonly dialects: readonly string[];
  /** True where the module has the operation whose properties are known. */
  readonly calls: boolean;
  /** True where it has another one that calls the host. */
  readonly others: boolean;
}

function dialectsOf(cursor: Cursor, strings: readonly string[], version: number): Dialects {
  const dialects = Array.from({ length: cursor.count() }, () => {
    const head = cursor.varint();
    // Before version 1 nothing says whether a dialect has a version of its own.
    if (version >= 1 && head % 2 === 1) {
      cursor.byte();
      cursor.take(cursor.varint());
    }
    return at(strings, version >= 1 ? Math.floor(head / 2) : head);
  });
  if (version >= VERSION.names) cursor.varint();
  let calls = false;
  let others = false;
  while (!cursor.done) {
    const dialect = at(dialects, cursor.varint());
    for (let left = cursor.count(); left > 0; left--) {
      const head = cursor.varint();
      const name = at(strings, version >= VERSION.properties ? Math.floor(head / 2) : head);
      if (dialect === "vhlo" && name === CUSTOM_CALL) calls = true;
      else if (ANY_CUSTOM_CALL.test(name)) others = true;
    }
  }
  return { dialects, calls, others };
}

/** All attributes in their order; types lie behind them. */
function attributesOf(
  offsets: Cursor,
  content: Cursor,
  dialects: readonly string[],
): Attribute[] {
  const count = offsets.varint();
  offsets.varint();
  const attributes: Attribute[] = [];
  while (attributes.length < count) {
    const dialect = at(dialects, offsets.varint());
    const elements = offsets.count();
    if (elements > count - attributes.length) throw new Malformed();
    for (let left = elements; left > 0; left--) {
      const head = offsets.varint();
      const bytes = content.take(Math.floor(head / 2));
      attributes.push({ dialect, custom: head % 2 === 1, bytes });
    }
  }
  return attributes;
}

/** The string that an attribute is; undefined for one of another kind. */
function stringOf({ dialect, custom, bytes }: Attribute, strings: readonly string[]) {
  if (!custom) throw new Malformed();
  const cursor = new Cursor(bytes);
  const code = cursor.varint();
  if (dialect === "vhlo" && code === OLD_VHLO_STRING) throw new Malformed();
  const isString = dialect === "vhlo"
    ? code === VHLO_STRING
    : dialect === "builtin" && (code === BUILTIN.string || code === BUILTIN.stringWithType);
  return isString ? at(strings, cursor.varint()) : undefined;
}

/** Values under the target's name in the dictionaries of operations, which may be written beside properties. */
function* namedTargets(
  attributes: readonly Attribute[],
  strings: readonly string[],
): Iterable<string> {
  for (const { dialect, custom, bytes } of attributes) {
    if (!custom) {
      if (!PLAIN_TEXT.test(latin1(bytes, NAME_CHARACTERS))) throw new Malformed();
      continue;
    }
    const cursor = new Cursor(bytes);
    if (dialect !== "builtin" || cursor.varint() !== BUILTIN.dictionary) continue;
    for (let left = cursor.count(); left > 0; left--) {
      const key = stringOf(at(attributes, cursor.varint()), strings);
      const value = at(attributes, cursor.varint());
      if (key === undefined) throw new Malformed();
      if (key !== TARGET) continue;
      const name = stringOf(value, strings);
      if (name === undefined) throw new Malformed();
      yield name;
    }
  }
}

/** The strings where the properties of a custom call have its target. */
function* propertyTargets(
  cursor: Cursor,
  attributes: readonly Attribute[],
  strings: readonly string[],
): Iterable<string> {
  for (let left = cursor.count(); left > 0; left--) {
    const entry = new Cursor(cursor.take(cursor.varint()));
    const indices: number[] = [];
    while (!entry.done && indices.length < PROPERTIES) indices.push(entry.varint());
    if (indices.length < PROPERTIES) continue;
    for (const place of TARGET_AT) {
      const attribute = attributes[indices[place] ?? -1];
      const name = attribute === undefined ? undefined : stringOf(attribute, strings);
      if (name !== undefined) yield name;
    }
  }
  if (!cursor.done) throw new Malformed();
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Malformed();
  return item;
}
