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
  /** Distinct bytes read of the source so far, or bytes fetched of a remote one. */
  readonly bytesRead: number;
  /** What ended the wrapped source early, should it be a stream. */
  readonly error: Error | undefined;
  /**
   * As `readInto`, for memory that stays as it is while the asset is scanned: it is kept without a copy.
   */
  readKept?(offset: number, target: Uint8Array): number;
}

/**
 * Ranges of a source that are told apart; a range beyond them counts in full each time. The most seen are
 * some 20,000, of a graph whose tensors are stepped over. CWE-770.
 */
const RANGES = 65_536;

/** How many distinct bytes were read of a source. */
class ReadRanges {
  /** Offsets at which ranges begin and end, in turn; sorted, and no two ranges touch. */
  readonly #edges: number[] = [];
  #bytes = 0;

  /** Distinct bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  add(from: number, to: number): void {
    if (to <= from) return;
    const edges = this.#edges;
    // The first range that ends at or behind `from`, and the first that begins behind `to`.
    const first = this.#search(from - 1) & ~1;
    let last = first;
    let [start, end, known] = [from, to, 0];
    for (; last < edges.length && (edges[last] as number) <= to; last += 2) {
      const [a, b] = [edges[last] as number, edges[last + 1] as number];
      start = Math.min(start, a);
      end = Math.max(end, b);
      known += b - a;
    }
    if (last === first && edges.length >= 2 * RANGES) {
      this.#bytes += to - from;
      return;
    }
    this.#bytes += end - start - known;
    if (last === first + 2) {
      edges[first] = start;
      edges[first + 1] = end;
    } else edges.splice(first, last - first, start, end);
  }

  /** The index of the first edge that is greater than `offset`. */
  #search(offset: number): number {
    const edges = this.#edges;
    // Most reads go on where the last range ended.
    const lastStart = edges[edges.length - 2];
    if (lastStart === undefined) return 0;
    if (offset >= lastStart) {
      return offset < (edges[edges.length - 1] as number) ? edges.length - 1 : edges.length;
    }
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((edges[middle] as number) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
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
  const ranges = new ReadRanges();
  const bytesRead = (): number => {
    const bytes = source.bytesFetched ?? ranges.bytes;
    return source.size === undefined ? bytes : Math.min(bytes, source.size);
  };
  const held: Held[] = [];
  const count = (offset: number, bytes: Uint8Array, kept = false): Uint8Array => {
    ranges.add(offset, offset + bytes.length);
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
      return bytesRead();
    },
    get error() {
      return errorOf(source);
    },
    async read(offset, length) {
      const pause = budget.pause();
      if (pause !== undefined) await pause;
      const bytes = atHand(offset, length) ?? count(offset, await source.read(offset, length));
      if (onProgress && budget.progressDue()) onProgress(bytesRead());
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
