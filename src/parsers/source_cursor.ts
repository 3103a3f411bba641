/**
 * Reads a source from its beginning to its end, number by number, with few reads. Works on sources of
 * either access; what is stepped over is read only where the source has no random access.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";

/** Bytes read at a time, unless the caller asks for more at once. */
const READ_BYTES = 64 * 1024;

/** Bytes stepped over between two reads of a source without random access. */
const STEP_BYTES = 256 * 1024;

/** How a cursor reads. */
interface CursorOptions {
  /** Called before each read; may throw. */
  readonly check: () => void;
  /** Bytes read at a time; 64 KiB unless given. */
  readonly window?: number;
  /** True for big-endian numbers. */
  readonly bigEndian?: boolean;
}

/** A place in a source that moves onward. Every method throws FormatError where the source ends first. */
export class SourceCursor {
  readonly source: Source;
  readonly #check: () => void;
  readonly #window: number;
  readonly #little: boolean;
  #buffer = new Uint8Array(0);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #at = 0;

  constructor(source: Source, options: CursorOptions) {
    this.source = source;
    this.#check = options.check;
    this.#window = options.window ?? READ_BYTES;
    this.#little = !(options.bigEndian ?? false);
  }

  /** Bytes from the start of the source. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes behind the place; undefined where the source does not know its size. */
  get left(): number | undefined {
    const { size } = this.source;
    return size === undefined ? undefined : Math.max(0, size - this.#at);
  }

  /** True when no byte is left. */
  async atEnd(): Promise<boolean> {
    return !(await this.#fill(1));
  }

  async u8(): Promise<number> {
    const at = await this.#take(1);
    return this.#view.getUint8(at);
  }

  async u16(): Promise<number> {
    const at = await this.#take(2);
    return this.#view.getUint16(at, this.#little);
  }

  async u32(): Promise<number> {
    const at = await this.#take(4);
    return this.#view.getUint32(at, this.#little);
  }

  async i32(): Promise<number> {
    const at = await this.#take(4);
    return this.#view.getInt32(at, this.#little);
  }

  async f32(): Promise<number> {
    const at = await this.#take(4);
    return this.#view.getFloat32(at, this.#little);
  }

  async f64(): Promise<number> {
    const at = await this.#take(8);
    return this.#view.getFloat64(at, this.#little);
  }

  /** As a number: exact up to 2^53, and beyond that still larger than any file. */
  async u64(): Promise<number> {
    const at = await this.#take(8);
    return Number(this.#view.getBigUint64(at, this.#little));
  }

  /** With sign, as a number: exact up to 2^53. */
  async i64(): Promise<number> {
    const at = await this.#take(8);
    return Number(this.#view.getBigInt64(at, this.#little));
  }

  /** The next bytes, as a view that is valid until the next call. For lengths that were checked. */
  async bytes(length: number): Promise<Uint8Array> {
    const from = await this.#take(length);
    return this.#buffer.subarray(from, from + length);
  }

  /** The next bytes as UTF-8; what is not well-formed becomes U+FFFD. */
  async text(length: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(length));
  }

  /**
   * What stands before the next byte of a value, as a copy; the place is then behind that byte.
   *
   * @param most bytes before it
   */
  async until(byte: number, most: number): Promise<Uint8Array> {
    for (let requested = 64;; requested = Math.min(requested * 4, most + 1)) {
      const complete = await this.#fill(requested);
      const from = this.#at - this.#start;
      const buffered = this.#buffer.subarray(from, from + Math.min(requested, most + 1));
      const found = buffered.indexOf(byte);
      if (found >= 0) {
        this.#at += found + 1;
        return buffered.slice(0, found);
      }
      if (!complete || requested > most) {
        throw new FormatError(
          `Cannot read text at ${this.#at}: it has no end within ${
            Math.min(most, buffered.length)
          } bytes`,
          this.#at,
        );
      }
    }
  }

  /** Moves onward; that the bytes are there is established. */
  async skip(length: number): Promise<void> {
    if (!(length >= 0)) throw new FormatError(`Cannot step over ${length} bytes`, this.#at);
    const { size, access } = this.source;
    if (access === "random" && size !== undefined) {
      if (length > size - this.#at) throw this.#short(length);
      this.#at += length;
      return;
    }
    for (let remaining = length; remaining > 0;) {
      const step = Math.min(remaining, STEP_BYTES);
      await this.#take(step);
      remaining -= step;
    }
  }

  /** Index of the next bytes in the buffer; the place is then behind them. */
  async #take(length: number): Promise<number> {
    if (!(await this.#fill(length))) throw this.#short(length);
    const from = this.#at - this.#start;
    this.#at += length;
    return from;
  }

  #short(length: number): FormatError {
    const message = `Cannot read ${length} bytes at ${this.#at}: the file ends before`;
    return new FormatError(message, this.#at);
  }

  /** Has the next bytes in the buffer; false where the source ends first. */
  async #fill(length: number): Promise<boolean> {
    const end = this.#start + this.#buffer.length;
    if (this.#at >= this.#start && this.#at + length <= end) return true;
    this.#check();
    // A forward source continues at the end of the last read.
    const kept = this.#at >= this.#start && this.#at < end
      ? this.#buffer.slice(this.#at - this.#start)
      : new Uint8Array(0);
    const from = this.#at + kept.length;
    const more = await this.source.read(from, Math.max(length - kept.length, this.#window));
    const buffer = new Uint8Array(kept.length + more.length);
    buffer.set(kept);
    buffer.set(more, kept.length);
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
    this.#start = this.#at;
    return buffer.length >= length;
  }
}
