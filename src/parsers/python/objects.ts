/**
 * Objects of the classes of the module: what making one, and operators, call.
 *
 * @module
 */

import { METACLASS } from "./classes.ts";
import { COMPUTED } from "./paths.ts";
import type { CallSite, ObjectsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried, isSensitive } from "./sinks.ts";
import {
  type Arguments,
  type Class,
  type Instance,
  NO_ARGUMENTS,
  type Partial,
  union,
  unionOf,
  type Value,
  type Values,
} from "./values.ts";

/** Methods by which a loop goes through an object. */
export const ITERATION = [
  "__iter__",
  "__next__",
  "__getitem__",
  "__aiter__",
  "__anext__",
  "__len__",
];
/** What some function of another module may call of an object that it is given. */
export const HANDED_METHODS =
  /^__(?!init__|new__|del__|init_subclass__|set_name__|class_getitem__|subclasshook__|prepare__|setattr__|delattr__|set__|delete__)\w+__$/u;
/** Classes that call what `find_class` gives. */
const UNPICKLER =
  /^(?:_?pickle|cPickle|dill(?:\._dill)?|cloudpickle|joblib\.numpy_pickle)\.\w*Unpickler$/u;
/** Classes that execute what methods of their subclasses give. */
const LOADER =
  /^importlib\.(?:_\w+\.)?(?:abc|machinery|_abc|_bootstrap_external)\.\w*(?:Loader|ExecutionLoader)$/u;
/**
 * Methods by which Python itself reaches an object: comparing it, hashing it, showing it
 * (https://docs.python.org/3/reference/datamodel.html, `copy`, `pickle`). Any operation may
 * do so, deep within what it is given; where one is followed exactly, the method has arguments besides.
 * Arithmetic stands in the source, or is done by a function that the object was handed to.
 */
const IMPLICIT = new RegExp(
  "^__(?:eq|ne|lt|le|gt|ge|hash|bool|nonzero|len|length_hint|iter|next|reversed|contains|getitem|setitem|delitem|missing|" +
    "int|long|float|complex|index|round|trunc|floor|ceil|str|unicode|repr|format|bytes|fspath|sizeof|dir|cmp|coerce|" +
    "copy|deepcopy|replace|reduce|reduce_ex|getstate|setstate|getnewargs|getnewargs_ex|getinitargs|" +
    "instancecheck|subclasscheck|del|delattr|setattr|await|aiter|anext|buffer|release_buffer)__$",
  "u",
);
/** Classes whose methods call none but special ones of an object, and whose objects are not called. */
export const INERT_BASE =
  /^(?:abc\.ABC|typing(?:_extensions)?\.(?:Generic|Protocol|NamedTuple|TypedDict|\w*Sequence|\w*Mapping)|collections\.abc\.(?!Callable)\w+|builtins\.(?!type$)\w+|enum\.\w*(?:Enum|Flag))$/u;
/** Methods that what nothing can see into may call of an object. */
export const HANDED_ALL = /^(?!__init__$|__new__$|__del__$|__init_subclass__$|__set_name__$)/u;

/** Objects of the classes of the module: what making one, and operators, call. */
export class Objects implements ObjectsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;
  /** How much had changed when an object's own methods were called last. */
  readonly #called = new WeakMap<Instance, Map<RegExp, number>>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  /** Makes an object of a class of the module. */
  make(of: Class, given: Arguments, site?: CallSite): Values {
    let all: Values = [];
    for (const meta of this.#rooms.classes.metaclasses(of)) {
      if (meta.kind !== "class") continue;
      const positions: Values[] = [[of], ...given.positions];
      all = this.#run.unite(
        all,
        this.#rooms.calls.callAll(this.#rooms.classes.member(meta, "__call__"), {
          ...given,
          positions,
        }),
      );
    }
    // A class that makes classes.
    if (this.#rooms.classes.outerBases(of).some(({ path }) => METACLASS.test(path))) {
      all = this.#run.unite(all, this.#rooms.classes.newClass(given, site?.site ?? of, of));
    }
    const made = this.#rooms.classes.member(of, "__new__");
    const positions: Values[] = [[of], ...given.positions];
    for (const each of made) {
      const target = each.kind === "bound" && each.self.kind === "constant" ? each.target : each;
      all = this.#run.unite(all, this.#rooms.calls.call(target, { ...given, positions }));
    }
    const self: Values[] = [[of.instance], ...given.positions];
    this.#rooms.calls.callAll(this.#rooms.classes.member(of, "__init__"), {
      ...given,
      positions: self,
    });
    const initial = this.#rooms.classes.member(of, "__post_init__");
    if (initial.length > 0) {
      // Arguments for fields that are `InitVar`s; which of them are, is not told apart.
      const rest = unionOf(given.rest, [...given.positions, ...given.named.values()]);
      this.#rooms.calls.callAll(initial, { ...NO_ARGUMENTS, positions: [[of.instance]], rest });
    }
    this.deferOwn(of, IMPLICIT);
    this.#run.step(of.members.size >> 2);
    const bases = this.#rooms.classes.outerBases(of);
    if (bases.length > 0) {
      for (const base of bases) {
        this.#run.reach(base.path);
        if (isSensitive(base.path) && !base.called) {
          this.#rooms.records.note(base.path, false, site, given);
        }
      }
      // Fields of tuples, mappings and data classes.
      const carried = this.#rooms.calls.carried(given);
      if (carried.length > 0) {
        const items = union(
          carried,
          this.#rooms.collections.elements(carried.filter(({ kind }) => kind === "container"), of),
        );
        this.#rooms.heap.addTo(
          of.instance.attributes,
          "<items>",
          union(items, this.#rooms.chains.valuesOf(items)),
        );
      }
    }
    this.#kept(of);
    // Fields of data classes whose values a function makes.
    for (const [name, values] of of.members) {
      for (const each of values) {
        if (each.kind !== "outer" || !each.called || each.carries.length === 0) continue;
        if (!/(?:^|\.)(?:field|Field|attrib|ib|attr)$/u.test(each.path)) continue;
        for (const one of each.carries) {
          if (one.kind === "constant" || one.kind === "instance") continue;
          this.#rooms.heap.addTo(
            of.instance.attributes,
            name,
            this.#rooms.calls.call(one, NO_ARGUMENTS, site),
          );
        }
      }
    }
    // A data class keeps its arguments under the names of its fields.
    if (this.#rooms.classes.member(of, "__init__").length === 0) {
      for (const [name, values] of given.named) {
        this.#rooms.heap.addTo(of.instance.attributes, name, values);
      }
      const fields = this.#fieldsOf(of);
      for (const [at, values] of given.positions.entries()) {
        const carried = values.filter((each) => isCarried(each));
        if (carried.length === 0) continue;
        this.#rooms.heap.addTo(of.instance.attributes, fields[at] ?? COMPUTED, carried);
        this.#rooms.heap.addTo(of.instance.attributes, COMPUTED, carried);
      }
    }
    return union(all, [of.instance]);
  }

  /** What classes of other modules call of their objects, although nothing in the source does. */
  #kept(of: Class): void {
    for (const { path } of this.#rooms.classes.outerBases(of)) {
      // The end of a file closes it.
      if (path.startsWith("io.")) this.deferOwn(of, /^close$/u);
      if (UNPICKLER.test(path)) this.#results(of, "find_class");
      if (!LOADER.test(path)) continue;
      for (const name of ["get_data", "get_source", "get_code"]) {
        for (const each of this.#rooms.classes.member(of, name)) {
          const method = each.kind === "function" ? this.pairOf(each, of.instance) : each;
          const made = this.#rooms.heap.site<Partial>(method, "executed", () => ({
            ...{ kind: "partial", target: [this.#rooms.heap.outer("<executed>")] },
            ...{ first: [[method]], named: new Map() },
          }));
          this.#rooms.functions.defer(made, []);
        }
      }
    }
  }

  /** Notes that what a method gives is called. */
  #results(of: Class, name: string): void {
    for (const each of this.#rooms.classes.member(of, name)) {
      const method = each.kind === "function" ? this.pairOf(each, of.instance) : each;
      const made = this.#rooms.heap.site<Partial>(method, "called", () => ({
        ...{ kind: "partial", target: [this.#rooms.heap.outer("<called>")] },
        ...{ first: [[method]], named: new Map() },
      }));
      this.#rooms.functions.defer(made, []);
    }
  }

  /** Names of the fields of a data class, those of its bases first. */
  #fieldsOf(of: Class): readonly string[] {
    const all = new Set<string>();
    const seen = new Set<Class>();
    const gather = (each: Class): void => {
      if (seen.has(each) || seen.size > 64) return;
      seen.add(each);
      for (const base of each.bases) if (base.kind === "class") gather(base);
      for (const name of each.fields?.keys() ?? []) all.add(name);
    };
    gather(of);
    return all.size > 0 ? [...all] : [...of.members.keys()];
  }

  hasConstructor(of: Class): boolean {
    return ["__init__", "__new__", "__post_init__"].some((name) =>
      this.#rooms.classes.member(of, name).length > 0
    );
  }

  /** Calls methods of an object that operators reach. */
  special(value: Instance, names: readonly string[], given: readonly Values[] = []): Values {
    let all: Values = [];
    for (const name of names) {
      const methods = this.#rooms.classes.member(value.of, name);
      if (methods.length === 0) continue;
      for (const each of methods) {
        const isBound = each.kind === "bound" || each.kind === "outer";
        const positions = isBound ? given : [[value] as Values, ...given];
        all = this.#run.unite(all, this.#rooms.calls.call(each, { ...NO_ARGUMENTS, positions }));
      }
    }
    return all;
  }

  /** Calls an object's own methods, for something that nothing can see into. */
  callOwn(value: Instance, which: RegExp): void {
    // Nothing has changed since they were called before.
    const called = this.#called.get(value) ?? new Map<RegExp, number>();
    if (called.get(which) === this.#run.changes) return;
    this.#called.set(value, called.set(which, this.#run.changes));
    const seen = new Set<Class>([value.of]);
    for (const of of seen) {
      this.#run.step(of.members.size >> 3);
      for (const base of of.bases) if (base.kind === "class") seen.add(base);
      for (const [name, members] of of.members) {
        if (!which.test(name)) continue;
        for (const each of members) {
          if (each.kind === "function") {
            this.#rooms.calls.call(this.#rooms.heap.pair(each, value), NO_ARGUMENTS);
          }
        }
      }
    }
  }

  /** What a property of a class that inherits from another module's gives: what it was made with is called. */
  computed(value: Instance, self: Values, given?: Values): Values {
    const kept = value.attributes.get("<items>");
    if (kept === undefined || this.#rooms.classes.outerBases(value.of).length === 0) return [];
    const positions = given === undefined ? [self] : [self, given];
    const functions = kept.filter(({ kind }) => kind === "function");
    return this.#rooms.calls.callAll(functions, { ...NO_ARGUMENTS, positions });
  }

  /** Methods of an object that one inherited from a class of another module may call. */
  inherited(value: Instance, names: readonly string[]): void {
    const { classes } = this.#rooms;
    if (!classes.outerBases(value.of).some(({ path }) => !INERT_BASE.test(path))) return;
    if (names.some((name) => classes.member(value.of, name).length > 0)) return;
    this.deferOwn(value.of, HANDED_ALL);
  }

  deferOwn(of: Class, which: RegExp, self: Value = of.instance): void {
    const seen = new Set<Class>([of]);
    for (const one of seen) {
      this.#run.step(1 + (one.members.size >> 3));
      for (const base of one.bases) if (base.kind === "class") seen.add(base);
      for (const [name, members] of one.members) {
        if (!which.test(name)) continue;
        for (const each of members) {
          if (each.kind === "function") {
            const pair = this.#rooms.heap.pair(each, self);
            const isReduce = name.startsWith("__reduce");
            this.#rooms.functions.defer(isReduce ? this.reduced(pair) : pair, []);
          } else if (each.kind === "bound" && each.self.kind === "constant") {
            const isClass = each.self.value === "classmethod";
            this.#rooms.functions.defer(
              isClass ? this.#rooms.heap.pair(each.target, of) : each.target,
              [],
            );
          }
        }
      }
    }
  }

  reduced(value: Value): Value {
    return this.#rooms.heap.site<Partial>(value, "reduced", () => ({
      ...{ kind: "partial", target: [this.#rooms.heap.outer("<reduced>")], first: [[value]] },
      named: new Map(),
    }));
  }

  pairOf(each: Value, self: Instance): Value {
    return each.kind === "function" || each.kind === "partial"
      ? this.#rooms.heap.pair(each, self)
      : each;
  }
}
