/**
 * Files that several paths name, as links of the hub's cache and hard links do: the bytes of each are
 * read once, whichever path they are read by.
 *
 * @module
 */

import type { Witness } from "./witness.ts";

/** What the file system says of a file; of `fs.Stats`. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Reads a range into memory; fewer bytes than asked for only by an exception. */
type ReadRange = (offset: number, target: Uint8Array) => void;

/**
 * Bytes kept of all files together, each counted with {@linkcode SEGMENT_BYTES}. What a scan reads of
 * the largest repositories (headers, tokenizers, configurations) is some 60 MB. CWE-770.
 */
const KEPT_BYTES = 128 << 20;

/** What a kept range costs besides its bytes. */
const SEGMENT_BYTES = 200;

/** Files that are looked at ahead of the scan, in search of links. A snapshot has some hundred. */
const AHEAD = 10_000;

/**
 * The device and inode of a file as a key; undefined where the file system gives no exact numbers, and
 * files could not be told apart.
 */
export function inodeOf({ dev, ino }: FileIdentity): string | undefined {
  const exact = Number.isSafeInteger(dev) && Number.isSafeInteger(ino) && ino > 0;
  return exact ? `${dev}:${ino}` : undefined;
}

/** A range of a file whose bytes are kept. */
interface Segment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The ranges of one file that were read, sorted; they do not overlap. */
export class KeptBytes {
  readonly #segments: Segment[] = [];
  readonly #spend: (bytes: number) => boolean;
  /** What {@linkcode KEPT_BYTES} counts. */
  cost = 0;

  /** @param spend whether so many bytes more may be kept */
  constructor(spend: (bytes: number) => boolean) {
    this.#spend = spend;
  }

  /**
   * Fills `target` with the bytes from `offset` and reads what is not kept of them.
   *
   * @returns how many bytes were read
   */
  read(offset: number, target: Uint8Array, readRange: ReadRange): number {
    const end = offset + target.length;
    let at = offset;
    let bytesRead = 0;
    for (let next = this.#firstEndingAfter(offset); at < end; next++) {
      const segment = this.#segments[next];
      const gapEnd = Math.min(end, segment?.offset ?? end);
      if (at < gapEnd) {
        const gap = target.subarray(at - offset, gapEnd - offset);
        readRange(at, gap);
        bytesRead += gap.length;
        if (this.#keep(next, at, gap)) next++;
        at = gapEnd;
      }
      if (segment === undefined || at >= end) continue;
      const kept = segment.bytes.subarray(at - segment.offset, end - segment.offset);
      target.set(kept, at - offset);
      at += kept.length;
    }
    return bytesRead;
  }

  /** Index of the first segment that ends behind an offset. */
  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { offset: from, bytes } = this.#segments[middle] as Segment;
      if (from + bytes.length > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #keep(index: number, offset: number, bytes: Uint8Array): boolean {
    const cost = bytes.length + SEGMENT_BYTES;
    if (!this.#spend(cost)) return false;
    this.cost += cost;
    this.#segments.splice(index, 0, { offset, bytes: bytes.slice() });
    return true;
  }
}

/** The files of one scan that several paths name. Each thread has its own. */
export class LinkedFiles {
  readonly #limit: number;
  /** Files that more than one path is known to name. */
  readonly #linked = new Set<string>();
  /** Files that one path is known to name. */
  readonly #named = new Set<string>();
  /** By device, inode, size and times; the file that was opened last is the last. */
  readonly #kept = new Map<string, KeptBytes>();
  #cost = 0;
  /** Learns which files are opened. */
  readonly witness: Witness | undefined;

  /** @param limit bytes kept of all files together */
  constructor(limit: number = KEPT_BYTES, witness?: Witness) {
    this.#limit = limit;
    this.witness = witness;
  }

  /** Notes that further paths name a file. */
  expect(inode: string): void {
    this.#linked.add(inode);
  }

  /**
   * Looks some way ahead through found files, so that a file whose link comes later is known as one.
   *
   * @param found in the order of the scan
   */
  *ahead<T extends FoundInode>(found: Iterable<T>): Generator<T> {
    const waiting: T[] = [];
    let next = 0;
    for (const one of found) {
      this.#meet(one);
      waiting.push(one);
      if (waiting.length - next < AHEAD) continue;
      yield waiting[next++] as T;
      if (next < AHEAD) continue;
      waiting.splice(0, next);
      next = 0;
    }
    for (; next < waiting.length; next++) yield waiting[next] as T;
  }

  #meet({ inode, link = false }: Pick<FoundInode, "inode" | "link">): void {
    if (inode === undefined) return;
    if (link || this.#named.has(inode)) this.expect(inode);
    else this.#named.add(inode);
  }

  /** The key of a file that several paths name; undefined for every other file. */
  inodeIfLinked(identity: FileIdentity): string | undefined {
    const inode = inodeOf(identity);
    if (inode === undefined) return undefined;
    return identity.nlink > 1 || this.#linked.has(inode) ? inode : undefined;
  }

  /** True when bytes of a file are kept. */
  keeps(identity: FileIdentity): boolean {
    return this.#kept.has(keyOf(identity));
  }

  /** What is kept of a file; undefined for one that only one path names. */
  keptOf(identity: FileIdentity): KeptBytes | undefined {
    if (this.inodeIfLinked(identity) === undefined) return undefined;
    const key = keyOf(identity);
    const kept = this.#kept.get(key) ?? new KeptBytes((bytes) => this.#spend(key, bytes));
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  /** Makes room by forgetting the files that were opened longest ago; false where that is not enough. */
  #spend(key: string, bytes: number): boolean {
    for (const [other, { cost }] of this.#kept) {
      if (this.#cost + bytes <= this.#limit) break;
      if (other === key) continue;
      this.#kept.delete(other);
      this.#cost -= cost;
    }
    // A file that was forgotten while it is read keeps nothing further.
    if (!this.#kept.has(key) || this.#cost + bytes > this.#limit) return false;
    this.#cost += bytes;
    return true;
  }
}

/** A found file, as far as its identity was looked at. */
interface FoundInode {
  readonly kind: string;
  /** Device and inode, where they were asked for. */
  readonly inode?: string | undefined;
  /** True for a link to a file that may be found by itself too. */
  readonly link?: boolean | undefined;
}

/** A file that was written to, or exchanged, has another key. */
export function keyOf(identity: FileIdentity): string {
  const { size, mtimeMs, ctimeMs } = identity;
  return `${inodeOf(identity)}:${size}:${mtimeMs}:${ctimeMs}`;
}

/** False for a key that files may share, since the file system gives no exact numbers. */
export function isExactKey(key: string): boolean {
  return !key.startsWith("undefined:");
}
