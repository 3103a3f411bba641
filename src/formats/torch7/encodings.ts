/**
 * The two notations of Torch7's files: `lib/TH/THDiskFile.c` of https://github.com/torch/torch7
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";

/** Elements of storages, by the names of their classes. */
export type ElementKind =
  | "Byte"
  | "Char"
  | "Short"
  | "Int"
  | "Long"
  | "Float"
  | "Double"
  | "Half";

const ELEMENT_BYTES: Readonly<Record<Exclude<ElementKind, "Long">, number>> = {
  Byte: 1,
  Char: 1,
  Short: 2,
  Int: 4,
  Float: 4,
  Double: 8,
  Half: 2,
};

/** Bytes of a text that are kept. Real keys have some dozen, functions some kilobytes. CWE-770. */
const TEXT_BYTES = 256 * 1024;
/** Characters of one number in text: `%.17g` writes at most 24. */
const NUMBER_CHARACTERS = 64;
/** Bytes of numbers in text that are looked at together. */
const CHUNK_BYTES = 64 * 1024;

/** Reads one after the other what `torch.File` reads. Each throws FormatError where the file does not have it. */
export interface ObjectReader {
  /** Bytes from the start of the source. */
  readonly offset: number;
  /** Bytes behind the place. */
  readonly left: number;
  int(): Promise<number>;
  double(): Promise<number>;
  /** @param count of numbers; all are kept */
  longs(count: number): Promise<readonly number[]>;
  /** A text as its first bytes, of which a copy is handed out; the rest is stepped over. */
  text(length: number): Promise<Uint8Array>;
  /** Steps over the elements of a storage. */
  elements(kind: ElementKind, count: number): Promise<void>;
}

/** Binary, little-endian. */
export class BinaryReader implements ObjectReader {
  readonly #cursor: SourceCursor;
  readonly #longBytes: 4 | 8;

  /** @param check called before each read; may throw @param longBytes of a `long` of the program that wrote it */
  constructor(source: Source, check: () => void, longBytes: 4 | 8) {
    this.#cursor = new SourceCursor(source, { check });
    this.#longBytes = longBytes;
  }

  get offset(): number {
    return this.#cursor.offset;
  }

  get left(): number {
    return this.#cursor.left ?? 0;
  }

  int(): Promise<number> {
    return this.#cursor.i32();
  }

  double(): Promise<number> {
    return this.#cursor.f64();
  }

  async longs(count: number): Promise<readonly number[]> {
    const numbers: number[] = [];
    while (numbers.length < count) {
      numbers.push(await (this.#longBytes === 8 ? this.#cursor.i64() : this.#cursor.i32()));
    }
    return numbers;
  }

  async text(length: number): Promise<Uint8Array> {
    const bytes = (await this.#cursor.bytes(Math.min(length, TEXT_BYTES))).slice();
    await this.#cursor.skip(length - bytes.length);
    return bytes;
  }

  elements(kind: ElementKind, count: number): Promise<void> {
    const bytes = kind === "Long" ? this.#longBytes : ELEMENT_BYTES[kind];
    return this.#cursor.skip(bytes * count);
  }
}

const INTEGER = /^[-+]?\d{1,19}$/u;
const NUMBER = /^[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|nan|inf)$/iu;

/**
 * Text: numbers of one call of the writer on a line, texts raw, a line feed behind each. Other white space, which
 * the reader of Torch7 accepts too, is written by none.
 */
export class TextReader implements ObjectReader {
  readonly #cursor: SourceCursor;
  readonly #source: Source;
  readonly #check: () => void;

  /** @param check called before each read; may throw */
  constructor(source: Source, check: () => void) {
    this.#source = source;
    this.#check = check;
    this.#cursor = new SourceCursor(source, { check });
  }

  get offset(): number {
    return this.#cursor.offset;
  }

  get left(): number {
    return this.#cursor.left ?? 0;
  }

  async int(): Promise<number> {
    const [value] = await this.#line(1, INTEGER);
    return value ?? NaN;
  }

  async double(): Promise<number> {
    const [value] = await this.#line(1, NUMBER);
    return value ?? NaN;
  }

  async longs(count: number): Promise<readonly number[]> {
    return count === 0 ? [] : await this.#line(count, INTEGER);
  }

  async text(length: number): Promise<Uint8Array> {
    const bytes = (await this.#cursor.bytes(Math.min(length, TEXT_BYTES))).slice();
    await this.#cursor.skip(length - bytes.length);
    if (length > 0) await this.#lineFeed();
    return bytes;
  }

  async elements(kind: ElementKind, count: number): Promise<void> {
    if (count === 0) return;
    if (kind === "Byte" || kind === "Char") {
      await this.#cursor.skip(count);
      await this.#lineFeed();
      return;
    }
    const pattern = kind === "Float" || kind === "Double" || kind === "Half" ? NUMBER : INTEGER;
    let seen = 0;
    let rest = "";
    for (let at = this.offset; seen < count; at += CHUNK_BYTES) {
      this.#check();
      const bytes = await this.#source.read(at, CHUNK_BYTES);
      if (bytes.length === 0) throw this.#wrong(`${count - seen} numbers are missing`);
      const text = rest + latin1(bytes, bytes.length);
      const end = text.indexOf("\n");
      const words = (end < 0 ? text : text.slice(0, end)).split(" ");
      rest = end < 0 ? words.pop() ?? "" : "";
      const wrong = words.find((word) => !pattern.test(word));
      if (wrong !== undefined || rest.length > NUMBER_CHARACTERS) {
        throw this.#wrong(`"${(wrong ?? rest).slice(0, 40)}" is no number`);
      }
      seen += words.length;
      if (seen > count || (end >= 0) !== (seen === count)) {
        throw this.#wrong(`a storage has ${seen} numbers, not ${count}`);
      }
      const before = text.length - bytes.length;
      if (end >= 0) await this.#cursor.skip(at + end - before + 1 - this.offset);
    }
  }

  /** The numbers of one line. */
  async #line(count: number, pattern: RegExp): Promise<readonly number[]> {
    const line = await this.#cursor.until(0x0a, count * NUMBER_CHARACTERS);
    const words = latin1(line, line.length).split(" ");
    if (words.length !== count || !words.every((word) => pattern.test(word))) {
      throw this.#wrong(`a line has not ${count} numbers`);
    }
    return words.map(Number);
  }

  async #lineFeed(): Promise<void> {
    if (await this.#cursor.u8() !== 0x0a) throw this.#wrong("a line feed is missing");
  }

  #wrong(why: string): FormatError {
    return new FormatError(`Cannot read Torch7 object: ${why}`, this.offset);
  }
}
