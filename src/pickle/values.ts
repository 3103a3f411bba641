/**
 * Abstract values of the pickle machine.
 *
 * A value is one number, a *handle*, so that stack and memo are dense arrays of numbers and a file of
 * thirty million opcodes makes no garbage. A negative handle is a container in the `ContainerPool`;
 * any other is `index * 16 + kind`. A string, bytes or long number is the offset of the opcode that
 * pushed it: its text is decoded when somebody asks. What needs more than a number is a heap `Value`.
 *
 * @module
 */

import type { GlobalName } from "../types.ts";

/** A value as one number. */
export type Handle = number;

/** The kinds of handles that are not containers. */
export const KIND = {
  /** One of `NONE`, `TRUE`, `FALSE`, `UNKNOWN`, `LOST`. */
  CONSTANT: 0,
  /** An integer from 0 up; the index is its value. */
  INTEGER: 1,
  /** A negative integer; the index is its absolute value. */
  NEGATIVE: 2,
  /** A str; the index is the offset of its opcode. */
  STRING: 3,
  /** A bytes or bytearray; the index is the offset of its opcode. */
  BYTES: 4,
  /** A float or a long integer; the index is the offset of its opcode. */
  NUMBER: 5,
  /** A heap `Value`; the index is its place there. */
  OBJECT: 6,
  /** An instance of a harmless class whose arguments nobody wants; the index is the global's number. */
  INSTANCE: 7,
} as const;

/** Makes a handle. `index` is a safe integer from 0 up to 2^49. */
export function handleOf(kind: number, index: number): Handle {
  return index * 16 + kind;
}

/** The kind of a handle that is not negative. */
export function kindOf(handle: Handle): number {
  return handle - Math.floor(handle / 16) * 16;
}

/** The index of a handle that is not negative. */
export function indexOf(handle: Handle): number {
  return Math.floor(handle / 16);
}

export const NONE: Handle = handleOf(KIND.CONSTANT, 0);
export const TRUE: Handle = handleOf(KIND.CONSTANT, 1);
export const FALSE: Handle = handleOf(KIND.CONSTANT, 2);
/** A value that only a running program would know. */
export const UNKNOWN: Handle = handleOf(KIND.CONSTANT, 3);
/** A value that the file states and that was not kept, for want of room. */
export const LOST: Handle = handleOf(KIND.CONSTANT, 4);

/** What containers there are. */
export const CONTAINER = { TUPLE: 0, LIST: 1, DICT: 2, SET: 3, FROZENSET: 4 } as const;

/** A global that the file imports, or that a constant attribute chain reaches. */
export interface GlobalValue extends GlobalName {
  readonly type: "global";
  /** Number in the machine's table of globals. */
  readonly id: number;
}

/** A module object, from `__import__` and its kin. */
export interface ModuleValue {
  readonly type: "module";
  readonly module: string;
}

/** A string that was computed. */
export interface TextValue {
  readonly type: "text";
  readonly text: string;
}

/** Bytes that were computed. */
export interface BytesValue {
  readonly type: "bytes";
  readonly bytes: Uint8Array;
}

/** The result of a call that the machine cannot compute. `state` is what BUILD gave it. */
export interface CallValue {
  readonly type: "call";
  readonly callee: Handle;
  /** Undefined when the file's argument tuple could not be resolved. */
  readonly args: readonly Handle[] | undefined;
  readonly kwargs: Handle | undefined;
  state: Handle | undefined;
}

/** `functools.partial(...)`: a callee with arguments waiting. BUILD may replace both. */
export interface PartialValue {
  readonly type: "partial";
  callee: Handle;
  args: readonly Handle[];
  kwargs: Handle | undefined;
}

/** An attribute of something that is no global: a bound method of a literal or an instance. */
export interface MethodValue {
  readonly type: "method";
  readonly self: Handle;
  readonly name: string;
}

/** `operator.attrgetter`, `itemgetter` or `methodcaller` with its arguments. */
export interface GetterValue {
  readonly type: "getter";
  readonly kind: "attrgetter" | "itemgetter" | "methodcaller";
  readonly args: readonly Handle[];
}

/** What was taken out of a container while the file loads: what it is depends on all that ran before. */
export interface PickedValue {
  readonly type: "picked";
  /** What it is as far as the machine can tell. */
  readonly value: Handle;
}

/** What a persistent id stands for; `id` is the id. */
export interface PersistentValue {
  readonly type: "persistent";
  readonly id: Handle;
}

export type Value =
  | GlobalValue
  | ModuleValue
  | TextValue
  | BytesValue
  | CallValue
  | PartialValue
  | MethodValue
  | GetterValue
  | PickedValue
  | PersistentValue;

const LOSSY = 0x80;
/** Room to begin with: little, for the machines that try whether bytes are a pickle. */
const INITIAL = 64;
/** Memo indices to begin with: all that BINGET can name. */
const INITIAL_DENSE = 256;
/** Memo indices beyond four times the entries, and beyond this, go into the map. */
const STRAY = 1024;

/**
 * Tuples, lists, dictionaries and sets with their items, in arrays. Dictionaries hold keys and values
 * in turn. Beyond `itemLimit` items or `containerLimit` containers it forgets, and says so: `lossy`.
 */
export class ContainerPool {
  /** Containers made so far, including forgotten ones' common stand-in. */
  size = 0;
  private kinds = new Uint8Array(INITIAL);
  private heads = new Int32Array(INITIAL);
  private tails = new Int32Array(INITIAL);
  private counts = new Int32Array(INITIAL);
  private items = 0;
  private values = new Float64Array(INITIAL);
  private nexts = new Int32Array(INITIAL);
  readonly itemLimit: number;
  readonly containerLimit: number;

  /** @param itemLimit items kept in all @param containerLimit containers kept in all */
  constructor(itemLimit: number, containerLimit: number) {
    this.itemLimit = itemLimit;
    this.containerLimit = containerLimit;
  }

  /** A new empty container, or LOST when there is no room for another. */
  create(kind: number): Handle {
    const index = this.size;
    if (index >= this.containerLimit) return LOST;
    if (index === this.kinds.length) this.growContainers();
    this.size = index + 1;
    this.kinds[index] = kind;
    this.heads[index] = -1;
    return -1 - index;
  }

  /** Appends `stack[from]` … `stack[to - 1]` to a container. */
  append(container: Handle, stack: Float64Array, from: number, to: number): void {
    const index = -1 - container;
    this.counts[index] = (this.counts[index] as number) + to - from;
    if (this.items + to - from > this.itemLimit) {
      this.kinds[index] = (this.kinds[index] as number) | LOSSY;
      return;
    }
    while (this.items + to - from > this.values.length) this.growItems();
    let place = this.items;
    let tail = this.heads[index] === -1 ? -1 : this.tails[index] as number;
    for (let at = from; at < to; at++) {
      this.values[place] = stack[at] as number;
      this.nexts[place] = -1;
      if (tail === -1) this.heads[index] = place;
      else this.nexts[tail] = place;
      tail = place++;
    }
    this.tails[index] = tail;
    this.items = place;
  }

  /** Which of `CONTAINER` it is. */
  kind(container: Handle): number {
    return (this.kinds[-1 - container] as number) & ~LOSSY;
  }

  /** Items it has had, whether kept or not. */
  count(container: Handle): number {
    return this.counts[-1 - container] as number;
  }

  /** True when some of its items were forgotten. */
  lossy(container: Handle): boolean {
    return ((this.kinds[-1 - container] as number) & LOSSY) !== 0;
  }

  /** The first `limit` items that were kept. */
  list(container: Handle, limit = Infinity): Handle[] {
    const items: Handle[] = [];
    let place = this.heads[-1 - container] as number;
    while (place !== -1 && items.length < limit) {
      items.push(this.values[place] as number);
      place = this.nexts[place] as number;
    }
    return items;
  }

  private growContainers(): void {
    const length = Math.min(this.containerLimit, this.kinds.length * 2);
    this.kinds = grown(this.kinds, new Uint8Array(length));
    this.heads = grown(this.heads, new Int32Array(length));
    this.tails = grown(this.tails, new Int32Array(length));
    this.counts = grown(this.counts, new Int32Array(length));
  }

  private growItems(): void {
    const length = this.values.length * 2;
    this.values = grown(this.values, new Float64Array(length));
    this.nexts = grown(this.nexts, new Int32Array(length));
  }
}

/** The same numbers in a longer array. */
export function grown<A extends Uint8Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** Entries of one block of the memo. */
const BLOCK = 1 << 16;
const BLOCK_MASK = BLOCK - 1;

/**
 * The memo: blocks where the file's indices are dense, a map for stray ones, so that an index of 2^31
 * costs one entry and a large memo grows without copying. An unset entry is NaN.
 */
export class Memo {
  /** The first block, where most reads go; it begins small, for the machines of small streams. */
  first: Float64Array = new Float64Array(INITIAL_DENSE).fill(NaN);
  private readonly more: Float64Array[] = [];
  /** The block made last, and its first index. */
  private last: Float64Array = this.first;
  private lastBase = 0;
  private sparse: Map<number, Handle> | undefined;
  private huge: Map<bigint, number> | undefined;
  /** Entries that are set. MEMOIZE writes at this index. */
  size = 0;
  readonly limit: number;

  /** @param limit entries kept in all */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The value at an index, NaN when it is not set. */
  get(index: number): Handle {
    if (index < this.first.length) return this.first[index] as number;
    const block = this.more[Math.floor(index / BLOCK) - 1];
    return block === undefined
      ? this.sparse?.get(index) ?? NaN
      : block[index & BLOCK_MASK] as number;
  }

  /**
   * Writes a value and gives the one that was there, NaN when there was none.
   *
   * @throws RangeError when the memo is full
   */
  set(index: number, value: Handle): Handle {
    if (index >= this.first.length + this.more.length * BLOCK) this.makeRoom(index);
    let before: Handle;
    const block = index < this.first.length ? this.first : this.more[Math.floor(index / BLOCK) - 1];
    if (block === undefined) {
      before = this.sparse?.get(index) ?? NaN;
      (this.sparse ??= new Map()).set(index, value);
    } else {
      before = block[index & BLOCK_MASK] as number;
      block[index & BLOCK_MASK] = value;
    }
    if (before === before) return before;
    if (++this.size > this.limit) {
      throw new RangeError(`Cannot keep more than ${this.limit} memo entries`);
    }
    return before;
  }

  /**
   * Writes a value at the index `size`, as MEMOIZE does, where that is quick: the entry has room and
   * is not set. False, and nothing done, where it is not.
   */
  append(value: Handle): boolean {
    const index = this.size;
    const block = index < BLOCK ? this.first : this.last;
    const at = index & BLOCK_MASK;
    if (at >= block.length || index - at !== (index < BLOCK ? 0 : this.lastBase) || index >= this.limit) return false;
    const before = block[at] as number;
    if (before === before) return false;
    block[at] = value;
    this.size = index + 1;
    return true;
  }

  /** A number that stands for an index beyond all safe integers. */
  standIn(index: bigint): number {
    this.huge ??= new Map();
    const known = this.huge.get(index) ?? 2 ** 53 + 2 * this.huge.size;
    this.huge.set(index, known);
    return known;
  }

  /** Dense room for an index, unless it is far from all that there are. */
  private makeRoom(index: number): void {
    if (index > this.size * 4 + STRAY) return;
    while (this.first.length < BLOCK && index >= this.first.length) {
      const old = this.first.length;
      this.first = grown(this.first, new Float64Array(old * 2));
      this.first.fill(NaN, old);
      this.settle(this.first, old, 0);
    }
    while (index >= this.first.length + this.more.length * BLOCK) {
      const block = new Float64Array(BLOCK).fill(NaN);
      this.more.push(block);
      this.last = block;
      this.lastBase = this.more.length * BLOCK;
      this.settle(block, 0, this.more.length * BLOCK);
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
