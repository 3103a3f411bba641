/**
 * Output of a dictionary coder: what later matches may refer to, and what has not been handed out.
 * Its memory follows the output, never a size that the stream states.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatBytes } from "../../core/numbers.ts";
import { LimitError } from "../../core/errors.ts";

/** The first room that is made: a file may consist of a hundred thousand streams of nothing. */
const INITIAL_BYTES = 4 * 1024;

/** The last bytes of an output, up to a window. */
export class History {
  /** Valid up to `position`. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the next byte goes; decoders move it on, at most as far as they reserved. */
  position = 0;
  #taken = 0;
  readonly #window: number;
  readonly #memory: number;

  /**
   * @param window bytes that matches may reach back
   * @param memory bytes that may be kept; a larger window is an error once it is needed
   */
  constructor(window: number, memory: number) {
    this.#window = window;
    this.#memory = memory;
  }

  /**
   * Makes room. What was written before must have been taken.
   *
   * @throws LimitError when the window needs more memory than is allowed
   */
  reserve(count: number): void {
    if (this.position + count <= this.bytes.length) return;
    const keep = Math.min(this.position, this.#window);
    if (keep > this.#memory) {
      throw new LimitError(
        "spoolBytes",
        `Cannot decompress: the dictionary needs more than ${formatBytes(this.#memory)} of memory` +
          raisedBy("spoolBytes"),
      );
    }
    // Sliding pays when it frees a part that is proportional to what it moves.
    if (this.position - keep >= count && this.position - keep >= keep / 2) {
      this.bytes.copyWithin(0, this.position - keep, this.position);
    } else {
      const most = keep + Math.max(keep / 2, INITIAL_BYTES) + count;
      const grown = new Uint8Array(Math.ceil(Math.max(most, keep + count)));
      grown.set(this.bytes.subarray(this.position - keep, this.position));
      this.bytes = grown;
    }
    this.position = keep;
    this.#taken = keep;
  }

  /** Bytes that were written and not taken. */
  get pending(): number {
    return this.position - this.#taken;
  }

  /** A copy of what was written since the last time. */
  take(): Uint8Array {
    const bytes = this.bytes.slice(this.#taken, this.position);
    this.#taken = this.position;
    return bytes;
  }

  /** Appends bytes, for which there is room. */
  append(more: Uint8Array): void {
    this.bytes.set(more, this.position);
    this.position += more.length;
  }

  /** Appends one byte `count` times, for which there is room. */
  repeat(byte: number, count: number): void {
    this.bytes.fill(byte, this.position, this.position + count);
    this.position += count;
  }

  /** Appends a copy of what lies `distance` back, which may run into itself. */
  copy(distance: number, length: number): void {
    const { bytes } = this;
    let to = this.position;
    const end = to + length;
    if (distance >= length && length > 32) {
      bytes.copyWithin(to, to - distance, to - distance + length);
    } else if (distance === 1) {
      bytes.fill(bytes[to - 1] as number, to, end);
    } else {
      for (let from = to - distance; to < end; from++, to++) bytes[to] = bytes[from] as number;
    }
    this.position = end;
  }

  /** Forgets everything that was taken, as a new dictionary does. */
  clear(): void {
    const rest = this.bytes.slice(this.#taken, this.position);
    this.position = 0;
    this.#taken = 0;
    this.append(rest);
  }
}
