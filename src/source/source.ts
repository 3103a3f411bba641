/**
 * Bytes to read. The core never sees a path, a URL or a handle.
 *
 * @module
 */

import { SourceError } from "../errors.ts";

/** Bytes from `start` up to `end`, which is not among them. */
export interface ByteRange {
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset behind the last byte. */
  readonly end: number;
}

/** A run of bytes. Valid until the observation that brought it is handled. */
export interface Source {
  /** For messages: a base name, or the name of a member. */
  readonly name: string;
  /** Bytes in all; undefined while a stream has not ended. */
  readonly size: number | undefined;
  /**
   * "forward": only onward from what was read, with a bounded look-back
   * (standard input, inflating members, servers without ranges).
   */
  readonly access: "random" | "forward";
  /** Bytes that it cost to read so far, where that is not what was asked for: the network's. */
  readonly bytesFetched?: number;
  /**
   * At most `length` bytes from `offset`; fewer only at the end. The result may be a view that the
   * next read overwrites: copy what is kept.
   *
   * @throws SourceError when the bytes cannot be had
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * The same without waiting, where the bytes are at hand (files, memory). A forward source has it too
   * and serves what it still holds, throwing SourceError for the rest.
   */
  readSync?(offset: number, length: number): Uint8Array;
  /**
   * The same into memory of the reader's own, for readers that go through a large file window by
   * window and want no new memory for each.
   *
   * @param target is filled from its beginning; fewer than its length only at the end
   * @returns bytes written to `target`
   * @throws SourceError when the bytes cannot be had
   */
  readInto?(offset: number, target: Uint8Array): number;
  /**
   * Tells which bytes will be wanted, so that they can be fetched together; absent where a read costs
   * no round trip. Nothing but cost depends on it: `read` gives the same bytes without.
   *
   * @param need "cheap": fetch them if a handful of requests does it; "all": however many it takes
   * @returns false when they were left, since it would not be cheap
   * @throws SourceError when the bytes cannot be had
   */
  prefetch?(ranges: readonly ByteRange[], need: "cheap" | "all"): Promise<boolean>;
}

/** A source over bytes in memory; reads are views, nothing is copied. */
export function bytesSource(name: string, bytes: Uint8Array): Source {
  const readSync = (offset: number, length: number): Uint8Array => {
    checkRange(name, offset, length);
    return bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length));
  };
  return {
    name,
    size: bytes.length,
    access: "random",
    readSync,
    read: (offset, length) => Promise.resolve(readSync(offset, length)),
  };
}

/**
 * A part of another source, without copying.
 *
 * @param length bytes of the part; cut to what the parent has
 * @throws RangeError when `offset` or `length` is negative or no safe integer
 */
export function sliceSource(name: string, parent: Source, offset: number, length: number): Source {
  checkRange(name, offset, length);
  const size = parent.size === undefined
    ? length
    : Math.max(0, Math.min(length, parent.size - offset));
  const clamp = (at: number, wanted: number): number => {
    checkRange(name, at, wanted);
    return Math.max(0, Math.min(wanted, size - at));
  };
  const { readSync } = parent;
  return {
    name,
    size,
    access: parent.access,
    read: (at, wanted) => parent.read(offset + at, clamp(at, wanted)),
    ...(readSync && {
      readSync: (at: number, wanted: number) =>
        readSync.call(parent, offset + at, clamp(at, wanted)),
    }),
    ...prefetchOf(parent, (range) => ({
      start: offset + range.start,
      end: offset + Math.min(range.end, size),
    })),
  };
}

/**
 * What to spread into a source that wraps another, so that it can be told what will be wanted.
 *
 * @param shift a range of the wrapper as one of the wrapped; the same unless given
 */
export function prefetchOf(
  source: Source,
  shift: (range: ByteRange) => ByteRange = (it) => it,
): Pick<Source, "prefetch"> {
  if (source.prefetch === undefined) return {};
  return {
    prefetch: async (ranges, need) => await source.prefetch?.(ranges.map(shift), need) ?? true,
  };
}

/** A source over a Blob or File of the web platform. */
export function blobSource(name: string, blob: Blob): Source {
  return {
    name,
    size: blob.size,
    access: "random",
    async read(offset, length) {
      checkRange(name, offset, length);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

function checkRange(name: string, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
  ) {
    throw new SourceError(
      name,
      `Cannot read ${length} bytes at ${offset} of "${name}": not a range`,
    );
  }
}
