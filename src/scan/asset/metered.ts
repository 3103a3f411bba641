/**
 * A wrapper around the source of an asset, and around sources in memory: counts the bytes read, stops a
 * reader that re-reads without end, and yields to the event loop.
 *
 * @module
 */

import { TAIL_BYTES } from "../../core/format.ts";
import { prefetchOf } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Budget } from "./budget.ts";

/** A source that knows how much was read of it. */
export interface MeteredSource extends Source {
  /** Bytes asked of the source so far, or fetched of a remote one; what is asked twice counts twice. */
  readonly bytesRead: number;
  /** What ended the wrapped source early, should it be a stream. */
  readonly error: Error | undefined;
  /**
   * As `readInto`, for memory that stays as it is while the asset is scanned: it is kept without a copy.
   */
  readKept?(offset: number, target: Uint8Array): number;
}

/** What ended a stream early, where its reader took that for the end. */
export function errorOf(source: Source): Error | undefined {
  return "error" in source && source.error instanceof Error ? source.error : undefined;
}

/** Bytes of a random source that were read once and are at hand. */
interface Held {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Wraps a source. The first read and the first at the end, which detection makes, are kept, so that
 * the formats which then read the same bytes cost nothing further.
 *
 * @param onProgress called now and then with the bytes read so far
 */
export function meter(
  source: Source,
  budget: Budget,
  onProgress: ((bytesRead: number) => void) | undefined,
): MeteredSource {
  let bytesRead = 0;
  const held: Held[] = [];
  const count = (offset: number, bytes: Uint8Array, kept = false): Uint8Array => {
    bytesRead += bytes.length;
    const atEnd = offset + bytes.length === source.size;
    const worthwhile = bytes.length <= TAIL_BYTES &&
      ((held.length === 0 && offset === 0) || (held.length === 1 && atEnd));
    if (source.access === "random" && worthwhile) {
      held.push({ offset, bytes: kept ? bytes : bytes.slice() });
    }
    return bytes;
  };
  const atHand = (offset: number, length: number): Uint8Array | undefined => {
    if (source.size === undefined) return undefined;
    const end = Math.min(offset + length, source.size);
    const one = held.find((it) => it.offset <= offset && end <= it.offset + it.bytes.length);
    return one?.bytes.subarray(offset - one.offset, Math.max(0, end - one.offset));
  };
  const random = source.access === "random";
  if (random) budget.addMaterial(source.size ?? 0);
  const spend = (bytes: Uint8Array): Uint8Array => {
    if (random) budget.spendRead(bytes.length);
    return bytes;
  };
  const { readSync, readInto } = source;
  const into = (offset: number, target: Uint8Array, kept?: boolean): number => {
    const bytes = atHand(offset, target.length);
    if (bytes !== undefined) target.set(bytes);
    const length = bytes?.length ?? readInto?.call(source, offset, target) ?? 0;
    const filled = target.subarray(0, length);
    spend(bytes === undefined ? count(offset, filled, kept) : filled);
    return length;
  };
  return {
    name: source.name,
    access: source.access,
    get size() {
      return source.size;
    },
    get bytesRead() {
      return source.bytesFetched ?? bytesRead;
    },
    get error() {
      return errorOf(source);
    },
    async read(offset, length) {
      const pause = budget.pause();
      if (pause !== undefined) await pause;
      const bytes = atHand(offset, length) ?? count(offset, await source.read(offset, length));
      if (onProgress && budget.progressDue()) onProgress(source.bytesFetched ?? bytesRead);
      return spend(bytes);
    },
    ...(readSync && {
      readSync: (offset: number, length: number) =>
        spend(atHand(offset, length) ?? count(offset, readSync.call(source, offset, length))),
    }),
    ...(readInto && { readInto: (offset: number, target: Uint8Array) => into(offset, target) }),
    ...(random && readInto && {
      readKept: (offset: number, target: Uint8Array) => into(offset, target, true),
    }),
    ...prefetchOf(source),
  };
}
