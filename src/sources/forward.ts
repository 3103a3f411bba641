/**
 * Sources that only go onward: standard input, members being inflated, servers without ranges.
 * They keep a bounded look-back, so that detection can sample the head and a format can then
 * start at the beginning again.
 *
 * @module
 */

import { raisedBy } from "../core/limits.ts";
import { formatBytes } from "../core/numbers.ts";
import { LimitError, SourceError } from "../core/errors.ts";
import { bytesSource } from "./memory.ts";
import type { Source } from "../core/source.ts";

/**
 * Bytes that a forward source keeps behind the furthest byte read: sixteen times what detection samples, so
 * that a format may also step back over a large argument. CWE-770.
 */
export const LOOK_BACK_BYTES = 1024 * 1024;

/** Bytes asked for at a time when a source is read into memory. */
const SPOOL_CHUNK_BYTES = 256 * 1024;

/** A source that only goes onward. */
export interface ForwardSource extends Source {
  readonly access: "forward";
  readSync(offset: number, length: number): Uint8Array;
  /**
   * The error that ended the stream early. The read that reaches it returns the bytes before it; the
   * next read past them throws it. The owner of the source must check it after use, since a reader may
   * have taken the short read for the end of file.
   */
  readonly error: Error | undefined;
}

/** How a forward source behaves. */
interface ForwardOptions {
  /** Bytes in all, where that is known beforehand. */
  readonly size?: number;
  /** Bytes kept behind the furthest byte read; `LOOK_BACK_BYTES` unless given. */
  readonly lookBack?: number;
}

/** The next bytes of a stream, or undefined at its end. */
type Pull = () => Promise<Uint8Array | undefined>;

/**
 * A source over a stream.
 *
 * Reads are served in order. Bytes before the look-back are gone, but a single read of any length is
 * always served completely.
 *
 * @param pull gives the chunks in order; the source keeps them, so they must not be overwritten
 * @throws RangeError when the look-back is not a non-negative integer
 */
export function forwardSource(
  name: string,
  pull: AsyncIterable<Uint8Array> | Pull,
  options: ForwardOptions = {},
): ForwardSource {
  const lookBack = options.lookBack ?? LOOK_BACK_BYTES;
  if (!(lookBack >= 0)) {
    throw new RangeError(`Cannot look back ${lookBack} bytes in "${name}": not a length`);
  }
  return new StreamSource(name, typeof pull === "function" ? pull : pullFrom(pull), {
    ...options,
    lookBack,
  });
}

/**
 * What follows `offset` in a source whose end may not be known yet, without copying.
 *
 * @throws RangeError when `offset` is no offset
 */
export function restSource(name: string, parent: Source, offset: number): Source {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(`Cannot start "${name}" at ${offset}: not an offset`);
  }
  const { readSync, again } = parent;
  return {
    name,
    ...(again && { again: () => restSource(name, again(), offset) }),
    get size() {
      return parent.size === undefined ? undefined : Math.max(0, parent.size - offset);
    },
    access: parent.access,
    read: (at, length) => parent.read(offset + at, length),
    ...(readSync && {
      readSync: (at: number, length: number) => readSync.call(parent, offset + at, length),
    }),
  };
}

/**
 * A source's bytes in memory, as a source with random access. One that has random access already
 * is given back as it is. When a stream breaks off, what came before is there; see
 * {@linkcode ForwardSource.error}.
 *
 * @param limit bytes that may be kept
 * @throws LimitError when the source is longer; what the source throws when it has no byte at all
 */
export async function spool(source: Source, limit: number): Promise<Source> {
  if (source.access === "random") return source;
  if (source.size !== undefined && source.size > limit) throw spoolError(source.name, limit);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = await readOn(source, total);
    total += chunk.length;
    if (total > limit) throw spoolError(source.name, limit);
    if (chunk.length > 0) chunks.push(chunk.slice());
    if (chunk.length < SPOOL_CHUNK_BYTES) break;
  }
  return chunksSource(source.name, chunks, total);
}

/** Chunks as one source, all but the last of the same length: putting them together doubles memory. */
function chunksSource(name: string, chunks: readonly Uint8Array[], size: number): Source {
  const [first] = chunks;
  if (first === undefined || chunks.length === 1) {
    return bytesSource(name, first ?? new Uint8Array(0));
  }
  const one = (index: number, at: number, length: number): Uint8Array =>
    (chunks[index] ?? first).subarray(at, at + length);
  const readSync = (offset: number, length: number): Uint8Array => {
    const requested = lengthWithin(name, offset, length, size);
    const index = Math.floor(offset / SPOOL_CHUNK_BYTES);
    const at = offset % SPOOL_CHUNK_BYTES;
    if (requested === 0) return new Uint8Array(0);
    if (at + requested <= SPOOL_CHUNK_BYTES) return one(index, at, requested);
    const all = new Uint8Array(requested);
    for (let done = 0; done < requested;) {
      const next = offset + done;
      const part = one(
        Math.floor(next / SPOOL_CHUNK_BYTES),
        next % SPOOL_CHUNK_BYTES,
        requested - done,
      );
      all.set(part, done);
      done += part.length;
    }
    return all;
  };
  return {
    name,
    size,
    access: "random",
    readSync,
    read: (offset, length) => Promise.resolve(readSync(offset, length)),
  };
}

/** Bytes of a range that are there. */
function lengthWithin(
  name: string,
  offset: number,
  length: number,
  size: number,
): number {
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
  ) {
    throw new SourceError(
      name,
      `Cannot read ${length} bytes at ${offset} of "${name}": not a range`,
    );
  }
  return Math.max(0, Math.min(length, size - offset));
}

/** The next chunk; nothing where a stream breaks off after it gave something. */
async function readOn(source: Source, offset: number): Promise<Uint8Array> {
  try {
    return await source.read(offset, SPOOL_CHUNK_BYTES);
  } catch (error) {
    if (offset === 0) throw error;
    return new Uint8Array(0);
  }
}

function spoolError(name: string, limit: number): LimitError {
  return new LimitError(
    "spoolBytes",
    `Cannot keep "${name}" in memory: it is longer than ${formatBytes(limit)}${
      raisedBy("spoolBytes")
    }`,
  );
}

function pullFrom(chunks: AsyncIterable<Uint8Array>): Pull {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return async () => {
    iterator ??= chunks[Symbol.asyncIterator]();
    const next = await iterator.next();
    return next.done ? undefined : next.value;
  };
}

function concatenate(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const first = chunks[0];
  if (chunks.length === 1 && first !== undefined) return first;
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

interface Held {
  readonly start: number;
  readonly bytes: Uint8Array;
}

class StreamSource implements ForwardSource {
  readonly access = "forward";
  readonly name: string;
  #size: number | undefined;
  #error: Error | undefined;
  readonly #pull: Pull;
  readonly #lookBack: number;
  /** Chunks still held, oldest first; those before `#first` are let go. */
  #held: Held[] = [];
  #first = 0;
  #end = 0;
  #ended = false;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(name: string, pull: Pull, options: { size?: number; lookBack: number }) {
    this.name = name;
    this.#pull = pull;
    this.#size = options.size;
    this.#lookBack = options.lookBack;
  }

  get size(): number | undefined {
    return this.#size;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    const answer = this.#busy.then(() => this.#answer(offset, length));
    this.#busy = answer.catch(() => undefined);
    return answer;
  }

  readSync(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    if (!this.#ended && offset + length > this.#end) {
      throw new SourceError(
        this.name,
        `Cannot read ${length} bytes at ${offset} of "${this.name}" at once: ` +
          `only ${this.#end} bytes have arrived`,
      );
    }
    if (this.#error !== undefined && offset >= this.#end && length > 0) throw this.#error;
    return this.#take(offset, length);
  }

  async #answer(offset: number, length: number): Promise<Uint8Array> {
    this.#check(offset, length);
    while (!this.#ended && this.#end < offset + length) {
      await this.#advance(offset);
    }
    if (this.#error !== undefined && offset >= this.#end && length > 0) throw this.#error;
    return this.#take(offset, length);
  }

  /** Pulls one chunk; `wanted` is the lowest offset that must stay. */
  async #advance(keepFrom: number): Promise<void> {
    try {
      const bytes = await this.#pull();
      if (bytes === undefined) {
        this.#ended = true;
        this.#size = this.#end;
      } else if (bytes.length > 0) {
        this.#held.push({ start: this.#end, bytes });
        this.#end += bytes.length;
        this.#forget(Math.min(keepFrom, this.#end - this.#lookBack));
      }
    } catch (error) {
      this.#ended = true;
      this.#error = error instanceof Error ? error : new SourceError(this.name, String(error));
    }
  }

  #forget(before: number): void {
    for (;;) {
      const oldest = this.#held[this.#first];
      if (oldest === undefined || oldest.start + oldest.bytes.length > before) break;
      this.#first++;
    }
    if (this.#first > 64 && this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
  }

  #check(offset: number, length: number): void {
    if (
      !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
    ) {
      throw new SourceError(
        this.name,
        `Cannot read ${length} bytes at ${offset} of "${this.name}": not a range`,
      );
    }
    const start = this.#held[this.#first]?.start ?? this.#end;
    if (offset < start && length > 0) {
      throw new SourceError(
        this.name,
        `Cannot read "${this.name}" at ${offset} again: its bytes before ${start} are gone`,
      );
    }
  }

  #take(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#end);
    if (end <= offset) return new Uint8Array(0);
    let index = this.#find(offset);
    const parts: Uint8Array[] = [];
    for (let at = offset; at < end; index++) {
      const held = this.#held[index];
      if (held === undefined) break;
      const part = held.bytes.subarray(at - held.start, end - held.start);
      parts.push(part);
      at += part.length;
    }
    return concatenate(parts, end - offset);
  }

  /** Index of the held chunk with the byte at `offset`. */
  #find(offset: number): number {
    let low = this.#first;
    let high = this.#held.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const held = this.#held[middle];
      if (held !== undefined && held.start <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Bytes of standard input that can be read again. CWE-770. */
const STREAM_LOOK_BACK_BYTES = 4 * 1024 * 1024;

/**
 * Standard input, or any other stream of bytes, as a forward-only source.
 *
 * @param name for the report
 * @param stream chunks in order; a failure becomes a SourceError of the read that reaches it
 */
export function streamSource(name: string, stream: AsyncIterable<Uint8Array>): ForwardSource {
  return forwardSource(name, guarded(name, stream), { lookBack: STREAM_LOOK_BACK_BYTES });
}

/** A stream whose failures say whose they are. */
async function* guarded(
  name: string,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    // Streams of the runtime may use a chunk again; a forward source keeps what it gets.
    for await (const chunk of stream) yield chunk.slice();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError(name, `Cannot read "${name}" to its end: ${reason}`, {
      cause,
      remedy: "Check the program that writes to it, or scan the file itself.",
    });
  }
}
