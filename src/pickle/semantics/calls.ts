/**
 * What calls, BUILD and item assignment mean: they are logged as facts, computed when they are pure,
 * and followed through wrappers.
 *
 * @module
 */

import type { CallFact, GlobalName } from "../../core/types.ts";
import { isListedStandardModule, isPython2Only } from "../../parsers/python/names.ts";
import { ArrayWrappers, isArrayWrapper } from "./array_wrappers.ts";
import { liveOwner, methodGlobal } from "./attributes.ts";
import { typeOf } from "../machine/classes.ts";
import { evidenceOf } from "./evidence.ts";
import { ownerOf } from "../machine/facts.ts";
import { foldOf } from "./folding.ts";
import type { GlobalEntry, Heap } from "../machine/heap.ts";
import { HiddenCalls } from "./callbacks.ts";
import { callMethod } from "./methods.ts";
import { executedBy } from "./source_in_state.ts";
import { isNoExactText, isNoText, possibleCallees, possibleTexts } from "./possible.ts";
import { render, renderCall } from "../tools/render.ts";
import {
  CONTAINER,
  fillCall,
  type GetterValue,
  type Handle,
  handleOf,
  KIND,
  LOST,
  NONE,
  UNKNOWN,
  type Value,
} from "../machine/values.ts";
import type { ArrayAttributes, LoadedBytes, Semantics, TensorFault } from "../machine/semantics.ts";

/**
 * Results of one global that are distinguished; later ones share a value. The most seen are 1,087. CWE-770.
 */
const RESULTS_DISTINGUISHED = 256;
/**
 * Results distinguished in all: each costs a hundred bytes. Who uses one beyond has lost it. The most seen
 * are 347. CWE-770.
 */
const RESULTS_KEPT = 1 << 18;
/**
 * Functions that one value may be, and texts that one name may be, that are followed. No model is known to
 * have two. CWE-834.
 */
const CALLEES_FOLLOWED = 16;
const NAMES_FOLLOWED = 5;
/** Values that wait until a call is at its end to count as changed. The models seen have none. CWE-770. */
const CHANGES_WAITING = 4096;
/** Values inside one that is given to a function which may change them; further ones are not looked for. CWE-407. */
const HELD_FOLLOWED = 1024;
/** Calls inside calls that are followed. The deepest seen is 1. CWE-674. */
const CALL_DEPTH = 32;

/** Meanings of harmless classes whose arguments and state are needed: arrays by their size, slices by folding. */
const DETAILED: readonly string[] = ["array-wrapper", "dtype", "string-dtype", "slice"];

function isDetailed({ key, meanings }: GlobalEntry): boolean {
  return isArrayWrapper(key) || meanings.some((meaning) => DETAILED.includes(meaning));
}

/** Meanings of functions whose keyword arguments are followed, or make the call one that is not known. */
const KEYWORDS: ReadonlySet<string> = new Set(
  ("partial call construct-with-keywords type generator-constructor attrgetter itemgetter methodcaller " +
    "loader encode-text").split(" "),
);

/** Opcodes and functions that make an instance without calling its `__init__`. */
const RESTORING = /^(NEWOBJ(_EX)?|_reconstructor|__newobj(_ex)?__)$/;

/** Pure functions that call methods of what they are applied to. */
const OPERATIONS =
  /^operator\.(?!(methodcaller|attrgetter|itemgetter|call|getitem|setitem|delitem)$)|^builtins\.(abs|ascii|bin|bool|divmod|float|hash|hex|int|len|oct|pow|reversed|round|str|sum)$|^builtins\.(bytearray|bytes|str)\.\w+$/;

/** Functions that are computed and change their first argument as well. */
const IN_PLACE = /^operator\.i(add|concat)$/;
/** What executes the text in the state of a distribution. */
const SOURCE_IN_STATE = ["scipy.stats._distn_infrastructure", "rv_generic.__setstate__"] as const;

/** Functions of Python's library that give back what they are given, or what is in it. */
const HANDS_BACK = /^(builtins|copy|operator|functools|typing|itertools|types|heapq)\.[a-z_]\w*$/;

/** A call as the machine sees it. */
export interface Call {
  readonly entry: GlobalEntry;
  readonly args: readonly Handle[] | undefined;
  readonly kwargs: Handle | undefined;
  /** The opcode, or the wrapper that makes the call. */
  readonly via: string;
  /** Virtual offset of the opcode. */
  readonly at: number;
}

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
      return value.args ?? [];
    case "call":
      return value.state === undefined ? value.filled ?? [] : [value.state, ...value.filled ?? []];
    default:
      return [];
  }
}

/** True for a call that runs no `__init__` with arguments: the unpickler's ways, and calls without any. */
function restores({ args, kwargs, via }: Call): boolean {
  return RESTORING.test(via) || (args?.length === 0 && kwargs === undefined);
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
  readonly tensorFaults: TensorFault[] = [];
  /** Calls that nothing asks for by name. */
  readonly hidden: HiddenCalls;
  private readonly arrays: ArrayWrappers;
  /** True when a dtype that is no copy got a state: it is everybody's. */
  private dtypesShared = false;
  private readonly extensions: Map<number, GlobalName>;
  private readonly higherOrder: HigherOrder;
  private depth = 0;
  /** What the call at hand may call: functions with their arguments. */
  private readonly possible = new Set<string>();
  /** Values that the calls at hand may change. */
  private toChange: Handle[] = [];
  private results = 0;

  /** @param extensions codes registered so far in this process, by any stream */
  constructor(heap: Heap, extensions: Map<number, GlobalName>, higherOrder: HigherOrder) {
    this.heap = heap;
    this.hidden = new HiddenCalls(heap);
    this.arrays = new ArrayWrappers(heap);
    this.extensions = extensions;
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
    if (entry?.quiet && this.makesClass(args)) {
      const items = this.heap.itemsOf(args, CONTAINER.TUPLE);
      return this.unresolved(callee, items, kwargs, via, at);
    }
    if (
      entry !== undefined && kwargs === undefined &&
      (entry.plain ??= entry.quiet && !this.matters(entry))
    ) {
      this.heap.facts.trace?.push(`call ${entry.module} ${entry.name}`);
      this.heap.passItems(entry, args, at);
      if (this.heap.arraysNamed) this.arrays.given(this.heap.itemsOf(args));
      return handleOf(KIND.INSTANCE, entry.id);
    }
    const items = this.heap.itemsOf(args, CONTAINER.TUPLE, CONTAINER.LIST);
    if (items === undefined) this.mayChange([args]);
    if (kwargs !== undefined) this.hidden.watchState(callee, kwargs, via, at);
    return this.call(callee, items, kwargs, via, at);
  }

  /** Whether arguments are those of a metaclass: a name, bases that are imported, attributes. */
  private makesClass(args: Handle): boolean {
    const { containers } = this.heap;
    if (args >= 0 || containers.count(args) !== 3) return false;
    const [name, bases, attributes] = containers.list(args, 3);
    if (name === undefined || bases === undefined || attributes === undefined) return false;
    const { heap } = this;
    const isName = heap.isMade(name) || heap.valueOf(name)?.type === "text" || heap.isWritten(name);
    const areBases = bases < 0
      ? containers.kind(bases) === CONTAINER.TUPLE &&
        containers.list(bases).every((base) =>
          heap.globalOf(base) !== undefined || heap.isMade(base)
        )
      : heap.isMade(bases);
    const areAttributes = attributes < 0
      ? containers.kind(attributes) === CONTAINER.DICT
      : heap.isMade(attributes);
    return isName && areBases && areAttributes;
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
    try {
      return this.dispatch(callee, args, kwargs, via, at);
    } finally {
      this.depth--;
      if (this.depth === 0) this.possible.clear();
      if (this.depth === 0 && this.toChange.length > 0) {
        const values = this.toChange;
        this.toChange = [];
        this.mayChange(values);
      }
    }
  }

  /** Functions may change values in place; those that are called with them as well see them as they are. */
  private mayChange(values: readonly Handle[]): void {
    if (this.depth > 0 && this.toChange.length < CHANGES_WAITING) this.toChange.push(...values);
    else this.heap.give(values.flatMap((value) => this.held(value)));
  }

  /**
   * What a value may hand out of what can be changed: itself, or what it holds. What a call was given may have
   * been changed by that call already, and counts so since.
   */
  private held(value: Handle): readonly Handle[] {
    const { heap } = this;
    const found: Handle[] = [];
    const pending = new Set([value]);
    for (const each of pending) {
      if (each < 0 || heap.isMutableBytes(each)) {
        found.push(each);
        continue;
      }
      if (pending.size > HELD_FOLLOWED) break;
      const instance = heap.instanceOf(each);
      if (instance !== undefined && instance.changed < instance.passed.size) {
        instance.changed = instance.passed.size;
        for (const passed of instance.passed) pending.add(passed);
      }
      for (const inside of insideOf(heap.valueOf(each))) pending.add(inside);
    }
    return found;
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
      case "getter":
        return this.higherOrder.applyGetter(this, value, args, at) ??
          this.unresolved(callee, args, kwargs, via, at);
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
        if (result !== undefined) return this.derived(result, [value.self, ...args ?? []]);
        this.mayChange([value.self]);
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
    const callees = possibleCallees(this.heap, callee, CALLEES_FOLLOWED).filter((each) => {
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
    if (cls !== undefined && this.makesInstance(entry, cls)) {
      return this.call(cls, given, kwargs, "__newobj_ex__", call.at);
    }
    if (entry.meanings.includes("state-first")) {
      const state = args === undefined ? UNKNOWN : args[0];
      if (state !== undefined) this.hidden.watchState(entry.handle, state, call.via, call.at);
    }
    if (entry.meanings.includes("attributes")) {
      this.hidden.watchArguments(entry.handle, args, call.via, call.at);
    }
    const fold = foldOf(entry.key);
    const quiet = entry.quiet || (entry.restorable && restores(call));
    if (quiet && fold === undefined && !isDetailed(entry)) {
      return this.instance(call);
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
      this.mayChange([first]);
    }
    if (!quiet) this.log(call);
    if (folded !== undefined) return this.derived(folded, args ?? []);
    if (entry.results++ >= RESULTS_DISTINGUISHED && !isDetailed(entry)) return this.instance(call);
    return this.result(entry.handle, args, kwargs);
  }

  /** What a computation gave of its operands: of a bytearray it may be another. */
  private derived(result: Handle, operands: readonly Handle[]): Handle {
    const { heap } = this;
    const isBytes = heap.valueOf(result)?.type === "bytes";
    if (isBytes && operands.some((each) => heap.isMutableBytes(each))) heap.noteBytearray(result);
    return heap.derived(result);
  }

  /** Whether what is followed of a call is all that it is given: arguments, and keywords where they are looked at. */
  private knows({ entry, args, kwargs }: Call): boolean {
    return args !== undefined &&
      (this.isBare(kwargs) || entry.meanings.some((meaning) => KEYWORDS.has(meaning)));
  }

  /** Whether a call makes an instance of a class: its own `__new__`, or that of a harmless class which it inherits. */
  private makesInstance({ key, module, name }: GlobalEntry, cls: Handle): boolean {
    const made = this.heap.globalOf(cls);
    if (made === undefined || !name.endsWith(".__new__")) return false;
    if (key === `${made.key}.__new__`) return true;
    const base = this.heap.entryOf(module, name.slice(0, -".__new__".length));
    return base.quiet || base.restorable;
  }

  /** A result that is distinguished from no other of the same global. */
  private instance({ entry, args, kwargs, at }: Call): Handle {
    const { heap } = this;
    this.arrays.given(args);
    if (args === undefined) entry.passedMore = true;
    for (const arg of args ?? []) heap.passArgument(entry, arg, at);
    if (kwargs !== undefined) heap.passItems(entry, kwargs, at);
    return handleOf(KIND.INSTANCE, entry.id);
  }

  private wrapperOf({ meanings }: GlobalEntry): Wrapper | undefined {
    for (const meaning of meanings) {
      const wrapper = this.higherOrder.wrapperOf(meaning);
      if (wrapper !== undefined) return wrapper;
    }
    return undefined;
  }

  /** True when there are no keyword arguments. */
  isBare(kwargs: Handle | undefined): boolean {
    return kwargs === undefined || (kwargs < 0 && this.heap.containers.count(kwargs) === 0);
  }

  /** A value that stands for a call's unknown result. */
  result(callee: Handle, args: readonly Handle[] | undefined, kwargs: Handle | undefined): Handle {
    const entry = this.heap.globalOf(callee);
    if (args !== undefined && (entry === undefined || !isDetailed(entry))) this.mayChange(args);
    if (entry === undefined || !isDetailed(entry)) this.arrays.given(args);
    if (++this.results > RESULTS_KEPT && !(entry !== undefined && isDetailed(entry))) {
      return entry === undefined
        ? LOST
        : this.instance({ entry, args, kwargs, via: "REDUCE", at: 0 });
    }
    return this.heap.object({ type: "call", callee, args, kwargs, state: undefined });
  }

  /** Logs a call; `targets` as in `CallFact`. */
  log(call: Call, targets?: { readonly of: readonly GlobalName[] | undefined }): void {
    const { entry, args, kwargs, via, at } = call;
    const { module, name } = entry;
    const { facts } = this.heap;
    const reached = targets?.of !== undefined && { targets: targets.of };
    const further = reached === false
      ? facts.countFurtherCall(entry)
      : facts.countFurther(ownerOf({ module, name, ...reached }));
    if (further) return;
    const shown = `${module}.${name}`;
    const fact: CallFact = {
      kind: "call",
      module,
      name,
      via,
      expression: renderCall(this.heap, shown, args, kwargs),
      evidence: evidenceOf(this.heap, entry.key, args, kwargs),
      ...reached,
    };
    if (reached === false) facts.addCall(entry, fact, at);
    else facts.add(fact, at);
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

  /**
   * STACK_GLOBAL; undefined when one of the two is certainly no text, where the unpickler raises. Where
   * they are not known, whatever they may be made of is imported, and that there may be others is said.
   */
  stackGlobal(module: Handle, name: Handle, at: number): Handle | undefined {
    const [moduleText, nameText] = [this.heap.textOf(module), this.heap.textOf(name)];
    if (moduleText !== undefined && nameText !== undefined) {
      const computed = !this.heap.isWritten(module) || !this.heap.isWritten(name);
      return this.heap.importGlobal(moduleText, nameText, "STACK_GLOBAL", at, computed);
    }
    if (isNoExactText(this.heap, module) || isNoExactText(this.heap, name)) return undefined;
    return this.importPossible(module, name, at);
  }

  /** Imports by names of which one is not known: whatever they may be made of, and that there may be others. */
  importPossible(module: Handle, name: Handle, at: number): Handle {
    if (module === LOST || name === LOST) this.heap.lost();
    const expression = `${render(this.heap, module)} . ${render(this.heap, name)}`;
    const listed = [module, name].some((each) => this.isListed(each));
    const foreign = [module, name].some((each) => this.isForeign(each));
    const fact = {
      kind: "unresolved-call",
      via: "STACK_GLOBAL",
      expression,
      ...(foreign && { foreign }),
    } as const;
    this.heap.facts.add(listed ? { ...fact, listed } : fact, at);
    if (listed) return UNKNOWN;
    const names = possibleTexts(this.heap, name, NAMES_FOLLOWED);
    const values = possibleTexts(this.heap, module, NAMES_FOLLOWED).flatMap((first) =>
      names.map((second) => this.heap.importGlobal(first, second, "STACK_GLOBAL", at, true))
    );
    return this.heap.object({ type: "oneOf", values });
  }

  /** An attribute is reached by a name that is not known. */
  unknownAttribute(object: Handle, name: Handle, via: string, at: number): void {
    if (isNoText(this.heap, name)) return;
    const expression = `${render(this.heap, object)} . ${render(this.heap, name)}`;
    const listed = this.isListed(name);
    const foreign = this.isForeign(name);
    this.heap.facts.add({
      kind: "unresolved-call",
      via,
      attribute: true,
      expression,
      ...(listed && { listed }),
      ...(foreign && { foreign }),
    }, at);
  }

  /** Whether a value is what a listed function gave, or itself on a list. */
  private isListed(handle: Handle): boolean {
    const instance = this.heap.instanceOf(handle);
    // A scalar of an object type is whatever it was given (`array_scalar` in numpy's `multiarraymodule.c`).
    if (instance !== undefined) return instance.quiet && !/\.scalar$/.test(instance.key);
    return this.heap.globalOf(handle)?.quiet === true;
  }

  /** Whether a value is neither Python's nor on a list, or what such a function gave. */
  private isForeign(handle: Handle): boolean {
    const value = this.heap.valueOf(handle);
    const maker = this.heap.globalOf(value?.type === "call" ? value.callee : handle);
    if (maker === undefined || maker.quiet || maker.restorable) return false;
    const root = maker.key.slice(0, maker.key.indexOf("."));
    return maker.meanings.length === 0 && !isListedStandardModule(root) && !isPython2Only(root);
  }

  /** EXT1, EXT2 and EXT4. */
  extension(code: number, at: number): Handle {
    const known = this.extensions.get(code);
    if (known !== undefined) return this.heap.importGlobal(known.module, known.name, "EXT", at);
    this.heap.facts.add({ kind: "extension", code }, at);
    return UNKNOWN;
  }

  /** `copyreg.add_extension`. */
  register(code: number, module: string, name: string): void {
    this.extensions.set(code, { module, name });
  }

  /** BUILD: `target.__setstate__(state)`, or an update of its attributes. */
  build(target: Handle, state: Handle, at: number): void {
    const value = this.heap.valueOf(target);
    const instance = this.heap.instanceOf(target);
    if (instance !== undefined) {
      this.heap.pass(instance, state);
      if (state !== target) instance.builtAt ??= at;
    }
    this.hidden.watchState(target, state, "BUILD", at);
    this.hidden.built(target, state, at);
    this.arrays.build(target, state);
    if (instance?.meanings.includes("source-in-state")) this.executeState(state, at);
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
        if (value.state !== undefined) fillCall(value, value.state);
        value.state = state;
        if (this.heap.globalOf(value.callee)?.meanings.includes("dtype") === true) {
          const [, , copied = UNKNOWN] = value.args ?? [];
          if (this.heap.exactInteger(copied) !== 1n) this.dtypesShared = true;
          return;
        }
        this.mutateGiven(value.callee, target, (each) => this.build(each, state, at));
        return;
      case "partial": {
        const items = this.heap.itemsOf(state, CONTAINER.TUPLE);
        const [held = UNKNOWN, args = UNKNOWN, kwargs = UNKNOWN] = items ?? [];
        value.callee = held;
        value.args = this.heap.itemsOf(args, CONTAINER.TUPLE);
        value.kwargs = kwargs === NONE ? undefined : kwargs;
        const entry = this.heap.entryOf("functools", "partial");
        this.higherOrder.wrapperOf("partial")?.(this, {
          entry,
          args: [value.callee, ...value.args ?? [UNKNOWN]],
          kwargs: value.kwargs,
          via: "BUILD",
          at,
        });
        return;
      }
      default:
        this.mutate(
          target,
          "BUILD",
          (shown) => `${shown}.__setstate__(${render(this.heap, state)})`,
          at,
        );
    }
  }

  /** Restores what executes a text of its state: only the library's own template is harmless. */
  private executeState(state: Handle, at: number): void {
    const executed = executedBy(this.heap, state);
    if (executed.kind === "template") return;
    const [entry, args] = executed.kind === "text"
      ? [this.heap.entryOf("builtins", "exec"), [executed.text]]
      : [this.heap.entryOf(...SOURCE_IN_STATE), [state]];
    this.callGlobal({ entry, args, kwargs: undefined, via: "BUILD", at });
  }

  /** Changes what a function of Python's library, or one that is not known, may hand back of its arguments. */
  private mutateGiven(
    callee: Handle,
    target: Handle,
    change: (each: Handle) => void,
  ): void {
    const key = this.heap.globalOf(callee)?.key;
    if (key !== undefined && !HANDS_BACK.test(key)) return;
    for (const each of possibleCallees(this.heap, target, CALLEES_FOLLOWED)) {
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
    if (this.heap.isMutableBytes(target)) {
      this.heap.bytesGrown = true;
      this.heap.change(target);
    }
    const instance = this.heap.instanceOf(target);
    // What is put into an object may go on into a container that it holds.
    if (instance !== undefined) {
      if (!this.hidden.isDictionary(target)) {
        this.mayChange([...instance.passed]);
        // Picklers write items before the state.
        if (instance.builtAt !== undefined) instance.usedAt ??= at;
      }
      for (const item of items) this.heap.pass(instance, item);
    }
    if (value?.type === "call") {
      const held = [...value.args ?? [], value.kwargs, value.state]
        .filter((each) => each !== undefined);
      if (!this.hidden.isDictionary(target)) this.mayChange(held);
      for (const item of items) fillCall(value, item);
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
    if (opcode.startsWith("SETITEM") && !this.hidden.isDictionary(target)) {
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

  /** Whether a value may be called. */
  isCallable(handle: Handle): boolean {
    return this.hidden.isCallable(handle);
  }

  /** Looks at states that grew after an object had them. @throws RangeError when that is too much */
  settle(): void {
    this.hidden.settle();
  }

  /** `setattr` sets an attribute of an object. */
  setAttribute(target: Handle, name: Handle): void {
    this.arrays.setAttributes(target, [name]);
  }

  /** Whether a value may be joblib's stand-in for raw array bytes. */
  isArrayWrapper(handle: Handle): boolean {
    return this.arrays.mayBe(handle);
  }

  /** What such a value says of the bytes. */
  arrayAttributes(handle: Handle): ArrayAttributes {
    const attributes = this.arrays.of(handle);
    return this.dtypesShared ? { ...attributes, known: false } : attributes;
  }
}
