/**
 * Lists, sets, mappings and comprehensions, and what a loop over values goes through.
 *
 * @module
 */

import { ITERATION } from "./objects.ts";
import type { CollectionsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried } from "./sinks.ts";
import { type Expression, ITEMS } from "./syntax.ts";
import {
  constantOf,
  type Container,
  containerOf,
  elementsInOrder,
  itemsOf,
  keysOf,
  known,
  NO_ARGUMENTS,
  Scope,
  type Space,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  type Value,
  type Values,
} from "./values.ts";

/**
 * Keys of a mapping that are told apart where it is put into another one. The most in seven wheels are 16.
 * CWE-407.
 */
const KEYS = 64;

/** Lists, sets, mappings and comprehensions, and what a loop over values goes through. */
export class Collections implements CollectionsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  collection(
    expression: Extract<Expression, { kind: "tuple" | "list" | "set" }>,
    scope: Scope,
  ): Value {
    const made = this.#rooms.heap.site<Container>(
      expression,
      expression.kind,
      () => containerOf(expression.kind),
    );
    let spread = false;
    for (const [at, item] of expression.items.entries()) {
      const values = this.#rooms.expressions.value(item, scope);
      if (item.kind === "star") {
        spread = true;
        this.#rooms.heap.addRest(made, known(this.elements(values, item)));
      } else {
        if (expression.kind === "set") this.#rooms.targets.hashed(values);
        if (spread || at >= ITEMS) this.#rooms.heap.addRest(made, known(values));
        else this.#rooms.heap.addItem(made, String(at), values);
      }
    }
    return made;
  }

  dict(expression: Extract<Expression, { kind: "dict" }>, scope: Scope): Value {
    const made = this.#rooms.heap.site<Container>(expression, "dict", () => containerOf("dict"));
    for (const [key, value] of expression.pairs) {
      if (key === undefined) {
        this.update(made, this.#rooms.expressions.value(value, scope));
        continue;
      }
      const index = this.#rooms.expressions.value(key, scope);
      const values = this.#rooms.expressions.value(value, scope);
      this.#rooms.targets.hashed(index);
      for (const each of keysOf(index)) this.#rooms.heap.addItem(made, each, values);
      this.#keep(made, index);
    }
    return made;
  }

  /** Keys that are no constants can be got at by loops. */
  #keep(container: Container, index: Values): void {
    const kept = index.filter((each) => each.kind !== "constant");
    if (kept.length > 0) this.#rooms.heap.addItem(container, "<keys>", kept);
  }

  /** Puts the items of mappings into one. */
  update(container: Container, values: Values): void {
    for (const each of values) {
      if (each.kind === "container") {
        if (each === container) continue;
        if (each.type === "dict" && each.items.size > KEYS) {
          this.#rooms.heap.addRest(container, itemsOf(each));
          this.#rooms.heap.addRest(container, [UNKNOWN_CONSTANT]);
        } else if (each.type === "dict") {
          this.#run.step(each.items.size >> 2);
          for (const [key, items] of each.items) this.#rooms.heap.addItem(container, key, items);
          this.#rooms.heap.addRest(container, each.rest);
        } else {
          // Pairs of names and values.
          for (const pair of itemsOf(each)) {
            if (pair.kind !== "container") continue;
            const key = pair.items.get("0") ?? [];
            for (const name of keysOf(key)) {
              this.#rooms.heap.addItem(
                container,
                name,
                union(pair.items.get("1") ?? [], pair.rest),
              );
            }
          }
        }
      } else if (each.kind === "space" && each.of instanceof Scope) {
        this.#run.step(each.of.names.size >> 2);
        for (const [key, items] of each.of.names) this.#rooms.heap.addItem(container, key, items);
      } else if (each.kind === "space" && each.of.kind === "outer") {
        this.#rooms.heap.addRest(container, [each]);
      } else if (each.kind === "outer" && isCarried(each)) {
        this.#rooms.heap.addRest(container, [each]);
      }
    }
  }

  comprehension(
    expression: Extract<Expression, { kind: "comprehension" }>,
    scope: Scope,
  ): Values {
    const own = this.#rooms.heap.site<Space>(expression, "scope", () => ({
      ...{ kind: "space", of: new Scope("function", scope) },
    })).of as Scope;
    const type = expression.makes === "generator" ? "list" : expression.makes;
    const made = this.#rooms.heap.site<Container>(expression, "made", () => containerOf(type));
    const [first] = expression.clauses;
    const start = first === undefined ? [] : this.#rooms.expressions.value(first.iterable, scope);
    const folded = this.#letters(expression, start, own);
    if (folded !== undefined) return [folded];
    this.#rooms.statements.loop(() => {
      for (const [at, { target, iterable, tests }] of expression.clauses.entries()) {
        const values = at === 0 ? start : this.#rooms.expressions.value(iterable, own);
        this.#rooms.targets.store(target, this.elements(values, iterable), own);
        for (const test of tests) {
          this.#rooms.expressions.truth(this.#rooms.expressions.value(test, own));
        }
      }
      const values = this.#rooms.expressions.value(expression.element, own);
      if (expression.key !== undefined) {
        const keys = this.#rooms.expressions.value(expression.key, own);
        this.#rooms.targets.hashed(keys);
        for (const key of keysOf(keys)) this.#rooms.heap.addItem(made, key, values);
        this.#rooms.heap.addRest(made, values);
        this.#keep(made, keys);
      } else this.#rooms.heap.addRest(made, known(values));
    }, own);
    return [made];
  }

  /** A comprehension over the letters of a constant, or some numbers, taken one by one. */
  #letters(
    expression: Extract<Expression, { kind: "comprehension" }>,
    start: Values,
    own: Scope,
  ): Container | undefined {
    const [clause, ...more] = expression.clauses;
    const [only] = start;
    if (clause?.target.kind !== "name" || more.length > 0 || clause.tests.length > 0) {
      return undefined;
    }
    if (start.length !== 1 || expression.key !== undefined || only === undefined) return undefined;
    const each = elementsInOrder(only);
    if (each === undefined || each.length > 512) return undefined;
    const made = this.#rooms.heap.site<Container>(expression, "letters", () => containerOf("list"));
    for (const [at, letter] of each.entries()) {
      own.names.set(clause.target.id, [letter]);
      const values = this.#rooms.expressions.value(expression.element, own);
      if (values.some(({ kind }) => kind !== "constant")) this.#rooms.heap.addRest(made, values);
      this.#rooms.heap.addItem(made, String(at), values);
    }
    return made;
  }

  /** What a loop over values goes through. */
  elements(values: Values, site: object): Values {
    let all: Values = [];
    for (const each of values) {
      this.#run.step(1);
      if (each.kind === "container") {
        if (each.type === "dict") {
          this.#run.step(each.items.size >> 3);
          for (const key of each.items.keys()) {
            // A number, or None, is kept like its text.
            const isText = !/^(?:-?\d+|null)$/u.test(key);
            if (key !== "<keys>") {
              all = this.#run.unite(all, [isText ? constantOf(key) : UNKNOWN_CONSTANT]);
            }
          }
          all = this.#run.unite(all, each.items.get("<keys>") ?? []);
          if (each.rest.length > 0) all = this.#run.unite(all, [UNKNOWN_CONSTANT]);
        } else all = this.#run.unite(all, itemsOf(each));
      } else if (each.kind === "constant") {
        const letters = elementsInOrder(each);
        all = this.#run.unite(
          all,
          letters !== undefined && letters.length <= 16 ? letters : [UNKNOWN_HIDDEN],
        );
      } else if (each.kind === "instance") {
        const given = this.#rooms.objects.special(each, ITERATION);
        for (const one of given) {
          if (one.kind === "container") all = this.#run.unite(all, itemsOf(one));
          else if (one.kind === "instance" && one !== each) {
            all = this.#run.unite(all, this.#rooms.objects.special(one, ["__next__"]));
          }
        }
        all = this.#run.unite(all, given);
        all = this.#run.unite(all, each.attributes.get("<items>") ?? []);
      } else if (each.kind === "outer") {
        all = this.#run.unite(all, this.#rooms.items.outerItem(each, [undefined], site));
      } else if (each.kind === "class") {
        for (const meta of this.#rooms.classes.metaclasses(each)) {
          if (meta.kind !== "class") continue;
          const given = this.#rooms.calls.callAll(this.#rooms.classes.member(meta, "__iter__"), {
            ...NO_ARGUMENTS,
            positions: [[each]],
          });
          for (const one of given) {
            if (one.kind === "container") all = this.#run.unite(all, itemsOf(one));
          }
        }
        // Members of an enumeration.
        all = this.#run.unite(all, [each.instance]);
      } else if (each.kind === "space") all = this.#run.unite(all, this.#spaceKeys(each));
      else if (each.kind === "method" || each.kind === "function" || each.kind === "bound") {
        all = this.#run.unite(all, []);
      }
    }
    return this.#run.limited(all);
  }

  #spaceKeys({ of }: Space): Values {
    if (!(of instanceof Scope)) return [UNKNOWN_CONSTANT];
    return [UNKNOWN_CONSTANT];
  }
}
