/**
 * The memo of a pickle machine.
 *
 * @module
 */

import { grown, type Handle, UNSET } from "./values.ts";

/** Memo indices to begin with: all that BINGET can name. */
const INITIAL_DENSE = 256;
/** Memo indices beyond four times the entries, and beyond this, go into the map. */
const STRAY = 1024;

/** Entries of one block of the memo. */
const MEMO_BLOCK = 1 << 16;

/**
 * The memo: blocks where the file's indices are dense, a map for stray ones, so that an index of 2^31
 * costs one entry and a large memo grows without copying. An entry that is not set is UNSET.
 */
export class Memo {
  /** The first entries; it begins small, for the machines of small streams, and grows to a block. */
  first: Float64Array = new Float64Array(INITIAL_DENSE);
  /** Blocks behind the first entries. */
  private readonly more: Float64Array[] = [];
  /** Indices from 0 on that have room without the map. */
  private dense = INITIAL_DENSE;
  private sparse: Map<number, Handle> | undefined;
  private huge: Map<bigint, number> | undefined;
  /** Entries that are set. MEMOIZE writes at this index. */
  size = 0;
  readonly limit: number;

  /** @param limit entries kept in all */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The value at an index, UNSET when it is not set. */
  get(index: number): Handle {
    if (index < this.first.length) return this.first[index] as number;
    const behind = index - this.first.length;
    const block = this.more[Math.floor(behind / MEMO_BLOCK)];
    return block === undefined
      ? this.sparse?.get(index) ?? UNSET
      : block[behind % MEMO_BLOCK] as number;
  }

  /**
   * Writes a value and gives the one that was there, UNSET when there was none.
   *
   * @throws RangeError when the memo is full
   */
  set(index: number, value: Handle): Handle {
    if (index >= this.dense) this.makeRoom(index);
    const before = this.exchange(index, value);
    if (before !== UNSET) return before;
    if (++this.size > this.limit) {
      throw new RangeError(`Cannot keep more than ${this.limit} memo entries`);
    }
    return before;
  }

  /** A number that stands for an index beyond all safe integers. */
  standIn(index: bigint): number {
    this.huge ??= new Map();
    const known = this.huge.get(index) ?? 2 ** 53 + 2 * this.huge.size;
    this.huge.set(index, known);
    return known;
  }

  private exchange(index: number, value: Handle): Handle {
    if (index < this.first.length) {
      const before = this.first[index] as number;
      this.first[index] = value;
      return before;
    }
    const behind = index - this.first.length;
    const block = this.more[Math.floor(behind / MEMO_BLOCK)];
    if (block !== undefined) {
      const before = block[behind % MEMO_BLOCK] as number;
      block[behind % MEMO_BLOCK] = value;
      return before;
    }
    const before = this.sparse?.get(index) ?? UNSET;
    (this.sparse ??= new Map()).set(index, value);
    return before;
  }

  /** Dense room for an index, unless it is far from all that there are. */
  private makeRoom(index: number): void {
    if (index > this.size * 4 + STRAY) return;
    while (this.first.length < MEMO_BLOCK && index >= this.first.length) {
      const old = this.first.length;
      this.first = grown(this.first, new Float64Array(old * 2));
      this.dense = this.first.length;
      this.settle(this.first, old, 0);
    }
    while (index >= this.dense) {
      const base = this.dense;
      const block = new Float64Array(MEMO_BLOCK);
      this.more.push(block);
      this.dense = base + block.length;
      this.settle(block, 0, base);
    }
  }

  /** Moves stray entries into a block, whose first index is `base`, from `from` on. */
  private settle(block: Float64Array, from: number, base: number): void {
    for (const [index, value] of this.sparse ?? []) {
      if (index < base + from || index >= base + block.length) continue;
      block[index - base] = value;
      this.sparse?.delete(index);
    }
  }
}
