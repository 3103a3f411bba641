/**
 * A cursor over the bytes of a header, and a window over a source that keeps small reads few.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";

/** Reads little-endian numbers one after the other; every step is checked against the end. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;
  #at = 0;

  /** @param base offset of the bytes in their source, for messages */
  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#base = base;
  }

  /** Position in the source. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Bytes left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws FormatError when fewer than one byte is left; so do the others for theirs */
  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** As a number: exact up to 2^53, and beyond that still larger than any file. */
  u64(): number {
    const low = this.u32();
    return low + this.u32() * 2 ** 32;
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#step(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#step(length);
  }

  #step(length: number): number {
    const at = this.#at;
    if (!(length >= 0 && length <= this.left)) {
      throw new FormatError(
        `Cannot read ${length} bytes at ${this.offset}: the header ends after ${this.left}`,
        this.offset,
      );
    }
    this.#at += length;
    return at;
  }
}

/** The part of a source that was read last, so that neighbouring headers cost one read. */
export class Window {
  readonly source: Source;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(source: Source) {
    this.source = source;
  }

  /**
   * At most `length` bytes from `offset`, fewer only at the end of the source. Without a promise
   * where they are at hand. Valid until the next call.
   *
   * @param ahead bytes to fetch when a fetch is needed, for the calls that follow; asked only then
   * @throws SourceError when the bytes cannot be had
   */
  read(
    offset: number,
    length: number,
    ahead: number | (() => number) = length,
  ): Uint8Array | Promise<Uint8Array> {
    const from = offset - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) {
      return this.#bytes.subarray(from, from + length);
    }
    const requested = Math.max(length, typeof ahead === "number" ? ahead : ahead());
    const { source } = this;
    if (source.readSync !== undefined && source.access === "random") {
      return this.#keep(offset, source.readSync(offset, requested), length);
    }
    return source.read(offset, requested).then((bytes) => this.#keep(offset, bytes, length));
  }

  #keep(offset: number, bytes: Uint8Array, length: number): Uint8Array {
    this.#start = offset;
    this.#bytes = bytes.slice();
    return this.#bytes.subarray(0, length);
  }
}
