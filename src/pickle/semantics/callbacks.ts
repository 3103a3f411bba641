/**
 * Calls that no opcode makes and no function is asked for: methods by which the unpickler, an operator
 * or a harmless function uses an object, where the file gives the object something to call in their place.
 *
 * @module
 */

import { BuiltStates } from "./built_states.ts";
import type { GlobalEntry, Heap } from "../machine/heap.ts";
import { isNoText, isUnknownKey, madeOf } from "./possible.ts";
import { render, renderCall } from "../tools/render.ts";
import {
  CONTAINER,
  type Handle,
  handleOf,
  indexOf,
  KIND,
  kindOf,
  LOST,
  UNKNOWN,
} from "../machine/values.ts";

/** Values that a call is made of that are looked at for a function. The most seen are 8. CWE-834. */
const MADE_OF = 1024;

/** Names under which objects are called without being asked for by name. */
const HOOKS = /^(__\w+__|append|extend|add)$/;

/** Those of Python's own, which `object` and classes look up by themselves. */
const SPECIAL = /^__\w+__$/;

/**
 * Methods that harmless functions call on their arguments: `dict(x)` and `OrderedDict(x)` the first two
 * (`PyDict_Merge`, `mutablemapping_update_arg`), `Fraction(x)`, the rebuild functions of tensors and
 * dates, and `__setstate__` on a state that is no dictionary (`BaseEstimator` of scikit-learn).
 * Attributes of the same names that are plain objects are common.
 */
const ASKED =
  "keys items values get pop popitem setdefault update copy as_integer_ratio detach requires_grad_ to get_table " +
  "as_subclass set_ clone cpu numpy tolist astype view utcoffset tzname dst fromutc read readline readinto fileno " +
  "close lower upper encode reshape total_seconds _untyped add_module from_arrays replace exp asformat";

/**
 * Methods that harmless classes call of their own once they have the state's attributes, which come before the
 * class's: in `__setstate__` (distributions of scipy.stats, `IsotonicRegression`), where items are put into them
 * (weak dictionaries, data frames, modules), where setters of theirs are called, and where they are compared, hashed,
 * iterated over, or become a text.
 */
const OWN = "_remove _commit_removals _scrub_removals _set_item _setitem_array _attach_methods " +
  "_attach_argparser_methods _hook_for_profile _patch_step_function _build_f _UserList__cast _cmp_method _comparison " +
  "_formatter _generate_string _get_args _get_val_at _getmaxprint _is_all_lists _replace_old_cache_name _serialize " +
  "_show_remainder_cols_warning as_matrix contains extra_repr get_params to_dict to_json_string to_tuple tocoo tocsr " +
  "B N most_common pformat has_index_for get_vector _get_impl _get_child _validate_and_normalize_key _is_missing " +
  "_is_none _format_and_raise _iter_ex _get_abs_string_index _simple_new take _assure_grouper _get_sorted_data " +
  "_format_attrs _format_data _format_space number_of_nodes number_of_edges " +
  "get_attributes pretty_format _equal _find_reentrances _repr _str freeze prob size _repr_node pformat " +
  "_invalidate_cache to_ascii to_list _wrap_compute _wrap_update _get_item_by_idx " +
  "_compute_groups_create_state_ref " +
  "_getitem_format get_texts get_author_topics _ensure_gensim_representation inference get_document_topics " +
  "analyze_sentence get_index iter_chunks compute_context_vector get_occurrences get_config " +
  "get_by_offset close_shard wrap_output implementation _warn_for_older_version has_table _get_ends uncensor _get_starts " +
  "_set_distance_func _set_sparse_distance_func design_structure _matrix_array _hash prediction summary " +
  "_delegate_property_set _verify_shard_order _ensure_elements_are_ids _get_topics _update_accumulator set_attr _to_dict _simplify " +
  "_Structured__prepare_item _initialize get_terms completion_percentage _iter _iter_cached _properties " +
  "_check_properties to_state stan_variable cmd is_stable mean get_config_dict";

const METHODS: ReadonlySet<string> = new Set(`${ASKED} ${OWN}`.split(" "));

/** Whether something to call under a name is noticed where a state or an item gives it to an object. */
export function isWatchedMethod(name: string): boolean {
  return HOOKS.test(name) || METHODS.has(name);
}

/** Kinds of plain data without attributes: to give one a state raises AttributeError, and runs nothing. */
const WITHOUT_ATTRIBUTES: readonly number[] = [
  KIND.STRING,
  KIND.BYTES,
  KIND.INTEGER,
  KIND.NEGATIVE,
  KIND.NUMBER,
];

/** Classes of sets, whose instances have no attributes and no `__call__`. */
const SETS: readonly string[] = ["builtins.set", "builtins.frozenset"];

/** Watches the objects of one heap. */
export class HiddenCalls {
  private readonly heap: Heap;
  private readonly states = new BuiltStates();
  /** Keys of states that were reported. */
  private readonly reported = new Set<Handle>();

  constructor(heap: Heap) {
    this.heap = heap;
  }

  /** BUILD gave an object a state: what is put into that later counts, too. */
  built(target: Handle, state: Handle, at: number): void {
    const { containers } = this.heap;
    if (state >= 0 || containers.kind(state) !== CONTAINER.DICT) return;
    this.states.note({ target, state, at, count: containers.count(state) });
  }

  /** Says when an operator, or a method of plain data, meets an object, whose methods decide what it does. */
  watchOperands(
    callee: string,
    args: readonly Handle[],
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): void {
    const odd = args.some((arg) =>
      this.isObject(arg) ||
      (arg < 0 && (this.heap.itemsOf(arg)?.some((it) => this.isObject(it)) ?? true))
    );
    if (!odd) return;
    const expression = renderCall(this.heap, callee, args, kwargs);
    this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
  }

  /** Whether a value is an object with methods of its own, not plain data. */
  private isObject(handle: Handle): boolean {
    if (handle < 0) return false;
    const kind = kindOf(handle);
    if (kind === KIND.INSTANCE) return true;
    const type = kind === KIND.OBJECT ? this.heap.valueOf(handle)?.type : undefined;
    return type !== undefined && type !== "text" && type !== "bytes" && type !== "global";
  }

  /**
   * Says when a state gives an object something to call in the place of a method that the unpickler,
   * or code that looks at the object, calls by itself: `__setstate__`, `append`, `__array__`, ….
   */
  watchState(target: Handle, state: Handle, via: string, at: number): void {
    if (target >= 0 && WITHOUT_ATTRIBUTES.includes(kindOf(target))) return;
    const parts = state < 0 && this.heap.containers.kind(state) === CONTAINER.TUPLE
      ? this.heap.containers.list(state, 2)
      : [state];
    for (const part of parts) {
      if (part === target && this.itemsWatched(target)) continue;
      if (part === state ? part === UNKNOWN || this.isObject(part) : this.isMapping(part)) {
        this.reportAttributes(target, part, via, at);
        continue;
      }
      const forgotten = part === LOST || (part < 0 && this.heap.containers.lossy(part));
      if (forgotten && this.heap.hasFunctions) this.heap.lost();
      if (part >= 0 || this.heap.containers.kind(part) !== CONTAINER.DICT) continue;
      if (this.heap.containers.changed(part)) this.reportAttributes(target, part, via, at);
      const items = this.heap.keptItems(part);
      for (let index = 0; index + 1 < items.length; index += 2) {
        const [key, value] = [items[index] as number, items[index + 1] as number];
        if (!this.isHook(key, value)) continue;
        this.reported.add(key);
        const name = this.heap.textOf(key) ?? "?";
        const expression = `${render(this.heap, target)}.${name} = ${render(this.heap, value)}`;
        this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
      }
    }
  }

  /** A state's items become attributes, and are not known: any may be something to call. */
  private reportAttributes(target: Handle, state: Handle, via: string, at: number): void {
    const expression = `${render(this.heap, target)}.__dict__.update(${render(this.heap, state)})`;
    this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
  }

  /**
   * Says when arguments, or the items of one, may become attributes of what a function gives, and hold
   * something to call in the place of a method. A dictionary names the attributes; any other iterable of
   * pairs may name one that an opcode calls. The class that some functions make an instance of is no iterable.
   */
  watchArguments(
    callee: Handle,
    args: readonly Handle[] | undefined,
    via: string,
    at: number,
  ): void {
    const { containers } = this.heap;
    const parts = (args ?? [UNKNOWN]).flatMap((arg) =>
      arg < 0 && containers.kind(arg) === CONTAINER.TUPLE && !containers.lossy(arg)
        ? this.heap.keptItems(arg)
        : [arg]
    );
    for (const part of parts) {
      if (this.heap.globalOf(part) !== undefined) continue;
      if (part < 0 && containers.kind(part) === CONTAINER.DICT) {
        this.watchState(callee, part, via, at);
        continue;
      }
      const { values, complete } = madeOf(this.heap, part, (each) => this.isFunction(each), 1);
      if (values.length === 0 && complete) continue;
      const expression = renderCall(this.heap, render(this.heap, callee), args, undefined);
      this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
      return;
    }
  }

  /**
   * Whether all that an object of a mapping's class has was put into it by opcodes, which `watchItems` sees:
   * the state of a dictionary whose items are its attributes (`Bunch` of statsmodels) is the object itself.
   */
  private itemsWatched(target: Handle): boolean {
    const entry = this.heap.instanceOf(target);
    if (entry !== undefined) return entry.restorable && !entry.quiet && !this.isMapping(target);
    const value = this.heap.valueOf(target);
    return value?.type === "call" && value.args?.length === 0 && !this.isMapping(target);
  }

  /** Says when an item is put into an object under the name of a method that is called by itself. */
  watchItems(target: Handle, items: readonly Handle[], via: string, at: number): void {
    for (let index = 0; index + 1 < items.length; index += 2) {
      const [key, value] = [items[index] as number, items[index + 1] as number];
      if (!this.isHook(key, value)) continue;
      const name = this.heap.textOf(key) ?? "?";
      const expression = `${render(this.heap, target)}[${JSON.stringify(name)}] = ${
        render(this.heap, value)
      }`;
      this.heap.facts.add({ kind: "unresolved-call", via, expression }, at);
    }
  }

  /** Whether a value is a set, which pickle before protocol 4 writes as a call, and which cannot be called. */
  private isSet(value: Handle): boolean {
    const maker = this.heap.instanceOf(value) ?? this.calleeOf(value);
    return maker !== undefined && SETS.includes(maker.key);
  }

  /** Whether a value may be called. */
  isCallable(handle: Handle): boolean {
    return this.isObject(handle) || this.heap.globalOf(handle) !== undefined;
  }

  /** Whether a value is made to be called, or may be because it is made of such a value. */
  private isFunction(handle: Handle): boolean {
    const pending = new Set([handle]);
    for (const each of pending) {
      const maker = this.heap.instanceOf(each);
      if (maker?.meanings.includes("gives-back")) {
        if (maker.passedMore) return true;
        for (const given of maker.passed) pending.add(given);
      }
      const value = this.heap.valueOf(each);
      switch (value?.type) {
        case "global":
        case "partial":
        case "method":
        case "getter":
        case "picked":
          return true;
        case "call":
          // `staticmethod(f)` may be called as `f` may.
          if (value.args === undefined) return true;
          for (const arg of value.args) pending.add(arg);
      }
      if (pending.size > MADE_OF) return true;
    }
    return false;
  }

  /** Whether a state's entry gives its object something that is called without being asked for. */
  private isHook(key: Handle, value: Handle): boolean {
    if (!this.isCallable(value) || this.isSet(value)) return false;
    const name = this.heap.textOf(key);
    // What calls made of a text may be any name, and so may an instance of a class that is a str.
    if (name === undefined) return !isNoText(this.heap, key) && this.isFunction(value);
    if (name === "__orig_class__") return false;
    return HOOKS.test(name) || (METHODS.has(name) && this.isFunction(value));
  }

  /**
   * Looks, once a stream is at its end, at states that got more items after an object had them, and at
   * dictionaries that functions and `__setstate__` methods may take for attributes wherever they find them in
   * what they are given, such as Cython's `__pyx_unpickle_X(type, checksum, (…, attributes))`.
   */
  settle(): void {
    const { containers } = this.heap;
    for (const { target, state, at } of this.states.grown((each) => containers.count(each))) {
      this.watchState(target, state, "BUILD", at);
    }
    // Any dictionary may be one that was forgotten.
    if (this.heap.hasFunctions && (containers.forgot || this.states.forgot)) this.heap.lost();
    let given: ReadonlySet<Handle> | undefined;
    containers.visitPairs((key, value, dictionary) => {
      this.noteKey(key);
      if (isUnknownKey(this.heap, key, value)) this.heap.noteUnknownKey();
      // Most values are plain data, and few keys are names of methods.
      if (value < 0 || (kindOf(value) !== KIND.OBJECT && kindOf(value) !== KIND.INSTANCE)) return;
      if (this.reported.has(key) || !this.isHook(key, value)) return;
      const name = this.heap.textOf(key) ?? "?";
      if (!SPECIAL.test(name) && !(given ??= containers.inTuples()).has(dictionary)) return;
      const expression = `${name} = ${render(this.heap, value)}`;
      const at = key >= 0 && kindOf(key) === KIND.STRING ? indexOf(key) : 0;
      this.heap.facts.add({ kind: "unresolved-call", via: "BUILD", expression }, at);
    });
    this.watchGiven();
  }

  /**
   * Says when a harmless function is given an object that has something to call which is not harmless, however
   * deep: code that asks an argument for an attribute may call what the file put there under that name (pandas calls
   * `data._constructor` of what says that it is a Series). The same of an object that gets items when it has a
   * state (a data frame asks its columns, whatever they are, for `get_loc`) or that becomes a key.
   */
  private watchGiven(): void {
    const holders = new Map<GlobalEntry, Handle | undefined>();
    const heldBy = (maker: GlobalEntry): Handle | undefined => {
      if (!holders.has(maker)) holders.set(maker, this.heldBy(maker));
      return holders.get(maker);
    };
    const report = (shown: string, held: Handle, at: number): void => {
      const expression = `${shown} with ${render(this.heap, held)}`;
      this.heap.facts.add({ kind: "unresolved-call", via: "REDUCE", expression }, at);
    };
    for (const entry of this.heap.entries) {
      const own = entry.usedAt === undefined ? undefined : heldBy(entry);
      if (own !== undefined) report(`${entry.module}.${entry.name}[…]`, own, entry.usedAt ?? 0);
      if (!entry.quiet && !entry.restorable) continue;
      for (const [maker, at] of this.heap.givenTo(entry)) {
        const held = heldBy(maker);
        if (held === undefined) continue;
        report(`${entry.module}.${entry.name}(${maker.module}.${maker.name}(…))`, held, at);
      }
    }
  }

  /** A value is hashed and compared. */
  noteKey(key: Handle): void {
    const maker = this.heap.instanceOf(key);
    if (maker?.builtAt !== undefined) maker.usedAt ??= maker.builtAt;
  }

  /**
   * What is not harmless to call among all that instances of a class hold, or what is harmless only where nothing
   * looks at it; UNKNOWN where that is not known.
   */
  private heldBy(maker: GlobalEntry): Handle | undefined {
    const harmful = (value: Handle): boolean =>
      this.heap.instanceOf(value)?.meanings.includes("kept") === true ||
      (this.heap.globalOf(value)?.quiet !== true && this.isFunction(value));
    const instance = handleOf(KIND.INSTANCE, maker.id);
    if (maker.meanings.includes("kept")) return instance;
    const { values, complete } = madeOf(this.heap, instance, harmful, 1);
    if (values.length > 0) return values[0];
    if (complete) return undefined;
    // Some of what they hold is not known: any dictionary may be in it.
    let held: Handle | undefined;
    this.heap.containers.visitPairs((_key, value) => {
      if (held === undefined && value >= 0 && harmful(value)) held = value;
    });
    return held;
  }

  /** Whether a value is a dictionary of the library's, which keeps its keys as they are. */
  isDictionary(target: Handle): boolean {
    const entry = this.heap.instanceOf(target) ?? this.calleeOf(target);
    return entry?.meanings.includes("dictionary") === true;
  }

  /** The same of whatever has items that become attributes. */
  private isMapping(target: Handle): boolean {
    const entry = this.heap.instanceOf(target) ?? this.calleeOf(target);
    return this.isDictionary(target) || entry?.meanings.includes("mapping") === true;
  }

  private calleeOf(target: Handle): GlobalEntry | undefined {
    const value = this.heap.valueOf(target);
    return value?.type === "call" ? this.heap.globalOf(value.callee) : undefined;
  }
}
