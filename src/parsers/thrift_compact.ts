/**
 * Thrift's compact protocol over bytes in memory: what Parquet's footer is written in.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** Types of fields and items. A field's type is also its value for the two booleans. */
export const THRIFT = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const;

/** Structures in one another; Parquet's have five levels. CWE-674. */
const DEPTH = 64;
/** Greatest number of a field, which has 16 bits. */
const FIELD_NUMBER = 32_767;
/** Values between two checks of the deadline. */
const VALUES_BETWEEN_CHECKS = 16_384;
/** Bytes of the longest variable integer: ten groups of seven bits. */
const VARINT_BYTES = 10;

/** Reads values in the order in which they stand. Every method throws FormatError where bytes are missing. */
export class ThriftReader {
  /** Bytes from the start. */
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #check: () => void;
  #values = 0;
  #depth = 0;

  /** @param check called now and then; may throw */
  constructor(bytes: Uint8Array, check: () => void) {
    this.#bytes = bytes;
    this.#check = check;
  }

  /**
   * A structure.
   *
   * @param field is called for each field with its number and type, and reads its value; where it reads
   * nothing, the value is skipped
   */
  struct(field: (id: number, type: number) => void): void {
    this.#enter();
    for (let id = 0;;) {
      const head = this.#byte();
      if (head === 0) break;
      id = head >> 4 === 0 ? this.int() : id + (head >> 4);
      // Readers in C++ keep the lowest 16 bits of a number.
      if (!(Math.abs(id) <= FIELD_NUMBER)) {
        throw new FormatError(`A field of Thrift data has the number ${id}`, this.at);
      }
      const before = this.at;
      const type = head & 15;
      field(id, type);
      if (this.at === before) this.skip(type);
    }
    this.#depth--;
  }

  /** The items of a list or set: `item` is called for each with its type, and reads its value. */
  list(item: (type: number) => void): void {
    const { type, length } = this.#listHead();
    for (let index = 0; index < length; index++) item(type);
  }

  /** A signed number, `byte` apart; beyond 2^53 it is rounded. */
  int(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Bytes or a text; a view. */
  binary(): Uint8Array {
    const length = this.#varint();
    this.#need(length);
    const bytes = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }

  /** Steps over a value. */
  skip(type: number, isItem = false): void {
    switch (type) {
      case THRIFT.true:
      case THRIFT.false:
        // Of a field, the type is the value.
        if (isItem) this.#byte();
        return;
      case THRIFT.byte:
        this.#byte();
        return;
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        this.#varint();
        return;
      case THRIFT.double:
        this.#forward(8);
        return;
      case THRIFT.uuid:
        this.#forward(16);
        return;
      case THRIFT.binary:
        this.binary();
        return;
      case THRIFT.list:
      case THRIFT.set:
        this.#enter();
        this.list((each) => this.skip(each, true));
        this.#depth--;
        return;
      case THRIFT.map:
        this.#skipMap();
        return;
      case THRIFT.struct:
        this.struct(() => {});
        return;
      default:
        throw new FormatError(`Unknown type ${type} in Thrift data`, this.at);
    }
  }

  #skipMap(): void {
    this.#enter();
    const length = this.#varint();
    const types = length === 0 ? 0 : this.#byte();
    for (let index = 0; index < length; index++) {
      this.skip(types >> 4, true);
      this.skip(types & 15, true);
    }
    this.#depth--;
  }

  #listHead(): { readonly type: number; readonly length: number } {
    const head = this.#byte();
    const length = head >> 4 === 15 ? this.#varint() : head >> 4;
    // Each item has a byte at least.
    this.#need(length);
    return { type: head & 15, length };
  }

  #enter(): void {
    if (++this.#depth > DEPTH) throw new FormatError("Thrift data is nested too deeply", this.at);
  }

  #varint(): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES; index++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new FormatError("A number in Thrift data does not end", this.at);
  }

  #byte(): number {
    if (++this.#values % VALUES_BETWEEN_CHECKS === 0) this.#check();
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new FormatError("Thrift data is cut off", this.at);
    this.at++;
    return byte;
  }

  #forward(count: number): void {
    this.#need(count);
    this.at += count;
  }

  #need(count: number): void {
    if (!(this.at + count <= this.#bytes.length)) {
      throw new FormatError(`Thrift data lacks ${count} bytes`, this.at);
    }
  }
}
