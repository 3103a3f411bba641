/**
 * Which readings are made of a file in which arrays have an unknown length: joblib goes on somewhere behind
 * each of them.
 *
 * @module
 */

import { STATUS } from "../machine/status.ts";
import type { ArrayWay, Run } from "./driver.ts";
import type { Resync } from "./resync.ts";
import type { StackDepth } from "./stack_depth.ts";

/** Readings of places behind arrays of unknown length. Intact files need none. CWE-834. */
export const PLACES_BEHIND = 512;
/** Opcodes that are spent on that in all: a few megabytes of imports take so many at each place. CWE-405. */
const OPCODES_BEHIND = 1 << 23;

/** Arrays of unknown length of one reading. */
interface Places {
  /** How the arrays before them are read. */
  readonly prefix: readonly ArrayWay[];
  /** Offsets in the source behind their wrappers, in the order of the wrappers. */
  readonly offsets: readonly number[];
  readonly search: Resync;
  /** Stretches that are searched, one after the other. */
  readonly pending: { at: number; until: number }[];
}

/** A reading that is asked for. */
interface Way {
  readonly arrays: readonly ArrayWay[];
  /** The place where the last of them ends, and whether the reading decides where the search goes on. */
  readonly start: number;
  readonly isFirst: boolean;
}

/**
 * The readings of one file, one after the other. What one shows decides on the next: behind a place from
 * which all was read to STOP the search goes on, and comes back to what lies in it; arrays of unknown length
 * that only this reading has are followed, too.
 */
export class PlacesBehind {
  /** Whether not all readings were asked for. */
  cut = false;
  private readonly searchWith: (stack: StackDepth) => Resync;
  private readonly queue: Places[] = [];
  private readonly known = new Set<number>();
  private readonly ways: Way[] = [];
  private current: Way | undefined;
  private tried = 0;
  private opcodes = 0;

  /**
   * @param searchWith makes a search, given what the stack has at most
   * @param offsets in the source behind the wrappers of the arrays, in the order of the wrappers
   * @param stack what the stack has there at most
   */
  constructor(
    searchWith: (stack: StackDepth) => Resync,
    offsets: readonly number[],
    stack: StackDepth,
  ) {
    this.searchWith = searchWith;
    this.add([], offsets, stack);
  }

  /** How arrays of unknown length are read next; undefined when nothing is left, or too much (`cut`). */
  async next(): Promise<readonly ArrayWay[] | undefined> {
    while (this.ways.length === 0) {
      const [places] = this.queue;
      if (places === undefined) return undefined;
      const [stretch] = places.pending;
      if (stretch === undefined) {
        this.queue.shift();
        continue;
      }
      const start = await places.search.find(stretch.at);
      if (start === undefined && places.search.cut) {
        this.cut = true;
        return undefined;
      }
      if (start === undefined || start >= stretch.until) places.pending.shift();
      else this.ways.push(...waysTo(start, places));
    }
    if (this.tried++ === PLACES_BEHIND || this.opcodes > OPCODES_BEHIND) {
      this.cut = true;
      return undefined;
    }
    this.current = this.ways.shift();
    return this.current?.arrays;
  }

  /**
   * Takes what the reading showed that was asked for last.
   *
   * @param end offset in the source where it ended
   */
  saw({ status, uncertain, uncertainAt, uncertainStack, machine }: Run, end: number): void {
    if (this.current === undefined) return;
    const { arrays, start, isFirst } = this.current;
    this.opcodes += machine.opcodes;
    const [places] = this.queue;
    if (isFirst && places?.pending[0] !== undefined) {
      const complete = status === STATUS.STOPPED && uncertain <= arrays.length;
      const behind = Math.max(start + 1, complete ? end : start);
      places.pending[0].at = behind;
      // What was read, by chance to its end, may have been bytes of this array or of another.
      if (behind > start + 1) places.pending.push({ at: start + 1, until: behind });
    }
    if (uncertain <= arrays.length) return;
    if (arrays.at(-1) !== "pickle") {
      this.ways.push({ arrays: [...arrays, "pickle"], start, isFirst: false });
    }
    const more = uncertainAt.slice(arrays.length);
    if (more.some((offset) => !this.known.has(offset))) this.add(arrays, more, uncertainStack);
  }

  private add(prefix: readonly ArrayWay[], offsets: readonly number[], stack: StackDepth): void {
    for (const offset of offsets) this.known.add(offset);
    const pending = [{ at: Math.min(...offsets), until: Infinity }];
    this.queue.push({ prefix, offsets, search: this.searchWith(stack), pending });
  }
}

/**
 * The readings in which an array ends at a place. What was put on the stack and into the memo up to the last
 * wrapper before the place counts; of wrappers in one frame, whose arrays follow each other, any may be it.
 */
function waysTo(start: number, { prefix, offsets }: Places): readonly Way[] {
  const before = offsets.filter((offset) => offset <= start).length - 1;
  const first = offsets.indexOf(offsets[before] as number);
  return Array.from({ length: before - first + 1 }, (_, at) => ({
    arrays: [...prefix, ...Array<undefined>(before - at).fill(undefined), start],
    start,
    isFirst: at === 0,
  }));
}
