/**
 * Tables of a FlatBuffer in memory, every offset compared with the bytes there are.
 * https://flatbuffers.dev/internals/
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** A table, or a vector of tables' owner: a place in a buffer. */
export class FlatTable {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;
  readonly #fieldBytes: number;

  /**
   * @param at where the table begins
   * @throws FormatError when it, or the table of its fields, lies outside
   */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
    this.#need(at, 4);
    this.#fields = at - this.#view.getInt32(at, true);
    this.#need(this.#fields, 4);
    this.#fieldBytes = this.#view.getUint16(this.#fields, true);
    this.#need(this.#fields, this.#fieldBytes);
    this.#need(at, this.#view.getUint16(this.#fields + 2, true));
    if (this.#fieldBytes < 4) throw new FormatError("Invalid table of fields", this.#fields);
  }

  /** The root of a buffer. */
  static root(bytes: Uint8Array): FlatTable {
    if (bytes.length < 4) throw new FormatError("Cannot read FlatBuffer: it is cut off", 0);
    const at = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    return new FlatTable(bytes, at);
  }

  #need(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.#bytes.length)) {
      throw new FormatError(
        `Cannot read FlatBuffer: ${length} bytes at ${at} lie outside its ${this.#bytes.length}`,
      );
    }
  }

  /** Where a field is; undefined when the table does not have it. */
  #place(slot: number): number | undefined {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#fieldBytes) return undefined;
    const offset = this.#view.getUint16(this.#fields + entry, true);
    return offset === 0 ? undefined : this.#at + offset;
  }

  /** What an offset in a field leads to. */
  #target(slot: number): number | undefined {
    const place = this.#place(slot);
    if (place === undefined) return undefined;
    this.#need(place, 4);
    const target = place + this.#view.getUint32(place, true);
    this.#need(target, 4);
    return target;
  }

  /** A nested table. */
  table(slot: number): FlatTable | undefined {
    const target = this.#target(slot);
    return target === undefined ? undefined : new FlatTable(this.#bytes, target);
  }

  /** Text of at most so many bytes. */
  text(slot: number, most = 4096): string | undefined {
    const target = this.#target(slot);
    return target === undefined ? undefined : this.#textAt(target, most);
  }

  #textAt(target: number, most: number): string {
    this.#need(target, 4);
    const length = this.#view.getUint32(target, true);
    this.#need(target + 4, length);
    if (length > most) throw new FormatError(`Cannot read a text of ${length} bytes`, target);
    return new TextDecoder().decode(this.#bytes.subarray(target + 4, target + 4 + length));
  }

  /** A vector of at most so many texts, each of at most so many bytes. */
  texts(slot: number, count = 256, most = 4096): readonly string[] {
    const { at, length } = this.vector(slot, 4) ?? { at: 0, length: 0 };
    if (length > count) throw new FormatError(`Cannot read ${length} texts`, at);
    return Array.from({ length }, (_, index) => {
      const place = at + 4 * index;
      return this.#textAt(place + this.#view.getUint32(place, true), most);
    });
  }

  /**
   * A vector: where its items begin and how many there are; all of them are there.
   *
   * @param itemBytes bytes of an item; of offsets, 4
   */
  vector(
    slot: number,
    itemBytes: number,
  ): { readonly at: number; readonly length: number } | undefined {
    const target = this.#target(slot);
    if (target === undefined) return undefined;
    const length = this.#view.getUint32(target, true);
    this.#need(target + 4, length * itemBytes);
    return { at: target + 4, length };
  }

  /** A vector of 32-bit integers. */
  integers(slot: number): Int32Array {
    const vector = this.vector(slot, 4);
    if (vector === undefined) return new Int32Array(0);
    const { at, length } = vector;
    return Int32Array.from({ length }, (_, index) => this.#view.getInt32(at + 4 * index, true));
  }

  /** A vector of tables. */
  tables(slot: number): readonly FlatTable[] {
    const vector = this.vector(slot, 4);
    if (vector === undefined) return [];
    return Array.from({ length: vector.length }, (_, index) => {
      const place = vector.at + 4 * index;
      return new FlatTable(this.#bytes, place + this.#view.getUint32(place, true));
    });
  }

  /** A 32-bit integer; undefined where the table leaves it at its default. */
  integer(slot: number): number | undefined {
    const place = this.#place(slot);
    if (place === undefined) return undefined;
    this.#need(place, 4);
    return this.#view.getInt32(place, true);
  }
}
