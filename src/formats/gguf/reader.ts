/**
 * Reads the numbers and strings of a GGUF header one after the other, in either byte order, with few
 * reads of the source. Lengths are compared with what is left of the file before they are believed.
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import { latin1 } from "../../parsers/bytes.ts";
import type { Source } from "../../core/source.ts";

/** Bytes of the first read; real headers are either this short or some megabytes of tokens. */
const FIRST_READ = 64 * 1024;
const NEXT_READ = 1024 * 1024;

/** Bytes of a header that are walked. The largest vocabularies take some twenty megabytes. CWE-770. */
const HEADER_BYTES = 256 * 1024 * 1024;

/** A cursor over the header of a file. */
export class GgufReader {
  readonly size: number;
  readonly littleEndian: boolean;
  /** Version 1 has lengths of 32 bits, later ones of 64. */
  readonly narrow: boolean;
  readonly #source: Source;
  readonly #check: () => void;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #at: number;
  #stepped = 0;

  /**
   * A cursor at an offset.
   *
   * @param check called before each read of the source
   */
  constructor(
    source: Source,
    size: number,
    layout: { readonly at: number; readonly littleEndian: boolean; readonly narrow: boolean },
    check: () => void,
  ) {
    this.#source = source;
    this.size = size;
    this.#at = layout.at;
    this.littleEndian = layout.littleEndian;
    this.narrow = layout.narrow;
    this.#check = check;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes from here to the end of the file. */
  get left(): number {
    return Math.max(0, this.size - this.#at);
  }

  /** True when `length` bytes can be taken without waiting. */
  has(length: number): boolean {
    return this.#at >= this.#start && this.#at + length <= this.#start + this.#bytes.length;
  }

  /**
   * Sees to it that `length` bytes can be taken.
   *
   * @throws FormatError when the file ends before, LimitError when the header is beyond measure
   */
  async fill(length: number): Promise<void> {
    if (this.has(length)) return;
    this.#check();
    if (length > this.left) {
      throw new FormatError(
        `The file ends at ${this.size}, in the middle of its header`,
        this.#at,
      );
    }
    const requested = Math.max(length, this.#stepped === 0 ? FIRST_READ : NEXT_READ);
    this.#bytes = (await this.#source.read(this.#at, requested)).slice();
    this.#view = new DataView(this.#bytes.buffer);
    this.#start = this.#at;
    this.#stepped += this.#bytes.length;
    if (this.#stepped > HEADER_BYTES) {
      throw new LimitError(
        "spoolBytes",
        `Cannot read all of the header: it is longer than ${HEADER_BYTES} bytes`,
      );
    }
    if (!this.has(length)) {
      throw new FormatError("The file ends in the middle of its header", this.#at);
    }
  }

  /** Four bytes that `fill` made ready; so do the others. */
  u32(): number {
    const value = this.#view.getUint32(this.#at - this.#start, this.littleEndian);
    this.#at += 4;
    return value;
  }

  /** A length or count, of the width that the version has. */
  length(): bigint {
    if (this.narrow) return BigInt(this.u32());
    const value = this.#view.getBigUint64(this.#at - this.#start, this.littleEndian);
    this.#at += 8;
    return value;
  }

  /** A fraction of 4 or 8 bytes. */
  fraction(bytes: number): number {
    const at = this.#at - this.#start;
    const value = bytes === 4
      ? this.#view.getFloat32(at, this.littleEndian)
      : this.#view.getFloat64(at, this.littleEndian);
    this.#at += bytes;
    return value;
  }

  u64(): bigint {
    const value = this.#view.getBigUint64(this.#at - this.#start, this.littleEndian);
    this.#at += 8;
    return value;
  }

  /** The next bytes as text. */
  text(length: number): string {
    const from = this.#at - this.#start;
    this.#at += length;
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  /** The next bytes as text, one character a byte: what differs here differs in the file. */
  characters(length: number): string {
    const from = this.#at - this.#start;
    this.#at += length;
    return latin1(this.#bytes.subarray(from), length);
  }

  /** Advances without reading. */
  skip(length: number): void {
    this.#at += length;
  }

  /** Bytes that a length or count takes. */
  get width(): number {
    return this.narrow ? 4 : 8;
  }
}
