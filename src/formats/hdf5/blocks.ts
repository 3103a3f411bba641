/**
 * The bytes of a file as the HDF5 library reads them through its virtual file system: in blocks, of
 * which some are kept. Where bytes cannot be had at once, the read fails, and what it wanted is
 * remembered, so that it can be fetched before the call is made again.
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import { errno, isErrno } from "./library.ts";

/** Bytes read at once, and blocks of them that are kept: 8 MiB, whatever the file has. CWE-770. */
const BLOCK_BYTES = 32 * 1024;
const BLOCKS_KEPT = 256;

/** Bytes that are at hand. */
interface Held {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes of the file that have to be fetched. */
export interface MissingRange {
  readonly offset: number;
  readonly length: number;
}

/** What is at hand of one file. */
export class FileBlocks {
  /** Bytes of the file. */
  readonly size: number;
  /** What a read could not have at once. */
  missing: MissingRange | undefined;
  /** What a read threw otherwise: the library gives it no kind. */
  readError: unknown;
  readonly #source: Source;
  readonly #mostBytes: number;
  readonly #check: () => void;
  readonly #blocks = new Map<number, Uint8Array>();
  /** What the call at hand had to have fetched. */
  #held: Held[] = [];

  /**
   * @param mostBytes that are fetched at once
   * @param check called for every block; throws once time is spent
   * @throws SourceError when the size of the source is not known
   */
  constructor(source: Source, mostBytes: number, check: () => void) {
    if (source.size === undefined) {
      throw new SourceError(source.name, `Cannot read "${source.name}": its size is not known`);
    }
    this.size = source.size;
    this.#source = source;
    this.#mostBytes = mostBytes;
    this.#check = check;
  }

  /** Before a call is made, or made again. */
  begin(): void {
    this.missing = undefined;
    this.readError = undefined;
  }

  /** After a call: what was fetched for it is let go. */
  end(): void {
    this.#held = [];
  }

  /** Lets everything go. */
  clear(): void {
    this.end();
    this.#blocks.clear();
  }

  /** Has what was wanted fetched. @throws SourceError when it cannot be had */
  async fetch({ offset, length }: MissingRange): Promise<void> {
    const bytes = (await this.#source.read(offset, length)).slice();
    this.#held.push({ offset, bytes });
    if (bytes.length <= BLOCK_BYTES) this.#keep(offset, bytes);
  }

  /**
   * Fills part of a buffer from a place of the file on, as far as there are bytes, and gives their
   * number. Throws what the virtual file system takes for an error; why is in `missing` or `readError`.
   *
   * @param inspect sees the bytes before they are handed over, and may refuse them
   */
  readInto(buffer: Uint8Array, position: number, inspect: (bytes: Uint8Array) => void): number {
    const length = Math.max(0, Math.min(buffer.length, this.size - position));
    const target = buffer.subarray(0, length);
    try {
      this.#fill(target, position);
      inspect(target);
      return length;
    } catch (error) {
      if (!isErrno(error)) this.readError ??= error;
      throw errno();
    }
  }

  /** Bytes from a place on, fewer at the end of the file. Throws as `readInto` does. */
  copy(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - at)));
    this.#fill(bytes, at);
    return bytes;
  }

  #fill(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) {
      const part = this.#bytesAt(at + done, bytes.length - done);
      bytes.set(part, done);
      done += part.length;
    }
  }

  /** Some bytes from a place on, at least one. */
  #bytesAt(at: number, length: number): Uint8Array {
    for (const { offset, bytes } of this.#held) {
      if (at >= offset && at < offset + bytes.length) {
        return bytes.subarray(at - offset, at - offset + length);
      }
    }
    const start = at - at % BLOCK_BYTES;
    const block = this.#blocks.get(start) ?? this.#block(start, at, length);
    return block.subarray(at - start, at - start + length);
  }

  #block(start: number, at: number, length: number): Uint8Array {
    this.#check();
    const size = Math.min(BLOCK_BYTES, this.size - start);
    if (this.#source.readSync === undefined) {
      const end = Math.min(
        this.size,
        Math.max(start + size, at + Math.min(length, this.#mostBytes)),
      );
      this.missing = { offset: start, length: end - start };
      throw errno();
    }
    const bytes = this.#source.readSync(start, size).slice();
    if (bytes.length <= at - start) {
      throw new SourceError(this.#source.name, `"${this.#source.name}" became shorter`, {
        reason: "changed",
      });
    }
    this.#keep(start, bytes);
    return bytes;
  }

  #keep(start: number, bytes: Uint8Array): void {
    if (this.#blocks.size >= BLOCKS_KEPT) {
      const oldest = this.#blocks.keys().next();
      if (!oldest.done) this.#blocks.delete(oldest.value);
    }
    this.#blocks.set(start, bytes);
  }
}
