/**
 * Dictionaries that BUILD gave to objects, and whether they grew afterwards. Most objects copy what is in
 * their state; those whose `__setstate__` keeps the dictionary itself (`self.__dict__ = state`, as
 * polynomials of numpy do) get an attribute with each item that a later opcode puts into it.
 *
 * @module
 */

import type { Handle } from "../machine/values.ts";

/**
 * States that are remembered, so that memory stays bounded; of more it is not known whether they grew. The most seen
 * are 1,176. CWE-770.
 */
const REMEMBERED = 100_000;

/** A state, and how many items it had when an object got it. */
interface BuiltState {
  readonly target: Handle;
  readonly state: Handle;
  /** Virtual offset of the BUILD. */
  readonly at: number;
  count: number;
}

/** The states of one machine. */
export class BuiltStates {
  /** True when there were more than are remembered. */
  forgot = false;
  private readonly states: BuiltState[] = [];

  /** Notes a dictionary that an object got. */
  note(built: BuiltState): void {
    if (this.states.length < REMEMBERED) this.states.push(built);
    else this.forgot = true;
  }

  /** Those that got more items since they were last asked for. */
  grown(countOf: (state: Handle) => number): readonly BuiltState[] {
    const found: BuiltState[] = [];
    for (const built of this.states) {
      const count = countOf(built.state);
      if (count === built.count) continue;
      built.count = count;
      found.push(built);
    }
    return found;
  }
}
