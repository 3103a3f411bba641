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

/** Entries of one block of the memo: a place is found by shift and mask, which is no division. */
const BLOCK_BITS = 16;
const BLOCK_ENTRIES = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_ENTRIES - 1;

/**
 * The memo: blocks where the file's indices are dense, a map for stray ones, so that an index of 2^31
 * costs one entry and a large memo grows without copying. An entry that is not set is UNSET.
 */
export class Memo {
  /** The first block; it begins small, for the machines of small streams, and grows to a whole one. */
  first: Float64Array = new Float64Array(INITIAL_DENSE);
  private readonly blocks: Float64Array[] = [this.first];
  /** Indices from 0 on that have room without the map; a 32-bit integer, as all below it. */
  private dense = INITIAL_DENSE;
  private sparse: Map<number, Handle> | undefined;
  private huge: Map<bigint, number> | undefined;
  /** Entries that are set. MEMOIZE writes at this index. */
  size = 0;
  readonly limit: number;

  /** @param limit entries kept in all, below 2^29 */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The value at an index, UNSET when it is not set. */
  get(index: number): Handle {
    if (index >= this.dense) return this.sparse?.get(index) ?? UNSET;
    const place = index | 0;
    return (this.blocks[place >>> BLOCK_BITS] as Float64Array)[place & BLOCK_MASK] as number;
  }

  /**
   * Writes a value and gives the one that was there, UNSET when there was none.
   *
   * @throws RangeError when the memo is full
   */
  set(index: number, value: Handle): Handle {
    if (index >= this.dense) this.makeRoom(index);
    if (index >= this.dense) return this.setStray(index, value);
    const place = index | 0;
    const block = this.blocks[place >>> BLOCK_BITS] as Float64Array;
    const before = block[place & BLOCK_MASK] as number;
    block[place & BLOCK_MASK] = value;
    if (before === UNSET) this.countNew();
    return before;
  }

  /** A number that stands for an index beyond all safe integers. */
  standIn(index: bigint): number {
    this.huge ??= new Map();
    const known = this.huge.get(index) ?? 2 ** 53 + 2 * this.huge.size;
    this.huge.set(index, known);
    return known;
  }

  private setStray(index: number, value: Handle): Handle {
    this.sparse ??= new Map();
    const before = this.sparse.get(index) ?? UNSET;
    this.sparse.set(index, value);
    if (before === UNSET) this.countNew();
    return before;
  }

  private countNew(): void {
    if (++this.size > this.limit) {
      throw new RangeError(`Cannot keep more than ${this.limit} memo entries`);
    }
  }

  /** Dense room for an index, unless it is far from all that there are. */
  private makeRoom(index: number): void {
    if (index > this.size * 4 + STRAY) return;
    while (this.first.length < BLOCK_ENTRIES && index >= this.dense) {
      const old = this.first.length;
      this.first = grown(this.first, new Float64Array(old * 2));
      this.blocks[0] = this.first;
      this.dense = this.first.length;
      this.settle(this.first, old, 0);
    }
    while (index >= this.dense) {
      const base = this.dense;
      const block = new Float64Array(BLOCK_ENTRIES);
      this.blocks.push(block);
      this.dense = base + BLOCK_ENTRIES;
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
