/**
 * What opcodes and functions put into objects: states, items and attributes. Of something imported that is a
 * change of the program; of what the file made itself, what it may be or call from then on.
 *
 * @module
 */

import type { ArrayWrappers } from "./array_wrappers.ts";
import { liveOwner } from "./attributes.ts";
import type { Call } from "./call.ts";
import type { HiddenCalls } from "./callbacks.ts";
import type { Changes } from "./changes.ts";
import type { GlobalEntry, Heap } from "../machine/heap.ts";
import { CALLEES_FOLLOWED, isUnknownKey, possibleCallees } from "./possible.ts";
import { evaluatedIn, executedBy, loadedFrom } from "./source_in_state.ts";
import { render } from "../tools/render.ts";
import {
  type CallValue,
  CONTAINER,
  fillCall,
  type Handle,
  NONE,
  type PartialValue,
  UNKNOWN,
} from "../machine/values.ts";

/** What executes the text in the state of a distribution. */
const FORMULA_IN_STATE = ["statsmodels.base.data", "ModelData.__setstate__"] as const;
const SOURCE_IN_STATE = ["scipy.stats._distn_infrastructure", "rv_generic.__setstate__"] as const;

/** Functions of Python's library that give back what they are given, or what is in it. */
const HANDS_BACK = /^(builtins|copy|operator|functools|typing|itertools|types|heapq)\.[a-z_]\w*$/;

/** Keys and values of one object that are kept where the result is written out. CWE-770. */
const FILLED_RENDERED = 1 << 22;

/** What building an object may call. */
interface Caller {
  callGlobal(call: Call): Handle;
  /** Follows a call of a function by a meaning of it. */
  follow(meaning: string, call: Call): void;
}

/** What a stream's objects are watched for. */
interface Watched {
  readonly hidden: HiddenCalls;
  readonly arrays: ArrayWrappers;
  readonly changes: Changes;
}

/** The objects of one heap. */
export class Building {
  private readonly heap: Heap;
  private readonly caller: Caller;
  private readonly hidden: HiddenCalls;
  private readonly arrays: ArrayWrappers;
  private readonly changes: Changes;

  constructor(heap: Heap, caller: Caller, { hidden, arrays, changes }: Watched) {
    this.heap = heap;
    this.caller = caller;
    this.hidden = hidden;
    this.arrays = arrays;
    this.changes = changes;
  }

  /** BUILD: `target.__setstate__(state)`, or an update of its attributes. */
  build(target: Handle, state: Handle, at: number): void {
    const value = this.heap.valueOf(target);
    const instance = this.heap.instanceOf(target);
    if (instance !== undefined) {
      this.heap.passState(instance, state);
      if (state !== target) instance.builtAt ??= at;
    }
    const maker = instance ??
      (value?.type === "call" ? this.heap.globalOf(value.callee) : undefined);
    if (maker === undefined || !this.keepsNamed(maker, state)) {
      this.hidden.watchState(target, state, "BUILD", at);
    }
    this.hidden.built(target, state, at);
    this.arrays.build(target, state);
    if (instance?.meanings.includes("source-in-state")) this.executeState(instance.key, state, at);
    if (instance?.meanings.includes("loads-state")) this.loadState(state, at);
    if (instance?.meanings.includes("evaluates")) this.evaluateState(instance, state, at);
    switch (value?.type) {
      case "picked":
        this.watchPicked(value.value, "BUILD", at);
        this.build(value.value, state, at);
        return;
      case "oneOf":
        this.watchPicked(target, "BUILD", at);
        for (const each of value.values) this.build(each, state, at);
        return;
      case "call":
        if (value.state !== undefined) this.keep(value, [NONE, value.state]);
        value.state = state;
        if (this.heap.globalOf(value.callee)?.meanings.includes("dtype") === true) {
          this.arrays.builtDtype(value.args?.[2]);
          return;
        }
        this.mutateGiven(value.callee, target, (each) => this.build(each, state, at));
        return;
      case "partial":
        this.buildPartial(value, state, at);
        return;
      default:
        this.mutate(
          target,
          "BUILD",
          (shown) => `${shown}.__setstate__(${render(this.heap, state)})`,
          at,
        );
    }
  }

  /** Whether the `__setstate__` of a class makes attributes only of what it names in a tuple that is all known. */
  private keepsNamed({ meanings }: GlobalEntry, state: Handle): boolean {
    const { containers } = this.heap;
    return meanings.includes("own-state") && state < 0 &&
      containers.kind(state) === CONTAINER.TUPLE && !containers.lossy(state);
  }

  /** `partial.__setstate__` takes function, arguments, keywords and attributes. */
  private buildPartial(value: PartialValue, state: Handle, at: number): void {
    const items = this.heap.itemsOf(state, CONTAINER.TUPLE);
    const [held = UNKNOWN, args = UNKNOWN, kwargs = UNKNOWN] = items ?? [];
    value.callee = held;
    value.args = this.heap.itemsOf(args, CONTAINER.TUPLE);
    value.kwargs = kwargs === NONE ? undefined : kwargs;
    this.caller.follow("partial", {
      entry: this.heap.entryOf("functools", "partial"),
      args: [value.callee, ...value.args ?? [UNKNOWN]],
      kwargs: value.kwargs,
      via: "BUILD",
      at,
    });
  }

  /** Remembers keys and values that an object was given; what has no key has None. */
  private keep(value: CallValue, pairs: readonly Handle[]): void {
    for (const each of pairs) {
      fillCall(value, each, this.heap.rendered ? FILLED_RENDERED : undefined);
    }
  }

  /** Restores what executes a text of its state: only the library's own template is harmless. */
  private executeState(path: string, state: Handle, at: number): void {
    const executed = executedBy(this.heap, path, state);
    if (executed.kind === "template") return;
    const [module, name] = path.startsWith("statsmodels.") ? FORMULA_IN_STATE : SOURCE_IN_STATE;
    const [entry, args] = executed.kind === "text"
      ? [this.heap.entryOf("builtins", "exec"), [executed.text]]
      : [this.heap.entryOf(module, name), [state]];
    this.caller.callGlobal({ entry, args, kwargs: undefined, via: "BUILD", at });
  }

  /** Restores what evaluates texts of its state when it is used: more than plain expressions are for a person to read. */
  private evaluateState({ module, name }: GlobalEntry, state: Handle, at: number): void {
    const text = evaluatedIn(this.heap, state);
    if (text === undefined) return;
    const entry = this.heap.entryOf(module, `${name}.evaluate`);
    this.caller.callGlobal({ entry, args: [text], kwargs: undefined, via: "BUILD", at });
  }

  /** Restores what loads bytes of its state, as `torch.storage._load_from_bytes` does. */
  private loadState(state: Handle, at: number): void {
    const loaded = loadedFrom(this.heap, state);
    if (loaded === undefined) return;
    const entry = this.heap.entryOf("torch.storage", "_load_from_bytes");
    this.caller.callGlobal({ entry, args: [loaded], kwargs: undefined, via: "BUILD", at });
  }

  /** Changes what a function of Python's library, or one that is not known, may hand back of its arguments. */
  private mutateGiven(
    callee: Handle,
    target: Handle,
    change: (each: Handle) => void,
  ): void {
    const key = this.heap.globalOf(callee)?.key;
    if (key !== undefined && !HANDS_BACK.test(key)) return;
    for (const each of possibleCallees(this.heap, target, CALLEES_FOLLOWED).values) {
      if (liveOwner(this.heap, each) !== undefined) change(each);
    }
  }

  /** What is changed is not sure. */
  private watchPicked(target: Handle, via: string, at: number): void {
    const expression = `${render(this.heap, target)} (${via})`;
    this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
  }

  /** APPEND(S), SETITEM(S) and ADDITEMS on what is no container of the file's own. */
  fill(target: Handle, items: readonly Handle[], opcode: string, at: number): void {
    const value = this.heap.valueOf(target);
    const isItems = opcode.startsWith("SETITEM");
    if (
      isItems &&
      items.some((key, index) => index % 2 === 0 && isUnknownKey(this.heap, key, items[index + 1]))
    ) {
      this.heap.noteUnknownKey();
    }
    if (this.heap.isMutableBytes(target)) {
      this.heap.bytesGrown = true;
      this.heap.change(target);
    }
    const instance = this.heap.instanceOf(target);
    // What is put into an object may go on into a container that it holds.
    if (instance !== undefined) {
      if (!this.hidden.isDictionary(target)) {
        this.changes.may([...instance.passed]);
        // Picklers write items before the state.
        if (instance.builtAt !== undefined) instance.usedAt ??= at;
      }
      for (const item of items) this.heap.pass(instance, item);
    }
    if (value?.type === "call") {
      const held = [...value.args ?? [], value.kwargs, value.state]
        .filter((each) => each !== undefined);
      if (!this.hidden.isDictionary(target)) this.changes.may(held);
      this.keep(value, isItems ? items : items.flatMap((item) => [NONE, item]));
      this.mutateGiven(value.callee, target, (each) => this.fill(each, items, opcode, at));
    }
    if (value?.type === "picked") {
      this.watchPicked(value.value, opcode, at);
      this.fill(value.value, items, opcode, at);
      return;
    }
    if (value?.type === "oneOf") {
      this.watchPicked(target, opcode, at);
      for (const each of value.values) this.fill(each, items, opcode, at);
      return;
    }
    if (isItems && !this.hidden.isDictionary(target)) {
      // Data frames call a key that can be called.
      const key = items.find((item, index) => index % 2 === 0 && this.hidden.isCallable(item));
      if (key !== undefined) this.watchPicked(key, opcode, at);
      // Items of some mappings are attributes: scikit-learn's Bunch, SciPy's results.
      this.hidden.watchItems(target, items, opcode, at);
    }
    this.mutate(target, opcode, (shown) => {
      const parts = items.slice(0, 4).map((item) => render(this.heap, item));
      if (opcode.startsWith("SETITEM")) return `${shown}[${parts[0]}] = ${parts[1]}`;
      return `${shown}.${opcode === "ADDITEMS" ? "add" : "append"}(${parts[0]})`;
    }, at);
  }

  /** Logs a change of something imported; changes of what the file made itself are nothing's business. */
  mutate(target: Handle, via: string, expression: (shown: string) => string, at: number): void {
    const owner = liveOwner(this.heap, target);
    if (owner === undefined) return;
    this.heap.facts.add(
      { kind: "mutation", ...owner, via, expression: expression(render(this.heap, target)) },
      at,
    );
  }

  /** `setattr` sets an attribute of an object. */
  setAttribute(target: Handle, name: Handle): void {
    this.arrays.setAttributes(target, [name]);
  }
}
