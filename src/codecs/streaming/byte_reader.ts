/**
 * The compressed bytes of a stream for the decoders that read them a byte at a time: what has arrived
 * is looked at without waiting, and asked for more between steps.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";

/** Input read at a time; little, so that a small stream far away costs little. */
const READ_BYTES = 32 * 1024;

/** Input that has arrived and not been used. */
export class ByteReader {
  /** Valid from `at` to `end`; exchanged by `ensure`. */
  bytes: Uint8Array = new Uint8Array(READ_BYTES);
  /** The next byte to be used; decoders move it on. */
  at = 0;
  /** Where what has arrived ends. */
  end = 0;
  /** True once no more input will come. */
  final = false;
  /** True once a decoder needed more than there was. */
  starved = false;
  readonly #source: Source;
  readonly #start: number;
  readonly #limit: number;
  /** Offset of `bytes[0]` from the start of the stream. */
  #base = 0;

  /**
   * @param start of the stream in the source
   * @param length of the stream at most; Infinity for up to the end of the source
   */
  constructor(source: Source, start: number, length: number) {
    this.#source = source;
    this.#start = start;
    this.#limit = length;
  }

  /** Bytes used so far. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Bytes that have arrived and not been used. */
  get available(): number {
    return this.end - this.at;
  }

  /**
   * Waits until `count` bytes are there.
   *
   * @returns false when the stream ends before that
   * @throws SourceError when the bytes cannot be had
   */
  async ensure(count: number): Promise<boolean> {
    while (this.available < count && !this.final) {
      const next = this.#base + this.end;
      const requested = Math.min(Math.max(READ_BYTES, count - this.available), this.#limit - next);
      if (requested <= 0) {
        this.final = true;
        break;
      }
      const bytes = await this.#source.read(this.#start + next, requested);
      this.#keep(bytes);
      if (bytes.length < requested) this.final = true;
    }
    return this.available >= count;
  }

  /**
   * Waits until `count` bytes are there.
   *
   * @throws FormatError when the stream ends before that
   */
  async need(count: number): Promise<void> {
    if (!await this.ensure(count)) throw this.cutOff();
  }

  /** A copy of the next bytes, which have arrived, used up. */
  take(count: number): Uint8Array {
    const bytes = this.bytes.slice(this.at, this.at + count);
    this.at += count;
    return bytes;
  }

  /** The next byte, which has arrived, used up. */
  u8(): number {
    return this.bytes[this.at++] as number;
  }

  /** The next four bytes, which have arrived, as a little-endian number. */
  u32(): number {
    const value = this.peek32();
    this.at += 4;
    return value;
  }

  /** The same, not used up. */
  peek32(): number {
    const { bytes, at } = this;
    return ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
  }

  /** The error for a stream that ends too early. */
  cutOff(): FormatError {
    this.starved = true;
    return new FormatError("Cannot decompress: the data is cut off", this.#base + this.end);
  }

  /** The error for a stream that is not what its format demands. */
  broken(why: string): FormatError {
    return new FormatError(`Cannot decompress: ${why}`, this.offset);
  }

  #keep(more: Uint8Array): void {
    const unread = this.available;
    let target = this.bytes;
    if (unread + more.length > target.length) {
      target = new Uint8Array(Math.max(unread + more.length, target.length * 2));
    }
    target.set(this.bytes.subarray(this.at, this.end));
    target.set(more, unread);
    this.#base += this.at;
    this.bytes = target;
    this.at = 0;
    this.end = unread + more.length;
  }
}
