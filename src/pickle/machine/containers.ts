/**
 * The containers that a pickle makes, in arrays of numbers.
 *
 * @module
 */

import { CONTAINER, grown, type Handle, LOST } from "./values.ts";

/** Added to a container's kind when some of its items were forgotten. */
const CONTAINER_LOSSY = 0x80;
/** Added when its items are no longer those that were put into it, one behind the other. */
const CONTAINER_CHANGED = 0x40;
const CONTAINER_KIND = 0x3f;
/** Room to begin with: little, for the machines that try whether bytes are a pickle. */
const INITIAL = 64;
/** From here on room grows eightfold, for what is not used yet of much room costs neither time nor memory. */
const MUCH = 4096;
/**
 * Tuples, lists, dictionaries and sets with their items, in arrays. Dictionaries hold keys and values
 * in turn. Beyond `itemLimit` items or `containerLimit` containers it forgets, and says so: `lossy`.
 */
export class ContainerPool {
  /** Containers of a lower index count as changed. */
  private changedBelow = 0;
  /** Containers made so far, including forgotten ones' common stand-in. */
  size = 0;
  /** Items kept so far. */
  items = 0;
  private kinds: Uint8Array = new Uint8Array(INITIAL);
  /** The container's first item, -1 when it has none. */
  private heads: Int32Array = new Int32Array(INITIAL);
  /** Its last one. */
  private tails: Int32Array = new Int32Array(INITIAL);
  /** Items it has had. */
  private counts: Int32Array = new Int32Array(INITIAL);
  private values: Float64Array = new Float64Array(INITIAL);
  /** The item behind each, -1 behind the last. */
  private nexts: Int32Array = new Int32Array(INITIAL);
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
    this.counts[index] = 0;
    return -1 - index;
  }

  /**
   * Appends `stack[from]` … `stack[to - 1]` to a container.
   *
   * @param pairs whether they are keys and values; in a list each value takes the place of another
   */
  append(container: Handle, stack: Float64Array, from: number, to: number, pairs = false): void {
    const index = -1 - container;
    if (pairs && this.kind(container) !== CONTAINER.DICT) this.change(container);
    this.counts[index] = (this.counts[index] as number) + to - from;
    // Without a branch of its own for what is forgotten: compiled code that has not met it is thrown away then.
    const fits = this.items + to - from <= this.itemLimit;
    const end = fits ? to : from;
    this.kinds[index] = (this.kinds[index] as number) | (fits ? 0 : CONTAINER_LOSSY);
    while (this.items + end - from > this.values.length) this.growItems();
    let place = this.items;
    let tail = this.heads[index] === -1 ? -1 : this.tails[index] as number;
    for (let at = from; at < end; at++) {
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
    return (this.kinds[-1 - container] as number) & CONTAINER_KIND;
  }

  /** Items it has had, whether kept or not. */
  count(container: Handle): number {
    return this.counts[-1 - container] as number;
  }

  /** True when some of its items were forgotten. */
  lossy(container: Handle): boolean {
    return ((this.kinds[-1 - container] as number) & CONTAINER_LOSSY) !== 0;
  }

  /** True when some container's items were forgotten, or there was no room for one. */
  get forgot(): boolean {
    return this.size >= this.containerLimit ||
      this.kinds.subarray(0, this.size).some((kind) => (kind & CONTAINER_LOSSY) !== 0);
  }

  /** Something other than an opcode that appends may have changed its items. */
  change(container: Handle): void {
    const index = -1 - container;
    this.kinds[index] = (this.kinds[index] as number) | CONTAINER_CHANGED;
  }

  /** The same of all that there are. */
  changeAll(): void {
    this.changedBelow = this.size;
  }

  /** True when its items may not be those that were put into it. */
  changed(container: Handle): boolean {
    return -1 - container < this.changedBelow && this.kind(container) !== CONTAINER.TUPLE ||
      ((this.kinds[-1 - container] as number) & CONTAINER_CHANGED) !== 0;
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

  /** Calls `visit` for each item that was kept, in order, until it gives false. */
  visit(container: Handle, visit: (item: Handle) => boolean): void {
    let place = this.heads[-1 - container] as number;
    while (place !== -1 && visit(this.values[place] as number)) {
      place = this.nexts[place] as number;
    }
  }

  /** Calls `visit` for each key and value of dictionaries that were kept, with the dictionary. */
  visitPairs(visit: (key: Handle, value: Handle, dictionary: Handle) => void): void {
    for (let index = 0; index < this.size; index++) {
      if (((this.kinds[index] as number) & CONTAINER_KIND) !== CONTAINER.DICT) continue;
      let place = this.heads[index] as number;
      while (place !== -1) {
        const behind = this.nexts[place] as number;
        if (behind === -1) break;
        visit(this.values[place] as number, this.values[behind] as number, -1 - index);
        place = this.nexts[behind] as number;
      }
    }
  }

  /** Containers that are items of tuples, or of lists among them: what functions and `__setstate__` are given. */
  inTuples(): ReadonlySet<Handle> {
    const found = new Set<Handle>();
    const add = (item: Handle): boolean => {
      if (item < 0) found.add(item);
      return true;
    };
    for (let index = 0; index < this.size; index++) {
      if (this.kind(-1 - index) === CONTAINER.TUPLE) this.visit(-1 - index, add);
    }
    for (const each of found) if (this.kind(each) === CONTAINER.LIST) this.visit(each, add);
    return found;
  }

  private growContainers(): void {
    const length = Math.min(this.containerLimit, grownLength(this.kinds.length));
    this.kinds = grown(this.kinds, new Uint8Array(length));
    this.heads = grown(this.heads, new Int32Array(length));
    this.tails = grown(this.tails, new Int32Array(length));
    this.counts = grown(this.counts, new Int32Array(length));
  }

  private growItems(): void {
    const length = Math.min(this.itemLimit, grownLength(this.values.length));
    this.values = grown(this.values, new Float64Array(length));
    this.nexts = grown(this.nexts, new Int32Array(length));
  }
}

/** Room after growing. */
function grownLength(length: number): number {
  return length * (length < MUCH ? 2 : 8);
}
