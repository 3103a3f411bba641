/**
 * The SHA-256 of what is no path: memory, Blobs, streams.
 *
 * @module
 */

import { Sha256 } from "../../codecs/checksums/sha256.ts";
import type { Source } from "../../core/source.ts";
import type { FileHash } from "../../core/types.ts";

/** Bytes that are read at a time. */
const CHUNK_BYTES = 1 << 20;

/**
 * Hashes a source that can be read again.
 *
 * @param stopped ends it early when it gives true
 * @returns undefined when it was stopped, and for a source that only goes onward
 * @throws SourceError when it cannot be read
 */
export async function hashSource(
  source: Source,
  stopped: () => boolean,
): Promise<FileHash | undefined> {
  if (source.access !== "random") return undefined;
  const hash = new Sha256();
  for (let at = 0;;) {
    if (stopped()) return undefined;
    const bytes = await source.read(at, CHUNK_BYTES);
    if (bytes.length === 0) return { value: hash.digest(), by: "content" };
    hash.update(bytes);
    at += bytes.length;
  }
}

/** Hashes a stream while a scan reads it. */
export class HashedStream {
  /** The chunks of the stream, once. */
  readonly chunks: AsyncGenerator<Uint8Array>;
  readonly #hash = new Sha256();
  #ended = false;

  /** @param open opens the stream; called once, when the first chunk is asked for */
  constructor(open: () => AsyncIterable<Uint8Array>) {
    this.chunks = this.#read(open);
  }

  /**
   * Reads what is left.
   *
   * @returns undefined when the stream broke off
   */
  async end(): Promise<FileHash | undefined> {
    try {
      while (!(await this.chunks.next()).done);
    } catch {
      // The scan has met the same error, or is stopped.
    }
    return this.#ended ? { value: this.#hash.digest(), by: "content" } : undefined;
  }

  async *#read(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      this.#hash.update(chunk);
      yield chunk;
    }
    this.#ended = true;
  }
}
