/**
 * CNTK's models of version 2: dictionaries of numbers, texts, shapes, arrays, lists and dictionaries in protobuf.
 * A function that a user wrote is named by a module and a class, which CNTK puts into the text of an import
 * statement and executes, or by a native library and a function in it.
 * `Source/CNTKv2LibraryDll/proto/CNTK.proto`, `UserDefinedFunction.cpp` and
 * `bindings/python/cntk/internal/__init__.py` of https://github.com/microsoft/CNTK
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Evidence, Observation, OperatorFact } from "../../core/types.ts";
import {
  packedVarints,
  WIRE,
  type WireField,
  type WireMessage,
  WireReader,
} from "../../parsers/protobuf.ts";
import { isDictionary } from "./head.ts";

/** Fields of `Dictionary` and its entries. */
const DICTIONARY = { version: 1, entry: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;
/** Fields of `DictionaryValue` that hold more than a number. */
const VALUE = { text: 8, shape: 9, axis: 10, list: 11, dictionary: 12, array: 13 } as const;
/** Field of `Vector`. */
const LIST_VALUE = 1;
/** Fields of `NDArrayView`, and the bytes of a number in each kind of its values. */
const ARRAY = { shape: 3 } as const;
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([[4, 4], [5, 8]]);
const ARRAY_FIELDS = 7;
/** `NDShape.shape_dim`. */
const SHAPE_SIZE = 1;

/** Keys that name a user's function, and the function in a native library. */
const NAMING = ["module", "class", "op_name", "deserialize_method", "op"];
/** What a module and a class are called in Python; anything else is more than names. */
const DOTTED = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
const PLAIN = /^[\p{L}_][\p{L}\p{N}_]*$/u;
/** Keys without which a model and a checkpoint are refused: they were cut off. */
const REQUIRED: readonly (readonly string[])[] = [
  ["version", "type", "uid", "root", "inputs", "primitive_functions"],
  ["Version", "Learners", "ExternalState"],
];
/** Bytes of a text that are read. CWE-770. */
const TEXT_BYTES = 64 * 1024;
/** Observations of one kind that are reported one by one. CWE-779. */
const REPORTED = 100;

/** CNTK's models. */
export const cntkFormat: Format = { id: "cntk", random: true, detect: isDictionary, scan };

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const walk = new DictionaryWalk(new WireReader(source, context));
  let keys: ReadonlySet<string>;
  try {
    keys = await walk.dictionary(walk.reader.message());
  } finally {
    yield walk.found;
  }
  const known = REQUIRED.find(([first = ""]) => keys.has(first));
  const missing = known?.find((key) => !keys.has(key));
  if (known === undefined || missing !== undefined) {
    const what = missing === undefined ? "no version" : `no "${missing}"`;
    throw new FormatError(`Cannot read CNTK model: it has ${what}`, source.size);
  }
}

class DictionaryWalk {
  readonly reader: WireReader;
  readonly found: Observation[] = [];
  readonly #counts = new Map<string, number>();

  constructor(reader: WireReader) {
    this.reader = reader;
  }

  /**
   * Reads a dictionary and all in it.
   *
   * @returns its keys
   * @throws FormatError where a field is none of the schema's
   */
  async dictionary(message: WireMessage): Promise<ReadonlySet<string>> {
    const keys = new Set<string>();
    const texts: [key: string, text: string][] = [];
    await message.each(async (field) => {
      if (field.number === DICTIONARY.version && field.type === WIRE.varint) return;
      expect(field, DICTIONARY.entry);
      let key = "";
      let text: string | undefined;
      await message.enter(field).each(async (part) => {
        if (part.number === ENTRY.key && part.type === WIRE.bytes) {
          key = await this.reader.text(part);
          return;
        }
        expect(part, ENTRY.value);
        text = await this.#value(message.enter(field).enter(part)) ?? text;
      });
      keys.add(key);
      if (text !== undefined && NAMING.includes(key)) texts.push([key, text]);
    });
    this.#function(texts, message.start);
    return keys;
  }

  /** @returns the text of a value that is one */
  async #value(message: WireMessage): Promise<string | undefined> {
    let text: string | undefined;
    await message.each(async (field) => {
      const { number, type } = field;
      if (number < VALUE.text) {
        if (type === WIRE.bytes) throw unknownField(field);
        return;
      }
      expect(field, number);
      switch (number) {
        case VALUE.text:
          text = await this.#text(field);
          return;
        case VALUE.shape:
        case VALUE.axis:
          return;
        case VALUE.list:
          await message.enter(field).each(async (item) => {
            expect(item, LIST_VALUE);
            await this.#value(message.enter(field).enter(item));
          });
          return;
        case VALUE.dictionary:
          await this.dictionary(message.enter(field));
          return;
        case VALUE.array:
          return await this.#array(message.enter(field));
        default:
          throw unknownField(field);
      }
    });
    return text;
  }

  async #text(field: WireField): Promise<string> {
    if (field.end - field.start > TEXT_BYTES) {
      this.#anomaly("cntk-malformed", `A text has ${field.end - field.start} bytes`, true);
    }
    return await this.reader.text(field, TEXT_BYTES);
  }

  /** Numbers of an array, compared with its shape. */
  async #array(message: WireMessage): Promise<void> {
    let size: number | undefined;
    let numbers: number | undefined;
    await message.each(async (field) => {
      const { number, type } = field;
      if (number > ARRAY_FIELDS) throw unknownField(field);
      if (type !== WIRE.bytes) return;
      if (number === ARRAY.shape) size = await this.#shape(message.enter(field));
      const width = NUMBER_BYTES.get(number);
      if (width === undefined) return;
      let bytes = 0;
      await message.enter(field).each(({ start, end }) => {
        bytes += end - start;
      });
      numbers = bytes / width;
    });
    if (size === undefined || numbers === undefined || size === numbers) return;
    const detail = `An array of ${size} numbers has ${numbers} values`;
    this.#anomaly("cntk-size", detail, false, message.start);
  }

  async #shape(message: WireMessage): Promise<number> {
    let size = 1;
    await message.each(async (field) => {
      if (field.number !== SHAPE_SIZE) throw unknownField(field);
      if (field.type === WIRE.varint) size *= field.value;
      if (field.type !== WIRE.bytes) return;
      const bytes = await this.reader.bytes(field.start, field.end, TEXT_BYTES);
      for (const dimension of packedVarints(bytes, bytes.length)) size *= dimension;
    });
    return size;
  }

  /** A dictionary that names a module or a library is the state of a user's function, wherever it lies. */
  #function(texts: readonly (readonly [key: string, text: string])[], at: number): void {
    const of = (key: string): string[] =>
      texts.flatMap(([name, text]) => name === key ? [text] : []);
    const modules = of("module");
    const classes = of("class");
    const methods = of("deserialize_method");
    if (modules.length === 0 && classes.length === 0 && methods.length === 0) return;
    const evidence = [...classes, ...modules, ...methods].map((text): Evidence => ({
      kind: "code",
      text: text.slice(0, 2048),
      cut: text.length > 2048,
    }));
    const state = (name: string, expression: string): void => {
      if (!this.#isReported(name)) return;
      const fact: OperatorFact = {
        kind: "operator",
        language: "cntk",
        name,
        expression: expression.slice(0, 2048),
        evidence,
      };
      this.found.push({ type: "fact", fact, count: 1, offset: at });
    };
    if (methods.length > 0) {
      state("library", `${methods.join()} of the library "${modules.join()}"`);
    }
    if (methods.length === 0 || classes.length > 0) {
      const plain = modules.every((it) => DOTTED.test(it)) &&
        classes.every((it) => PLAIN.test(it));
      state(plain ? "import" : "code", `from ${modules.join()} import ${classes.join()}`);
    }
  }

  #isReported(kind: string): boolean {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return count <= REPORTED;
  }

  #anomaly(rule: string, detail: string, unread: boolean, offset?: number): void {
    if (!this.#isReported(rule)) return;
    this.found.push({
      type: "anomaly",
      rule,
      detail,
      ...(offset !== undefined && { offset }),
      ...(unread && { unread }),
    });
  }
}

/** @throws FormatError for another field, or another wire type */
function expect(field: WireField, number: number): void {
  if (field.number !== number || field.type !== WIRE.bytes) throw unknownField(field);
}

function unknownField({ number, offset }: WireField): FormatError {
  return new FormatError(`Cannot read CNTK model: there is no field ${number}`, offset);
}
