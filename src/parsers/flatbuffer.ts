/**
 * FlatBuffers over a source: tables, vectors and texts by their offsets, each compared with the bytes
 * there are. What is not asked for is not read, so that a model of gigabytes costs some pages.
 * https://flatbuffers.dev/internals/
 *
 * @module
 */

import { FormatError, LimitError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";

/** Bytes read at a time: tables of a model lie side by side. */
const PAGE_BYTES = 16 * 1024;
/** Pages kept: half a megabyte. */
const PAGES = 32;
/** Tables, vectors and numbers read in all; models of language have some hundred thousand. CWE-400. */
const READS = 20_000_000;
/** Reads between two checks of the deadline. */
const READS_BETWEEN_CHECKS = 4096;
const utf8 = new TextDecoder();

/** How a buffer is read. */
interface FlatBufferOptions {
  /** Called now and then; may throw. */
  readonly check: () => void;
  /** Bytes from the start of the source at which the buffer begins; 0 unless given. */
  readonly base?: number;
}

/** A vector: where its first item lies, from the start of the buffer, and how many there are. */
export interface FlatVector {
  /** Bytes from the start of the buffer. */
  readonly at: number;
  /** Items. */
  readonly length: number;
}

/** A table: its fields by their slots, in the order of the schema from 0 on. */
export class FlatRecord {
  readonly buffer: FlatBuffer;
  /** Bytes from the start of the buffer. */
  readonly at: number;
  readonly #fields: number;
  readonly #fieldBytes: number;
  readonly #bytes: number;

  constructor(buffer: FlatBuffer, at: number, fields: number, fieldBytes: number, bytes: number) {
    this.buffer = buffer;
    this.at = at;
    this.#fields = fields;
    this.#fieldBytes = fieldBytes;
    this.#bytes = bytes;
  }

  /** Where a field is; undefined when the table leaves it at its default. */
  async place(slot: number, width: number): Promise<number | undefined> {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#fieldBytes) return undefined;
    const offset = await this.buffer.uint(this.#fields + entry, 2);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + width > this.#bytes) {
      throw new FormatError(`Cannot read FlatBuffer: field ${slot} lies outside its table`);
    }
    return this.at + offset;
  }

  /** An unsigned number of `width` bytes; `initial` where the table leaves it at its default. */
  async uint(slot: number, width: 1 | 2 | 4 | 8, initial = 0): Promise<number> {
    const place = await this.place(slot, width);
    return place === undefined ? initial : await this.buffer.uint(place, width);
  }

  /** A signed number of 32 bits; `initial` where the table leaves it at its default. */
  async int(slot: number, initial = 0): Promise<number> {
    const place = await this.place(slot, 4);
    return place === undefined ? initial : await this.buffer.uint(place, 4) | 0;
  }

  /** What an offset in a field leads to; undefined where there is none. */
  async target(slot: number): Promise<number | undefined> {
    const place = await this.place(slot, 4);
    return place === undefined ? undefined : place + await this.buffer.uint(place, 4);
  }

  /** A nested table. */
  async table(slot: number): Promise<FlatRecord | undefined> {
    const target = await this.target(slot);
    return target === undefined ? undefined : await this.buffer.table(target);
  }

  /** A vector of items of so many bytes; an empty one where there is none. */
  async vector(slot: number, itemBytes: number): Promise<FlatVector> {
    const target = await this.target(slot);
    return target === undefined
      ? { at: this.at, length: 0 }
      : await this.buffer.vector(target, itemBytes);
  }

  /** A text, its first `most` bytes; undefined where there is none. */
  async text(slot: number, most = 4096): Promise<string | undefined> {
    const target = await this.target(slot);
    if (target === undefined) return undefined;
    const { at, length } = await this.buffer.vector(target, 1);
    // A text ends with a zero that its length does not count.
    this.buffer.need(at + length, 1);
    return utf8.decode(await this.buffer.bytes(at, Math.min(length, most)));
  }

  /** A vector of signed numbers of 32 bits, its first `most`. */
  async ints(slot: number, most = 1 << 16): Promise<Int32Array> {
    const { at, length } = await this.vector(slot, 4);
    const bytes = await this.buffer.bytes(at, 4 * Math.min(length, most));
    const view = new DataView(bytes.buffer);
    return Int32Array.from(
      { length: bytes.length / 4 },
      (_, index) => view.getInt32(4 * index, true),
    );
  }

  /** The tables of a vector, one after the other. */
  async *tables(slot: number): AsyncGenerator<FlatRecord> {
    const { at, length } = await this.vector(slot, 4);
    for (let index = 0; index < length; index++) {
      const place = at + 4 * index;
      yield await this.buffer.table(place + await this.buffer.uint(place, 4));
    }
  }
}

/** A buffer with random access. Offsets are bytes from its start; all numbers are little-endian. */
export class FlatBuffer {
  /** Bytes in all. */
  readonly size: number;
  /** End of the last byte that anything refers to, as far as it was read. */
  end = 0;
  readonly #source: Source;
  readonly #base: number;
  readonly #check: () => void;
  readonly #pages = new Map<number, DataView>();
  #reads = 0;

  /** @param source of known size */
  constructor(source: Source, { check, base = 0 }: FlatBufferOptions) {
    this.#source = source;
    this.#base = base;
    this.#check = check;
    this.size = Math.max(0, (source.size ?? 0) - base);
  }

  /** The root table. @throws FormatError when it lies outside */
  async root(): Promise<FlatRecord> {
    return await this.table(await this.uint(0, 4));
  }

  /** The table at a place. @throws FormatError when it, or the table of its fields, lies outside */
  async table(at: number): Promise<FlatRecord> {
    const fields = at - (await this.uint(at, 4) | 0);
    const fieldBytes = await this.uint(fields, 2);
    const tableBytes = await this.uint(fields + 2, 2);
    if (fieldBytes < 4 || fieldBytes % 2 !== 0 || tableBytes < 4) {
      throw new FormatError("Invalid table of fields", this.#base + fields);
    }
    this.need(fields, fieldBytes);
    this.need(at, tableBytes);
    return new FlatRecord(this, at, fields, fieldBytes, tableBytes);
  }

  /** Counts bytes as referred to. @throws FormatError when they lie outside */
  need(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.size)) {
      throw new FormatError(
        `Cannot read FlatBuffer: ${length} bytes at ${at} lie outside its ${this.size}`,
        this.#base + Math.min(Math.max(0, at), this.size),
      );
    }
    this.end = Math.max(this.end, at + length);
  }

  /**
   * An unsigned number.
   *
   * @param width bytes: 1, 2, 4 or 8; of 8, what is above 2^53 is rounded
   * @throws FormatError when it lies outside
   */
  async uint(at: number, width: 1 | 2 | 4 | 8): Promise<number> {
    this.need(at, width);
    this.#count();
    const page = Math.floor(at / PAGE_BYTES);
    const offset = at - page * PAGE_BYTES;
    if (offset + width > PAGE_BYTES) {
      const bytes = await this.bytes(at, width);
      return numberIn(new DataView(bytes.buffer), 0, width);
    }
    return numberIn(this.#pages.get(page) ?? await this.#load(page), offset, width);
  }

  /** A copy of bytes. @throws FormatError when they lie outside */
  async bytes(at: number, length: number): Promise<Uint8Array> {
    this.need(at, length);
    return await this.#read(at, length);
  }

  async #read(at: number, length: number): Promise<Uint8Array> {
    this.#count();
    const bytes = new Uint8Array(length);
    let have = 0;
    while (have < length) {
      const part = await this.#source.read(this.#base + at + have, length - have);
      if (part.length === 0) throw new FormatError("Cannot read FlatBuffer: it is cut off");
      bytes.set(part, have);
      have += part.length;
    }
    return bytes;
  }

  /**
   * The vector at a place; all of its items are there.
   *
   * @param itemBytes bytes of an item; of offsets, 4
   * @throws FormatError when it lies outside
   */
  async vector(at: number, itemBytes: number): Promise<FlatVector> {
    const length = await this.uint(at, 4);
    this.need(at + 4, length * itemBytes);
    return { at: at + 4, length };
  }

  async #load(page: number): Promise<DataView> {
    const from = page * PAGE_BYTES;
    const bytes = await this.#read(from, Math.min(PAGE_BYTES, this.size - from));
    const view = new DataView(bytes.buffer);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size >= PAGES && oldest !== undefined) this.#pages.delete(oldest);
    this.#pages.set(page, view);
    return view;
  }

  #count(): void {
    this.#reads++;
    if (this.#reads % READS_BETWEEN_CHECKS === 0) this.#check();
    if (this.#reads > READS) {
      throw new LimitError("values", `Cannot read more than ${READS} tables of a FlatBuffer`);
    }
  }
}

function numberIn(view: DataView, offset: number, width: 1 | 2 | 4 | 8): number {
  switch (width) {
    case 1:
      return view.getUint8(offset);
    case 2:
      return view.getUint16(offset, true);
    case 4:
      return view.getUint32(offset, true);
    case 8:
      return Number(view.getBigUint64(offset, true));
  }
}
