/**
 * Values that something may have changed in place: containers and bytearrays that functions are given, and what
 * these may hand out.
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import type { Handle, Value } from "../machine/values.ts";

/** Values that wait until a call is at its end to count as changed. The models seen have none. CWE-770. */
const CHANGES_WAITING = 4096;

/** What a computed value hands out without its maker's doing. */
function insideOf(value: Value | undefined): readonly Handle[] {
  switch (value?.type) {
    case "picked":
      return [value.value];
    case "oneOf":
      return value.values;
    case "method":
      return [value.self];
    case "partial":
      return [
        value.callee,
        ...value.args ?? [],
        ...value.kwargs === undefined ? [] : [value.kwargs],
      ];
    case "getter":
      return value.args;
    case "call":
      return value.state === undefined ? value.filled ?? [] : [value.state, ...value.filled ?? []];
    default:
      return [];
  }
}

/** The changes of values of one heap. */
export class Changes {
  private readonly heap: Heap;
  /** Calls at hand, one inside the other. */
  private depth = 0;
  /** Values that the calls at hand may change. */
  private waiting: Handle[] = [];

  constructor(heap: Heap) {
    this.heap = heap;
  }

  /** A call begins: functions that are called with the same values as well see them as they are. */
  begin(): void {
    this.depth++;
  }

  /** The call that began last is at its end. */
  end(): void {
    this.depth--;
    if (this.depth > 0 || this.waiting.length === 0) return;
    const values = this.waiting;
    this.waiting = [];
    this.may(values);
  }

  /** Something may change values in place, and what they hand out; at once, or at the end of the calls at hand. */
  may(values: readonly Handle[]): void {
    if (this.depth > 0 && this.waiting.length < CHANGES_WAITING) this.waiting.push(...values);
    else this.heap.give(values, (value) => this.handedOut(value));
  }

  /**
   * What an object may hand out of what can be changed. What a call was given may have been changed by that call
   * already, and counts so since.
   */
  private handedOut(value: Handle): readonly Handle[] {
    const { heap } = this;
    const instance = heap.instanceOf(value);
    if (instance === undefined) return insideOf(heap.valueOf(value));
    if (instance.changed >= instance.passed.size) return [];
    instance.changed = instance.passed.size;
    return [...instance.passed];
  }
}
