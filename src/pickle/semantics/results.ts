/**
 * The values that calls give where they are not computed, and how far these are kept apart.
 *
 * @module
 */

import type { ArrayWrappers } from "./array_wrappers.ts";
import { type Call, isDetailed } from "./call.ts";
import type { Changes } from "./changes.ts";
import type { Heap } from "../machine/heap.ts";
import { type Handle, handleOf, KIND, LOST } from "../machine/values.ts";

/**
 * Results of one global that are distinguished; later ones share a value. The most seen are 1,087. CWE-770.
 */
const RESULTS_DISTINGUISHED = 256;
/**
 * Results distinguished in all: each costs a hundred bytes. Who uses one beyond has lost it. The most seen
 * are 347. CWE-770.
 */
const RESULTS_KEPT = 1 << 18;

/** The results of calls over one heap. */
export class Results {
  private readonly heap: Heap;
  private readonly arrays: ArrayWrappers;
  private readonly changes: Changes;
  private kept = 0;

  constructor(heap: Heap, arrays: ArrayWrappers, changes: Changes) {
    this.heap = heap;
    this.arrays = arrays;
    this.changes = changes;
  }

  /** What a computation gave of its operands: of a bytearray it may be another. */
  derived(result: Handle, operands: readonly Handle[]): Handle {
    const { heap } = this;
    const isBytes = heap.valueOf(result)?.type === "bytes";
    if (isBytes && operands.some((each) => heap.isMutableBytes(each))) heap.noteBytearray(result);
    return heap.derived(result);
  }

  /** A result that is distinguished from no other of the same global. */
  instance({ entry, args, kwargs, at }: Call): Handle {
    const { heap } = this;
    this.arrays.given(args);
    if (args === undefined) heap.passMore(entry);
    for (const arg of args ?? []) heap.passArgument(entry, arg, at);
    if (kwargs !== undefined) heap.passItems(entry, kwargs, at);
    return handleOf(KIND.INSTANCE, entry.id);
  }

  /** A value that stands for a call's unknown result. */
  of(callee: Handle, args: readonly Handle[] | undefined, kwargs: Handle | undefined): Handle {
    const entry = this.heap.globalOf(callee);
    if (args !== undefined && (entry === undefined || !isDetailed(entry))) this.changes.may(args);
    if (entry === undefined || !isDetailed(entry)) this.arrays.given(args);
    if (++this.kept > RESULTS_KEPT && !(entry !== undefined && isDetailed(entry))) {
      return entry === undefined
        ? LOST
        : this.instance({ entry, args, kwargs, via: "REDUCE", at: 0 });
    }
    return this.heap.object({ type: "call", callee, args, kwargs, state: undefined });
  }

  /** The result of a harmless function: its own where all are told apart. */
  ofListed(call: Call): Handle {
    if (!this.heap.rendered || this.kept >= RESULTS_KEPT) return this.instance(call);
    this.arrays.given(call.args);
    return this.ownOrShared(call);
  }

  /** The same where it is known that arguments do not come to matter by the result. */
  ownOrShared({ entry, args, kwargs }: Call): Handle {
    return this.heap.rendered && ++this.kept <= RESULTS_KEPT
      ? this.heap.object({ type: "call", callee: entry.handle, args, kwargs, state: undefined })
      : handleOf(KIND.INSTANCE, entry.id);
  }

  /** The value of a call of a global that is not computed: one of its own, or the same for the rest of many. */
  ofGlobal(call: Call): Handle {
    const { entry, args, kwargs } = call;
    const many = entry.results++ >= RESULTS_DISTINGUISHED && !this.heap.rendered;
    if (many && !isDetailed(entry)) return this.instance(call);
    return this.of(entry.handle, args, kwargs);
  }
}
