/**
 * Names of a module, its functions and classes: looked up and bound.
 *
 * @module
 */

import { isSensitive } from "./sinks.ts";
import { shortest } from "./paths.ts";
import type { Rooms, ScopesRoom } from "./rooms.ts";
import type { Run } from "./run.ts";
import {
  constantOf,
  known,
  MODULE_NAME,
  type Scope,
  union,
  UNKNOWN_CONSTANT,
  type Value,
  type Values,
} from "./values.ts";

const BUILTIN_NAMES: ReadonlySet<string> = new Set(
  ("__import__ breakpoint compile delattr eval exec getattr globals input locals open setattr vars execfile " +
    "abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict dir divmod enumerate " +
    "filter float format frozenset hasattr hash help hex id int isinstance issubclass iter len list map max " +
    "memoryview min next object oct ord pow print property range repr reversed round set slice sorted " +
    "staticmethod str sum super tuple type zip aiter anext __build_class__ apply reduce file unicode xrange " +
    "raw_input reload unichr basestring long intern cmp coerce buffer").split(" "),
);

/** Exceptions, which are builtins too. */
const EXCEPTIONS =
  /^(?:[A-Z]\w*(?:Error|Exception|Warning|ExceptionGroup|Interrupt)|Exception(?:Group)?|Warning|GeneratorExit|SystemExit|Stop(?:Async)?Iteration)$/u;

/** Names of a module, its functions and classes: looked up and bound. */
export class Scopes implements ScopesRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  lookup(id: string, scope: Scope): Values {
    let inFunction = false;
    for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) {
      if (each.kind === "class" && each !== scope) continue;
      if (each.prepared.length > 0) return this.#asked(id, each);
      if (each !== this.#run.module && each.isGlobal(id)) {
        each = this.#run.module;
        inFunction = true;
      }
      inFunction ||= each.kind === "function";
      if (each === this.#run.module && inFunction) this.#run.read.add(id);
      const values = this.#run.late && each.kind === "module" ? each.ever.get(id) : each.get(id);
      const also = each.also?.get(id);
      const any = each.anyOf(id);
      if (values === undefined && also === undefined) {
        // A builtin's name seldom is the one.
        if (any.length > 0) return union(this.#implicit(id), any);
        continue;
      }
      return union(union(values ?? [], also ?? []), any);
    }
    return this.#implicit(id);
  }

  /** A name in the body of a class that fills an object: the object is asked first. */
  #asked(id: string, scope: Scope): Values {
    const own = scope.get(id);
    let all = own ?? (scope.parent === undefined ? [] : this.lookup(id, scope.parent));
    for (const each of scope.prepared) {
      const given = this.#rooms.objects.special(each, ["__getitem__", "__missing__"], [
        [constantOf(id)],
      ]);
      all = this.#run.unite(all, given);
    }
    return all;
  }

  /** A name that the module does not bind. */
  #implicit(id: string): Values {
    switch (id) {
      case "__package__":
        return [MODULE_NAME];
      case "__name__":
        return [this.#run.runs.main === true ? constantOf("__main__") : MODULE_NAME];
      case "__annotations__":
        return [this.#rooms.heap.annotations(this.#run.module)];
      case "__builtins__":
        return [this.#rooms.heap.outer("builtins")];
      case "__file__":
      case "__path__":
        return [this.#rooms.heap.outer(`<module>.${id}`, true)];
      case "__loader__":
      case "__spec__":
        return [this.#rooms.heap.outer(`<module>.${id}`)];
      case "__debug__":
        return [];
    }
    const values: Value[] = [];
    if (BUILTIN_NAMES.has(id) || EXCEPTIONS.test(id)) {
      values.push(this.#rooms.heap.outer(`builtins.${id}`));
    }
    // Each of them makes a value.
    this.#run.step(this.#run.stars.size << 2);
    for (const star of this.#run.stars) {
      values.push(this.#rooms.heap.outer(shortest(`${star}.${id}`)));
    }
    if (this.#run.runs.ambient === true && values.length === 0) {
      values.push(this.#rooms.heap.outer(id));
    }
    const given = this.#run.given.get(`builtins.${id}`);
    return given === undefined ? values : union(values, given);
  }

  /** Takes a name away that may have hidden another one. */
  forget(id: string, scope: Scope): void {
    const old = this.lookup(id, scope);
    this.bind(id, union(known(old), this.#implicit(id)), scope);
  }

  /** Notes that any name of the module may be another module's now, or stand for something else. */
  overlaid(module: string | undefined): void {
    const { names } = this.#run.module;
    // Only names that were bound since it was last overlaid by the same can change.
    const { bound } = this.#run;
    const from = this.#run.overlaid.get(module) ?? 0;
    const ids = from === 0 ? [...names.keys()] : new Set(bound.slice(from));
    this.#run.overlaid.set(module, bound.length);
    for (const id of ids) {
      this.#run.step(1);
      const other = module !== undefined && isSensitive(module)
        ? [this.#rooms.heap.outer(shortest(`${module}.${id}`))]
        : [];
      this.setIn(this.#run.module, id, union([UNKNOWN_CONSTANT], other), false);
    }
  }

  bind(id: string, values: Values, scope: Scope): void {
    let target = scope;
    let strong = scope.conditional === 0 && this.#run.looping === 0 && !scope.again;
    if (scope.isGlobal(id)) [target, strong] = [this.#run.module, false];
    else if (scope.isOuter(id)) {
      strong = false;
      for (let each = scope.parent; each !== undefined; each = each.parent) {
        if (each.kind === "function" && each.get(id) !== undefined) target = each;
        if (target !== scope) break;
      }
    }
    this.setIn(target, id, values, strong);
  }

  setAny(scope: Scope, values: Values): void {
    const all = this.#run.join(scope.any, values);
    if (all === scope.any) return;
    scope.spread(all);
    this.#run.changed();
  }

  setIn(scope: Scope, id: string, values: Values, strong: boolean): void {
    const old = scope.get(id);
    // A name of the module that may not be bound is then a builtin's, or another module's.
    const before = old ?? (scope === this.#run.module ? this.#implicit(id) : []);
    const all = strong ? values : this.#run.join(before, known(values));
    if (all !== old) {
      scope.names.set(id, all);
      if (strong) scope.settle(id);
      if (strong && scope === this.#run.module) this.#run.bound.push(id);
      if (!strong && values.length > 0 && scope.kind !== "class") this.#run.changes++;
      const isRead = scope === this.#run.module
        ? this.#run.read.has(id)
        : scope.captured && scope.kind !== "class";
      if (isRead && (strong || values.length > 0)) this.#run.version++;
    }
    if (scope.kind === "module") {
      const given = scope.ever.get(id);
      const ever = this.#run.join(given ?? [], strong ? values : all);
      if (ever !== given) {
        scope.ever.set(id, ever);
        if (given !== undefined && this.#run.read.has(id)) this.#run.changes++;
      }
    }
  }
}
