/**
 * Inflate, RFC 1951, by pako, the port of zlib: input is pushed in, output is taken out in chunks of 64
 * KiB at most, and nothing waits.
 *
 * Not the platform's `DecompressionStream`: a loader runs what was decoded before a stream breaks, and
 * the platform's stream drops that output when it meets the error; it also refuses bytes behind the end
 * and does not say where the end was, which zip members of unknown length and concatenated gzip members
 * need. zlib's own interface gives all output before its error, and counts.
 *
 * @module
 */

import {
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  zlibInflate,
  zlibInflateInit2,
  ZStream,
} from "pako";
import { FormatError } from "../core/errors.ts";

/** Bytes of output in one chunk. */
const CHUNK_BYTES = 64 * 1024;

/** Window bits for a raw deflate stream with distances up to 32 KiB, `inflateInit2` in zlib.h. */
const RAW_WINDOW_BITS = -15;

/** A raw deflate stream being decoded. */
export class Inflater {
  readonly #stream = new ZStream();
  #final = false;
  #done = false;
  #starved = false;
  #error: FormatError | undefined;

  constructor() {
    zlibInflateInit2(this.#stream, RAW_WINDOW_BITS);
  }

  /** True once the last block has ended and all output was taken. */
  get ended(): boolean {
    return this.#done;
  }

  /** True once the stream turned out to be cut off. */
  get starved(): boolean {
    return this.#starved;
  }

  /** Input bytes used up; at the end, the length of the deflate stream. */
  get consumed(): number {
    return this.#stream.total_in;
  }

  /**
   * Adds input.
   *
   * @param input is copied
   * @param final true when no more will come
   */
  push(input: Uint8Array, final: boolean): void {
    const rest = this.rest();
    const joined = new Uint8Array(rest.length + input.length);
    joined.set(rest);
    joined.set(input, rest.length);
    this.#stream.input = joined;
    this.#stream.next_in = 0;
    this.#stream.avail_in = joined.length;
    this.#final = final;
  }

  /** Bytes pushed but not used: what follows the stream, once it has ended. */
  rest(): Uint8Array {
    const { input, next_in: from, avail_in: count } = this.#stream;
    return count === 0 ? new Uint8Array(0) : input.subarray(from, from + count);
  }

  /**
   * The next output, a copy that is the caller's; undefined when more input is needed or the
   * stream has ended.
   *
   * @throws FormatError when the stream is corrupt or cut off, once all output before is taken;
   * the offset counts from the start of the stream
   */
  take(): Uint8Array | undefined {
    if (this.#error !== undefined) throw this.#error;
    if (this.#done) return undefined;
    const output = new Uint8Array(CHUNK_BYTES);
    const stream = this.#stream;
    stream.output = output;
    stream.next_out = 0;
    stream.avail_out = CHUNK_BYTES;
    this.#settle(zlibInflate(stream, Z_NO_FLUSH));
    const count = stream.next_out;
    if (count > 0) return count === CHUNK_BYTES ? output : output.slice(0, count);
    if (this.#error !== undefined) throw this.#error;
    return undefined;
  }

  /** What zlib's answer means. */
  #settle(code: number): void {
    const stream = this.#stream;
    if (code === Z_STREAM_END) {
      this.#done = true;
    } else if (code !== Z_OK && code !== Z_BUF_ERROR) {
      this.#fail(stream.msg || `zlib's error ${code}`);
    } else if (this.#final && stream.avail_in === 0 && stream.avail_out > 0) {
      this.#starved = true;
      this.#fail("the stream is cut off");
    }
  }

  #fail(why: string): void {
    this.#error = new FormatError(`Cannot inflate: ${why}`, this.consumed);
  }
}
