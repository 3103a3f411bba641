/**
 * Programs of PyTorch's mobile interpreter: the pickle `bytecode.pkl` of an archive, and flatbuffers with
 * the identifier `PTMF`. Both name their operators by text, and the interpreter runs them without a look
 * at `code/`; loading already runs `__setstate__`.
 * https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/serialization/mobile_bytecode.fbs,
 * `torch/csrc/jit/mobile/{import,flatbuffer_loader}.cpp`
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import { HINT } from "../../core/hints.ts";
import { hiddenEntry, hiddenFiles } from "../../parsers/trailing.ts";
import type { FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Interest, Observation, OperatorFact } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { readAll, readUpTo } from "../../sources/read_all.ts";
import { sliceSource } from "../../sources/memory.ts";
import { customClass, isNotable } from "./names.ts";

/** Bytes of a `bytecode.pkl`; those of the largest mobile models have some megabytes. CWE-770. */
const BYTECODE_BYTES = 256 * 1024 * 1024;
/** Values and operators of one program; large models have some ten thousand. CWE-770. */
const VALUES = 1_000_000;
/** Bytes of a name. The longest seen has 16. CWE-770. */
const NAME_BYTES = 1024;
/** Bytes of a type. The longest seen has 74. CWE-770. */
const TYPE_BYTES = 64 * 1024;
/** Bytes in which names of classes are looked for at once. */
const CLASS_BLOCK_BYTES = 1024 * 1024;
/** Bytes read at once, and blocks of them that are kept: 4 MiB, whatever the file has. CWE-770. */
const BLOCK_BYTES = 64 * 1024;
const BLOCKS = 64;

/** The name of an operator, and that of a class of a library. */
const OPERATOR_NAME = /^[A-Za-z_]\w*::[\w.]+$/u;
/** Between its words PyTorch's parser of types skips spaces, behind some of which it crashes. */
const CLASS_NAME =
  /__torch__ *\. *torch *\. *classes *\. *(?<path>\w{1,255}(?: *\. *\w{1,255}){0,16})/gu;

/**
 * Opcodes of texts, with the bytes that their length takes. PyTorch 2.13 follows BINUNICODE and BINUNICODE8 only
 * (`Unpickler::readInstruction`); BINSTRING and the short forms are of pickles that others wrote.
 */
const TEXTS: Readonly<Record<number, number>> = { 0x58: 4, 0x8d: 8, 0x54: 4, 0x8c: 1, 0x55: 1 };

/** The operators of a program, each once, with a count. */
class Operators {
  readonly #found = new Map<string, { fact: OperatorFact; count: number; offset: number }>();
  readonly #where: string;
  readonly #interest: Interest;

  constructor(where: string, interest: Interest) {
    this.#where = where;
    this.#interest = interest;
  }

  add(name: string, offset: number): void {
    if (!isNotable(name, this.#interest)) return;
    const known = this.#found.get(name);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const expression = `${name} in ${this.#where}`;
    const fact: OperatorFact = { kind: "operator", language: "torchscript", name, expression };
    this.#found.set(name, { fact, count: 1, offset });
  }

  /** The classes of libraries that a type names. */
  addClasses(type: string, offset: number): void {
    for (const match of type.matchAll(CLASS_NAME)) {
      const name = customClass((match.groups?.path ?? "").replaceAll(" ", ""));
      if (name !== undefined) this.add(name, offset + match.index);
    }
  }

  reported(): Observation[] {
    return Array.from(this.#found.values(), (one): Observation => ({ type: "fact", ...one }));
  }
}

/**
 * The operators that a `bytecode.pkl` names. PyTorch's unpickler has no opcode that computes a text, so
 * each name is the argument of one: every place is tried, after any opcode.
 *
 * @throws LimitError, SourceError as `readAll` does
 */
export async function scanBytecode(
  source: Source,
  context: FormatContext,
): Promise<Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, BYTECODE_BYTES, "a mobile program", check);
  const operators = new Operators("the bytecode of a mobile program", context.interest);
  for (let at = 0; at < bytes.length; at++) {
    if (at % BLOCK_BYTES === 0) check();
    const width = TEXTS[bytes[at] ?? 0];
    if (width === undefined) continue;
    const length = lengthAt(bytes, at + 1, width);
    const start = at + 1 + width;
    if (length < 4 || length > NAME_BYTES || start + length > bytes.length) continue;
    const text = latin1(bytes.subarray(start), length);
    if (OPERATOR_NAME.test(text)) operators.add(text, start);
  }
  // Types are texts, too, of any length.
  for (let at = 0; at < bytes.length; at += CLASS_BLOCK_BYTES) {
    check();
    const block = bytes.subarray(at, at + CLASS_BLOCK_BYTES + TYPE_BYTES);
    operators.addClasses(latin1(block), at);
  }
  return operators.reported();
}

function lengthAt(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let i = width - 1; i >= 0; i--) length = length * 256 + (bytes[at + i] ?? 0);
  return length;
}

/** Bytes at the end of a flatbuffer in which a pickle is looked for. */
const TAIL_BYTES = 64 * 1024;

/** Bytes of its head, with which no part of it begins. */
const HEAD_BYTES = 16;

/** Slots of `Module`, `IValue`, `Function`, `Operator`, `ObjectType` and `ExtraFile` in the schema. */
const MODULE = { extraFiles: 1, values: 4, types: 7, sources: 8 } as const;
const VALUE = { type: 0, value: 1 } as const;
const FUNCTION = { operators: 2, types: 4 } as const;
const OPERATOR = { name: 0 } as const;
const OBJECT_TYPE = { name: 0 } as const;
const EXTRA_FILE = { name: 0, content: 1 } as const;
/** `IValueUnion.Function`. */
const FUNCTION_TYPE = 16;

/**
 * The operators, sources and further files of a flatbuffer.
 *
 * @throws FormatError when an offset leads out of the file
 * @throws LimitError when there is more than any program has
 */
export async function* scanFlatbuffer(
  source: Source,
  context: FormatContext,
): AsyncIterable<Observation[]> {
  const reader = new FlatReader(source, () => context.checkDeadline());
  const operators = new Operators("a mobile program", context.interest);
  let failure: { readonly error: unknown } | undefined;
  const entries: Observation[] = [];
  try {
    const root = await reader.u32(0);
    await readFiles(reader, source, root, entries);
    await readOperators(reader, root, operators);
  } catch (error) {
    failure = { error };
  }
  // Where the last object ends is not written; what lies at the end is looked into all the same.
  const tail = Math.max(HEAD_BYTES, (source.size ?? 0) - TAIL_BYTES);
  entries.push(await hiddenEntry(source, "(end of the file)", tail));
  entries.push(...await hiddenFiles(source, await readUpTo(source, tail, TAIL_BYTES), tail));
  yield [...operators.reported(), ...entries];
  if (failure !== undefined) throw failure.error;
}

async function readOperators(reader: FlatReader, root: number, into: Operators): Promise<void> {
  for await (const type of reader.tables(root, MODULE.types)) {
    const name = await reader.text(type, OBJECT_TYPE.name, TYPE_BYTES);
    into.addClasses(name.text, name.offset);
  }
  for await (const value of reader.tables(root, MODULE.values)) {
    const type = await reader.field(value, VALUE.type);
    if (type === undefined || await reader.u8(type) !== FUNCTION_TYPE) continue;
    const called = await reader.table(value, VALUE.value);
    if (called === undefined) continue;
    for await (const operator of reader.tables(called, FUNCTION.operators)) {
      const { text, offset } = await reader.text(operator, OPERATOR.name);
      if (text !== "") into.add(text, offset);
    }
    for await (const at of reader.tables(called, FUNCTION.types)) {
      const { text, offset } = await reader.textAt(at, TYPE_BYTES);
      into.addClasses(text, offset);
    }
  }
}

async function readFiles(
  reader: FlatReader,
  source: Source,
  root: number,
  into: Observation[],
): Promise<void> {
  for (const slot of [MODULE.sources, MODULE.extraFiles]) {
    for await (const file of reader.tables(root, slot)) {
      const name = await reader.text(file, EXTRA_FILE.name);
      const content = await reader.vector(file, EXTRA_FILE.content, 1);
      if (content === undefined || content.count === 0) continue;
      const part = name.text === "" ? `file_${content.start}` : name.text;
      const bytes = sliceSource(part, source, content.start, content.count);
      into.push(
        slot === MODULE.sources
          ? { type: "entry", source: bytes, part, hint: HINT.torchscriptSource }
          : { type: "entry", source: bytes, part, loaded: "data" },
      );
    }
  }
}

/** Reads a flatbuffer by offset, in blocks; every offset is compared with the end. */
class FlatReader {
  readonly #source: Source;
  readonly #size: number;
  readonly #check: () => void;
  readonly #blocks = new Map<number, Uint8Array>();
  #items = 0;

  constructor(source: Source, check: () => void) {
    this.#source = source;
    this.#size = source.size ?? 0;
    this.#check = check;
  }

  async u8(offset: number): Promise<number> {
    if (offset < 0 || offset >= this.#size) this.#outside(offset);
    const index = Math.floor(offset / BLOCK_BYTES);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      this.#check();
      block = (await this.#source.read(index * BLOCK_BYTES, BLOCK_BYTES)).slice();
      const [oldest] = this.#blocks.keys();
      if (this.#blocks.size >= BLOCKS && oldest !== undefined) this.#blocks.delete(oldest);
      this.#blocks.set(index, block);
    }
    const byte = block[offset - index * BLOCK_BYTES];
    if (byte === undefined) this.#outside(offset);
    return byte;
  }

  async u16(offset: number): Promise<number> {
    return await this.u8(offset) + await this.u8(offset + 1) * 256;
  }

  async u32(offset: number): Promise<number> {
    return await this.u16(offset) + await this.u16(offset + 2) * 65_536;
  }

  /** Where a field of a table lies; undefined where the table has none. */
  async field(table: number, slot: number): Promise<number | undefined> {
    // The vtable lies at a signed distance before its table.
    const vtable = table - (await this.u32(table) | 0);
    const at = 4 + 2 * slot;
    if (at + 2 > await this.u16(vtable)) return undefined;
    const offset = await this.u16(vtable + at);
    return offset === 0 ? undefined : table + offset;
  }

  /** Where a field leads that holds an offset. */
  async table(table: number, slot: number): Promise<number | undefined> {
    const field = await this.field(table, slot);
    if (field === undefined) return undefined;
    const target = field + await this.u32(field);
    if (target >= this.#size) this.#outside(target);
    return target;
  }

  /** A vector of items of so many bytes each; it lies within the file. */
  async vector(
    table: number,
    slot: number,
    bytes: number,
  ): Promise<{ readonly start: number; readonly count: number } | undefined> {
    const at = await this.table(table, slot);
    if (at === undefined) return undefined;
    const count = await this.u32(at);
    if (at + 4 + count * bytes > this.#size) this.#outside(at + 4 + count * bytes);
    return { start: at + 4, count };
  }

  /** The tables of a vector of offsets. */
  async *tables(table: number, slot: number): AsyncIterable<number> {
    const vector = await this.vector(table, slot, 4);
    if (vector === undefined) return;
    for (let i = 0; i < vector.count; i++) {
      if (++this.#items % 4096 === 0) this.#check();
      if (this.#items > VALUES) {
        throw new LimitError("values", `The program has more than ${VALUES} values`);
      }
      const at = vector.start + 4 * i;
      yield at + await this.u32(at);
    }
  }

  async text(
    table: number,
    slot: number,
    limit = NAME_BYTES,
  ): Promise<{ readonly text: string; readonly offset: number }> {
    const at = await this.table(table, slot);
    return at === undefined ? { text: "", offset: table } : await this.textAt(at, limit);
  }

  /** The text whose length stands at a place; none is longer than the limit. */
  async textAt(
    at: number,
    limit: number,
  ): Promise<{ readonly text: string; readonly offset: number }> {
    const count = await this.u32(at);
    const start = at + 4;
    if (start + count > this.#size) this.#outside(start + count);
    if (count > limit) {
      throw new LimitError(
        "values",
        `A name of the program has ${count} bytes, more than ${limit}`,
      );
    }
    const bytes = new Uint8Array(count);
    for (let i = 0; i < bytes.length; i++) bytes[i] = await this.u8(start + i);
    return { text: new TextDecoder().decode(bytes), offset: start };
  }

  #outside(offset: number): never {
    throw new FormatError(`An offset of ${offset} lies outside the file`, Math.max(0, offset));
  }
}
