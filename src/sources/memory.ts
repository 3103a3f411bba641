/**
 * Sources over bytes in memory, Blobs, and slices of other sources.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import type { ByteRange, Source } from "../core/source.ts";

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
  const clamp = (at: number, requested: number): number => {
    checkRange(name, at, requested);
    return Math.max(0, Math.min(requested, size - at));
  };
  const { readSync, again } = parent;
  return {
    name,
    size,
    ...(again && { again: () => sliceSource(name, again(), offset, length) }),
    access: parent.access,
    read: (at, count) => parent.read(offset + at, clamp(at, count)),
    ...(readSync && {
      readSync: (at: number, most: number) => readSync.call(parent, offset + at, clamp(at, most)),
    }),
    ...prefetchOf(parent, (range) => ({
      start: offset + range.start,
      end: offset + Math.min(range.end, size),
    })),
  };
}

/**
 * What to spread into a source that wraps another, so that it can be determined what will be wanted.
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
