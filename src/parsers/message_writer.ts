/**
 * Writes protobuf messages, and remembers which byte of another form each field came from: what is written as text
 * or JSON is read by the readers of the wire, and their places are told in the text.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * @module
 */

import { WIRE } from "./protobuf.ts";

/** Bytes of the length of a nested message, which is filled in behind it: a varint may have zeros at its end. */
const LENGTH_BYTES = 5;

/** A message being written. */
export class MessageWriter {
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Where fields begin, and where they came from, in pairs. */
  readonly #places: number[] = [];

  /** What was written, as a view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where a byte that was written came from. */
  placeOf(offset: number): number {
    let low = 0;
    let high = this.#places.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[2 * middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#places[2 * low - 1] ?? 0;
  }

  /** The beginning of a field, whose value follows. */
  tag(number: number, type: number, place: number): void {
    this.#places.push(this.#length, place);
    this.varint(BigInt(number) << 3n | BigInt(type));
  }

  varint(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** A number of four or eight bytes. */
  fixed(value: bigint, bytes: 4 | 8): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(8 * bytes, value), true);
    this.#length += bytes;
  }

  float(value: number, bytes: 4 | 8): void {
    this.#reserve(8);
    if (bytes === 4) this.#view.setFloat32(this.#length, value, true);
    else this.#view.setFloat64(this.#length, value, true);
    this.#length += bytes;
  }

  /** A field of bytes. */
  content(number: number, content: Uint8Array, place: number): void {
    this.tag(number, WIRE.bytes, place);
    this.varint(BigInt(content.length));
    this.#reserve(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  /**
   * Begins a message in a field.
   *
   * @returns what `end` wants
   */
  begin(number: number, place: number): number {
    this.tag(number, WIRE.bytes, place);
    this.#reserve(LENGTH_BYTES);
    this.#length += LENGTH_BYTES;
    return this.#length;
  }

  /** Ends the message that began last. */
  end(from: number): void {
    let length = this.#length - from;
    for (let index = 1; index < LENGTH_BYTES; index++) {
      this.#bytes[from - LENGTH_BYTES + index - 1] = length & 0x7f | 0x80;
      length = Math.floor(length / 128);
    }
    this.#bytes[from - 1] = length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
