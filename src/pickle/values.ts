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
  /** One of `UNSET`, `NONE`, `TRUE`, `FALSE`, `UNKNOWN`, `LOST`. */
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

/** No value: a memo entry that is not set. Zero, so that new memory is a memo without entries. */
export const UNSET: Handle = handleOf(KIND.CONSTANT, 0);
export const NONE: Handle = handleOf(KIND.CONSTANT, 1);
export const TRUE: Handle = handleOf(KIND.CONSTANT, 2);
export const FALSE: Handle = handleOf(KIND.CONSTANT, 3);
/** A value that only a running program would know. */
export const UNKNOWN: Handle = handleOf(KIND.CONSTANT, 4);
/** A value that the file states and that was not kept, for want of room. */
export const LOST: Handle = handleOf(KIND.CONSTANT, 5);

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

/** Added to a container's kind when some of its items were forgotten. */
export const CONTAINER_LOSSY = 0x80;
/** Room to begin with: little, for the machines that try whether bytes are a pickle. */
const INITIAL = 64;
/** Memo indices to begin with: all that BINGET can name. */
const INITIAL_DENSE = 256;
/** Memo indices beyond four times the entries, and beyond this, go into the map. */
const STRAY = 1024;

/** The arrays of a `ContainerPool`: four with a place a container, two with a place an item. */
export interface ContainerArrays {
  readonly kinds: Uint8Array;
  /** The container's first item, -1 when it has none. */
  readonly heads: Int32Array;
  /** Its last one. */
  readonly tails: Int32Array;
  /** Items it has had. */
  readonly counts: Int32Array;
  readonly values: Float64Array;
  /** The item behind each, -1 behind the last. */
  readonly nexts: Int32Array;
}

/**
 * Tuples, lists, dictionaries and sets with their items, in arrays. Dictionaries hold keys and values
 * in turn. Beyond `itemLimit` items or `containerLimit` containers it forgets, and says so: `lossy`.
 */
export class ContainerPool {
  /** Containers made so far, including forgotten ones' common stand-in. */
  size = 0;
  /** Items kept so far. */
  items = 0;
  private kinds: Uint8Array = new Uint8Array(INITIAL);
  private heads: Int32Array = new Int32Array(INITIAL);
  private tails: Int32Array = new Int32Array(INITIAL);
  private counts: Int32Array = new Int32Array(INITIAL);
  private values: Float64Array = new Float64Array(INITIAL);
  private nexts: Int32Array = new Int32Array(INITIAL);
  readonly itemLimit: number;
  readonly containerLimit: number;

  /** @param itemLimit items kept in all @param containerLimit containers kept in all */
  constructor(itemLimit: number, containerLimit: number) {
    this.itemLimit = itemLimit;
    this.containerLimit = containerLimit;
  }

  /** Goes on in other arrays, which have room for all that the limits allow. */
  moveTo(arrays: ContainerArrays): void {
    const { size, items } = this;
    this.kinds = moved(this.kinds, size, arrays.kinds);
    this.heads = moved(this.heads, size, arrays.heads);
    this.tails = moved(this.tails, size, arrays.tails);
    this.counts = moved(this.counts, size, arrays.counts);
    this.values = moved(this.values, items, arrays.values);
    this.nexts = moved(this.nexts, items, arrays.nexts);
  }

  /** A new empty container, or LOST when there is no room for another. */
  create(kind: number): Handle {
    const index = this.size;
    if (index >= this.containerLimit) return LOST;
    if (index === this.kinds.length) this.growContainers();
    this.size = index + 1;
    this.kinds[index] = kind;
    this.heads[index] = -1;
    this.counts[index] = 0;
    return -1 - index;
  }

  /** Appends `stack[from]` … `stack[to - 1]` to a container. */
  append(container: Handle, stack: Float64Array, from: number, to: number): void {
    const index = -1 - container;
    this.counts[index] = (this.counts[index] as number) + to - from;
    if (this.items + to - from > this.itemLimit) {
      this.kinds[index] = (this.kinds[index] as number) | CONTAINER_LOSSY;
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

  /** Goes on in arrays of its own, as large as what there is. */
  moveOut(): void {
    const { size, items } = this;
    const containers = Math.max(INITIAL, size);
    this.kinds = this.kinds.slice(0, containers);
    this.heads = this.heads.slice(0, containers);
    this.tails = this.tails.slice(0, containers);
    this.counts = this.counts.slice(0, containers);
    this.values = this.values.slice(0, Math.max(INITIAL, items));
    this.nexts = this.nexts.slice(0, Math.max(INITIAL, items));
  }

  /** Which of `CONTAINER` it is. */
  kind(container: Handle): number {
    return (this.kinds[-1 - container] as number) & ~CONTAINER_LOSSY;
  }

  /** Items it has had, whether kept or not. */
  count(container: Handle): number {
    return this.counts[-1 - container] as number;
  }

  /** True when some of its items were forgotten. */
  lossy(container: Handle): boolean {
    return ((this.kinds[-1 - container] as number) & CONTAINER_LOSSY) !== 0;
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

/** The first `count` numbers in another array. */
export function moved<A extends Uint8Array | Int32Array | Float64Array>(
  from: A,
  count: number,
  to: A,
): A {
  to.set(from.subarray(0, count));
  return to;
}

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
  private more: Float64Array[] = [];
  private sparse: Map<number, Handle> | undefined;
  private huge: Map<bigint, number> | undefined;
  /** Entries that are set. MEMOIZE writes at this index. */
  size = 0;
  /** Behind the last of the first entries that is set. */
  top = 0;
  readonly limit: number;

  /** @param limit entries kept in all */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Goes on with other first entries: zeros, whole blocks of them, more than there are now. */
  moveTo(first: Float64Array): void {
    let at = 0;
    for (const block of [this.first, ...this.more]) {
      first.set(block, at);
      at += block.length;
    }
    this.first = first;
    this.more = [];
    this.top = at;
    this.settle(first, at, 0);
  }

  /** Goes on with first entries of its own, as many as are set. The old ones are zeros again. */
  moveOut(): void {
    const old = this.first;
    this.first = new Float64Array(Math.max(INITIAL_DENSE, this.top));
    this.first.set(old.subarray(0, this.top));
    old.fill(UNSET, 0, this.top);
  }

  /** Indices from 0 on that have room without the map. */
  get dense(): number {
    return this.first.length + this.more.length * MEMO_BLOCK;
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
      if (index >= this.top) this.top = index + 1;
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
      this.settle(this.first, old, 0);
    }
    while (index >= this.dense) {
      const base = this.dense;
      const block = new Float64Array(MEMO_BLOCK);
      this.more.push(block);
      this.settle(block, 0, base);
    }
  }

  /** Moves stray entries into a block, whose first index is `base`, from `from` on. */
  private settle(block: Float64Array, from: number, base: number): void {
    for (const [index, value] of this.sparse ?? []) {
      if (index < base + from || index >= base + block.length) continue;
      block[index - base] = value;
      if (block === this.first) this.top = Math.max(this.top, index + 1);
      this.sparse?.delete(index);
    }
  }
}
