/**
 * What calls mean: they are logged as facts, computed when they are pure, and followed through wrappers.
 *
 * @module
 */

import type { GlobalName } from "../../core/types.ts";
import { ArrayWrappers } from "./array_wrappers.ts";
import { methodGlobal } from "./attributes.ts";
import { Building } from "./building.ts";
import { type Call, isDetailed, restores, takesKeywords } from "./call.ts";
import { logCall, type Targets } from "./call_facts.ts";
import { HiddenCalls } from "./callbacks.ts";
import { Changes } from "./changes.ts";
import { foldOf } from "./folding.ts";
import { makesClass, makesInstance } from "./makers.ts";
import { callMethod } from "./methods.ts";
import { Names } from "./names.ts";
import { CALLEES_FOLLOWED, possibleCallees } from "./possible.ts";
import { Results } from "./results.ts";
import { typeOf } from "../machine/classes.ts";
import type { GlobalEntry, Heap } from "../machine/heap.ts";
import type {
  ArrayAttributes,
  LoadedBytes,
  Semantics,
  TensorMismatch,
} from "../machine/semantics.ts";
import {
  CONTAINER,
  type GetterValue,
  type Handle,
  handleOf,
  KIND,
  LOST,
  NONE,
  UNKNOWN,
} from "../machine/values.ts";
import { render, renderCall } from "../tools/render.ts";

/** Calls inside calls that are followed. The deepest seen is 1. CWE-674. */
const CALL_DEPTH = 32;

/** Pure functions that call methods of what they are applied to. */
const OPERATIONS =
  /^operator\.(?!(methodcaller|attrgetter|itemgetter|call|getitem|setitem|delitem)$)|^builtins\.(abs|ascii|bin|bool|divmod|float|hash|hex|int|len|oct|pow|reversed|round|str|sum)$|^builtins\.(bytearray|bytes|str)\.\w+$/;

/** Functions that are computed and change their first argument as well. */
const IN_PLACE = /^operator\.i(add|concat)$/;

/** Follows one call of a function that takes its meaning from its arguments, and gives its value. */
export type Wrapper = (calls: Calls, call: Call) => Handle;

/** The functions whose meaning is that of what they are applied to. */
export interface HigherOrder {
  /** What follows calls of a meaning (`Interest.meaningsOf`); undefined for every other meaning. */
  wrapperOf(meaning: string): Wrapper | undefined;
  /** Applies an `attrgetter`, `itemgetter` or `methodcaller`; undefined when it cannot be followed. */
  applyGetter(
    calls: Calls,
    getter: GetterValue,
    args: readonly Handle[] | undefined,
    at: number,
  ): Handle | undefined;
}

/** The semantics of calls over one heap. */
export class Calls implements Semantics {
  readonly heap: Heap;
  /** Bytes that the file itself loads. */
  readonly loaded: LoadedBytes[] = [];
  /** True once a loader got bytes that are not known: it may load any constant. */
  loadsUnknown = false;
  /** Opcodes of the texts and bytes that such bytes are made of, by their offsets. */
  readonly mayLoad: Set<number> = new Set();
  /** Tensors that do not lie in their storages. */
  readonly tensorMismatches: TensorMismatch[] = [];
  /** Calls that nothing asks for by name. */
  readonly hidden: HiddenCalls;
  /** Imports and attributes by name. */
  readonly names: Names;
  /** What is put into objects. */
  readonly building: Building;
  private readonly arrays: ArrayWrappers;
  private readonly changes: Changes;
  private readonly results: Results;
  private readonly higherOrder: HigherOrder;
  private depth = 0;
  /** What the call at hand may call: functions with their arguments. */
  private readonly possible = new Set<string>();

  /** @param extensions codes registered so far in this process, by any stream */
  constructor(heap: Heap, extensions: Map<number, GlobalName>, higherOrder: HigherOrder) {
    this.heap = heap;
    this.hidden = new HiddenCalls(heap);
    this.arrays = new ArrayWrappers(heap);
    this.changes = new Changes(heap);
    this.results = new Results(heap, this.arrays, this.changes);
    this.names = new Names(heap, extensions);
    const caller = {
      callGlobal: (call: Call) => this.callGlobal(call),
      follow: (meaning: string, call: Call) => this.higherOrder.wrapperOf(meaning)?.(this, call),
    };
    const { hidden, arrays, changes } = this;
    this.building = new Building(heap, caller, { hidden, arrays, changes });
    this.higherOrder = higherOrder;
  }

  /** REDUCE, NEWOBJ and NEWOBJ_EX: the arguments are a tuple, the keyword arguments a dict. */
  callTuple(
    callee: Handle,
    args: Handle,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    const entry = this.heap.globalOf(callee);
    // A metaclass is on no list; a class that calls like one is what nothing reviewed.
    if (entry?.quiet && makesClass(this.heap, args)) {
      const items = this.heap.itemsOf(args, CONTAINER.TUPLE);
      return this.unresolved(callee, items, kwargs, via, at);
    }
    if (
      entry !== undefined && kwargs === undefined && !this.heap.rendered &&
      (entry.plain ??= entry.quiet && !this.matters(entry))
    ) {
      this.heap.facts.trace?.push(`call ${entry.module} ${entry.name}`);
      this.heap.passItems(entry, args, at);
      if (this.heap.arraysNamed) this.arrays.given(this.heap.itemsOf(args));
      return handleOf(KIND.INSTANCE, entry.id);
    }
    const items = this.heap.itemsOf(args, CONTAINER.TUPLE, CONTAINER.LIST);
    if (items === undefined) this.changes.may([args]);
    if (kwargs !== undefined) this.hidden.watchState(callee, kwargs, via, at);
    return this.call(callee, items, kwargs, via, at);
  }

  private matters(entry: GlobalEntry): boolean {
    return entry.meanings.length > 0 || isDetailed(entry) || foldOf(entry.key) !== undefined;
  }

  /** Calls a value. `args` undefined means that nothing knows them. */
  call(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    if (this.depth >= CALL_DEPTH) {
      this.unresolved(callee, args, kwargs, via, at);
      return UNKNOWN;
    }
    if (this.depth > 0) this.heap.spendCall();
    this.depth++;
    this.changes.begin();
    try {
      return this.dispatch(callee, args, kwargs, via, at);
    } finally {
      this.depth--;
      if (this.depth === 0) this.possible.clear();
      this.changes.end();
    }
  }

  private dispatch(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    const value = this.heap.valueOf(callee);
    switch (value?.type) {
      case "global": {
        const entry = this.heap.globalOf(callee) as GlobalEntry;
        return this.callGlobal({ entry, args, kwargs, via, at });
      }
      case "partial": {
        const all = args === undefined || value.args === undefined
          ? undefined
          : [...value.args, ...args];
        return this.call(value.callee, all, kwargs ?? value.kwargs, "functools.partial", at);
      }
      case "getter": {
        const applied = this.higherOrder.applyGetter(this, value, args, at);
        if (applied !== undefined) return applied;
        // What it was made with goes to the method, too.
        this.changes.may(value.args);
        this.arrays.given(args && [...args, ...value.args]);
        return this.unresolved(callee, args, kwargs, via, at);
      }
      case "picked":
        this.unresolved(value.value, args, kwargs, via, at);
        return this.call(value.value, args, kwargs, via, at);
      case "oneOf":
      case "call":
        this.unresolved(callee, args, kwargs, via, at);
        return this.callPossible(callee, args, kwargs, via, at);
      case "method": {
        if (args !== undefined && this.heap.instanceOf(value.self) === undefined) {
          this.hidden.watchOperands(render(this.heap, callee), args, kwargs, via, at);
        }
        const result = args === undefined || !this.isBare(kwargs)
          ? undefined
          : callMethod(this.heap, value.self, value.name, args);
        if (result !== undefined) return this.results.derived(result, [value.self, ...args ?? []]);
        this.changes.may([value.self]);
        this.arrays.given(args && [value.self, ...args]);
        const owner = methodGlobal(this.heap, value);
        if (owner === undefined || this.heap.instanceOf(value.self) === undefined) {
          return this.result(callee, args, kwargs);
        }
        const entry = this.heap.entryOf(owner.module, owner.name);
        // What looks like a method may be an attribute that the file gave the object.
        const possible = this.callPossible(value.self, args, kwargs, via, at);
        const own = this.callGlobal({ entry, args, kwargs, via, at });
        return this.heap.object({ type: "oneOf", values: [own, possible] });
      }
      default:
        return this.callOther(callee, args, kwargs, via, at);
    }
  }

  /** Calls what is no function: harmless data raises, an instance runs its class's `__call__`. */
  private callOther(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    const instance = this.heap.instanceOf(callee);
    if (instance !== undefined) {
      const entry = this.heap.entryOf(instance.module, `${instance.name}.__call__`);
      const possible = this.callPossible(callee, args, kwargs, via, at);
      const own = this.callGlobal({ entry, args, kwargs, via, at });
      return this.heap.object({ type: "oneOf", values: [own, possible] });
    }
    if (typeOf(this.heap, callee) !== undefined || callee === NONE) return UNKNOWN;
    return this.unresolved(callee, args, kwargs, via, at);
  }

  /** Calls all functions that a value may be or hand the call on to; gives what they may give. */
  callPossible(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    const given = args?.join();
    const { values, complete } = possibleCallees(this.heap, callee, CALLEES_FOLLOWED);
    // An object of a harmless class that may hold functions which are not followed.
    if (!complete && this.heap.instanceOf(callee) !== undefined) {
      this.unresolved(callee, args, kwargs, via, at);
    }
    const callees = values.filter((each) => {
      // One value may be made of another that may be made of it: each is called once.
      const key = `${each} ${given} ${kwargs}`;
      const isNew = !this.possible.has(key);
      this.possible.add(key);
      return isNew;
    });
    const results = callees.map((each) => this.call(each, args, kwargs, via, at));
    return this.heap.object({
      type: "oneOf",
      values: [...results, this.result(callee, args, kwargs)],
    });
  }

  private callGlobal(call: Call): Handle {
    const { entry, args, kwargs } = call;
    this.heap.facts.trace?.push(`call ${entry.module} ${entry.name}`);
    const wrapper = this.wrapperOf(entry);
    if (wrapper !== undefined) {
      if (!this.knows(call)) this.unresolved(entry.handle, args, kwargs, call.via, call.at);
      return wrapper(this, call);
    }
    const [cls, ...given] = args ?? [];
    if (cls !== undefined && makesInstance(this.heap, entry, cls)) {
      return this.call(cls, given, kwargs, "__newobj_ex__", call.at);
    }
    if (entry.meanings.includes("state-first")) {
      const state = args === undefined ? UNKNOWN : args[0];
      if (state !== undefined) this.hidden.watchState(entry.handle, state, call.via, call.at);
    }
    if (entry.meanings.includes("attributes")) {
      const given = this.valuesGiven(args, kwargs);
      this.hidden.watchArguments(entry.handle, given, call.via, call.at);
    }
    const fold = foldOf(entry.key);
    const quiet = entry.quiet || (entry.restorable && restores(call));
    if (quiet && fold === undefined && !isDetailed(entry)) {
      return this.results.ofListed(call);
    }
    if (args !== undefined && OPERATIONS.test(entry.key)) {
      this.hidden.watchOperands(`${entry.module}.${entry.name}`, args, kwargs, call.via, call.at);
    }
    const simple = args !== undefined && this.isBare(kwargs);
    const folded = fold === undefined || !simple ? undefined : fold(this.heap, args);
    const [first] = args ?? [];
    if (
      first !== undefined && fold !== undefined &&
      (folded === undefined || IN_PLACE.test(entry.key))
    ) {
      this.changes.may([first]);
    }
    // To go through what is known calls nothing.
    const known = folded !== undefined && entry.key === "builtins.iter";
    if (!quiet) this.log(call, known ? { of: [] } : undefined);
    if (folded !== undefined) return this.results.derived(folded, args ?? []);
    return this.results.ofGlobal(call);
  }

  /** Whether what is followed of a call is all that it is given: arguments, and keywords where they are looked at. */
  private knows({ entry, args, kwargs }: Call): boolean {
    return args !== undefined &&
      (this.isBare(kwargs) || takesKeywords(entry));
  }

  private wrapperOf({ meanings }: GlobalEntry): Wrapper | undefined {
    for (const meaning of meanings) {
      const wrapper = this.higherOrder.wrapperOf(meaning);
      if (wrapper !== undefined) return wrapper;
    }
    return undefined;
  }

  /** Arguments and the values of keywords; undefined when nothing knows them. */
  private valuesGiven(
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
  ): readonly Handle[] | undefined {
    if (args === undefined || this.isBare(kwargs)) return args;
    const { containers } = this.heap;
    if (kwargs === undefined || kwargs >= 0) return undefined;
    if (containers.lossy(kwargs) || containers.changed(kwargs)) return undefined;
    return [...args, ...this.heap.keptItems(kwargs).filter((_, index) => index % 2 === 1)];
  }

  /** True when there are no keyword arguments. */
  isBare(kwargs: Handle | undefined): boolean {
    return kwargs === undefined || this.heap.isEmpty(kwargs);
  }

  /** A value that stands for a call's unknown result. */
  result(callee: Handle, args: readonly Handle[] | undefined, kwargs: Handle | undefined): Handle {
    return this.results.of(callee, args, kwargs);
  }

  /** An instance of a harmless class, whose arguments do not come to matter by it. */
  made(call: Call): Handle {
    return this.results.ownOrShared(call);
  }

  /** Logs a call; `targets` as in `CallFact`. */
  log(call: Call, targets?: Targets): void {
    logCall(this.heap, call, targets);
  }

  /** Logs a call on something that is no known global, and gives its unknown result. */
  unresolved(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle {
    if (callee === LOST) this.heap.lost();
    const expression = renderCall(this.heap, render(this.heap, callee), args, kwargs);
    this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
    return this.result(callee, args, kwargs);
  }

  /** STACK_GLOBAL. */
  stackGlobal(module: Handle, name: Handle, at: number): Handle | undefined {
    return this.names.stackGlobal(module, name, at);
  }

  /** EXT1, EXT2 and EXT4. */
  extension(code: number, at: number): Handle {
    return this.names.extension(code, at);
  }

  /** BUILD. */
  build(target: Handle, state: Handle, at: number): void {
    this.building.build(target, state, at);
  }

  /** APPEND(S), SETITEM(S) and ADDITEMS on what is no container of the file's own. */
  fill(target: Handle, items: readonly Handle[], opcode: string, at: number): void {
    this.building.fill(target, items, opcode, at);
  }

  /** Whether a value may be called. */
  isCallable(handle: Handle): boolean {
    return this.hidden.isCallable(handle);
  }

  /** Looks at states that grew after an object had them. @throws RangeError when that is too much */
  settle(): void {
    this.hidden.settle();
  }

  /** Whether a value may be joblib's stand-in for raw array bytes. */
  isArrayWrapper(handle: Handle): boolean {
    return this.arrays.mayBe(handle);
  }

  /** What such a value says of the bytes. */
  arrayAttributes(handle: Handle): ArrayAttributes {
    return this.arrays.of(handle);
  }
}
