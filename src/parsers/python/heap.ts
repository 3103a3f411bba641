/**
 * Abstract values: one for each place of the source that makes one, and what they are put into.
 *
 * @module
 */

import { givesText } from "./builtin_attributes.ts";
import type { HeapRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried, isInertPath, isSensitive } from "./sinks.ts";
import { ITEMS } from "./syntax.ts";
import {
  type Container,
  containerOf,
  itemsOf,
  known,
  type Outer,
  type Space,
  unionOf,
  type Value,
  type Values,
} from "./values.ts";

/** What one place makes, or what is made of one value: of most only one is, which needs no map. */
interface Made {
  readonly key: string | Value;
  readonly value: Value;
  others: Map<string | Value, Value> | undefined;
}

/** The value of a place and key, made where there is none yet. */
function madeOnce(
  all: WeakMap<object, Made>,
  place: object,
  key: string | Value,
  make: () => Value,
): Value {
  const first = all.get(place);
  if (first === undefined) {
    const value = make();
    all.set(place, { key, value, others: undefined });
    return value;
  }
  if (first.key === key) return first.value;
  let value = first.others?.get(key);
  if (value === undefined) {
    value = make();
    (first.others ??= new Map()).set(key, value);
  }
  return value;
}

/** Steps that a path costs which was not met before: it is kept. CWE-770. */
const OUTER_STEPS = 8;
/** Paths from which on each further one costs more. The most in modules in use are 4,103. CWE-770. */
const PATHS = 12_000;
/** Steps that each of those costs. */
const FURTHER_STEPS = 200;

/** What a container takes of what one source may make: a quarter of a function. */
const CONTAINER = 0.25;

/** Values that only matter where they are called. */
const RUN: ReadonlySet<Value["kind"]> = new Set([
  "function",
  "bound",
  "partial",
  "class",
  "method",
]);

/** Abstract values: one for each place of the source that makes one, and what they are put into. */
export class Heap implements HeapRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;
  readonly #outers = new Map<string, Outer>();
  /** Values that a place of the source makes, by place and kind. */
  readonly #sites = new WeakMap<object, Made>();
  readonly #bound = new WeakMap<object, Made>();
  readonly #spaces = new WeakMap<object, Space>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  outer(
    path: string,
    called = false,
    site?: object,
    carries: Values = [],
    base = path,
  ): Outer {
    const key = called ? `${path}()` : path;
    const atoms = carries.length === 0 || site === undefined ? [] : this.#atoms(carries);
    if (atoms.length === 0 || site === undefined) {
      const known = this.#outers.get(key);
      if (known !== undefined) return known;
      this.#run.step(this.#outers.size < PATHS ? OUTER_STEPS : FURTHER_STEPS);
      const inert = isInertPath(path, called);
      const sensitive = isSensitive(path);
      const made: Outer = { kind: "outer", path, called, base, carries: [], inert, sensitive };
      this.#outers.set(key, made);
      return made;
    }
    // A text says what it was made of, but no function comes out of it.
    const kept = givesText(path) ? atoms.filter(({ kind }) => !RUN.has(kind)) : atoms;
    if (kept.length === 0) return this.outer(path, called, undefined, [], base);
    const made = this.site<Outer>(site, `outer ${key}`, () => ({
      ...{ kind: "outer", path, called, base, carries: [], inert: false },
      sensitive: isSensitive(path),
    }));
    const all = this.#run.join(made.carries, kept);
    if (all !== made.carries) {
      made.carries = all;
      this.#run.changed();
    }
    return made;
  }

  /** What values bring along, without what it is packed in. */
  #atoms(values: Values): Values {
    let all: Value[] | undefined;
    const seen = new Set<Value>();
    const take = (value: Value, depth: number): void => {
      if (seen.has(value)) return;
      seen.add(value);
      switch (value.kind) {
        case "outer":
          if (value.carries.length > 0) {
            for (const each of value.carries) take(each, depth);
            if (value.sensitive) {
              take(this.outer(value.path, value.called, undefined, [], value.base), depth);
            }
          } else if (value.sensitive) (all ??= []).push(value);
          return;
        case "container":
          if (depth > 3) return;
          for (const each of value.items.values()) for (const one of each) take(one, depth + 1);
          for (const each of value.rest) take(each, depth + 1);
          return;
        case "method":
          take(value.self, depth);
          return;
        case "constant":
          if (isCarried(value)) (all ??= []).push(value);
          return;
        case "property":
          return;
        default:
          (all ??= []).push(value);
      }
    };
    for (const each of values) take(each, 0);
    this.#run.step(seen.size >> 3);
    return all ?? [];
  }

  site<T extends Value>(site: object, kind: string, make: () => T): T {
    const made = (): T => {
      const value = make();
      if (value.kind === "container") this.#run.made(CONTAINER);
      return value;
    };
    return madeOnce(this.#sites, site, kind, made) as T;
  }

  space(of: Space["of"]): Space {
    let known = this.#spaces.get(of);
    if (known === undefined) this.#spaces.set(of, known = { kind: "space", of });
    return known;
  }

  pair(target: Value, self: Value): Value {
    return madeOnce(this.#bound, target, self, () => ({ kind: "bound", target, self }));
  }

  method(self: Value, name: string): Value {
    return madeOnce(this.#bound, self, name, () => ({ kind: "method", self, name }));
  }

  addTo(map: Map<string, Values>, key: string, values: Values): void {
    const old = map.get(key);
    const all = this.#run.join(old ?? [], known(values));
    if (all === old) return;
    map.set(key, all);
    if (values.length > 0) this.#run.changed();
  }

  addRest(container: Container, values: Values): void {
    if (container.packed === true) this.#rooms.calls.escape(values);
    const all = this.#run.join(container.rest, values);
    if (all === container.rest) return;
    container.rest = all;
    this.#forget(container);
    this.#run.changed();
  }

  /** Notes that the items of a container are to be put together anew, which costs steps. */
  #forget(container: Container): void {
    if (container.all === undefined) return;
    container.all = undefined;
    this.#run.step(container.items.size >> 3);
  }

  /** Notes that the places of what stands in a list are no longer known. */
  loosen(container: Container): void {
    if (container.type !== "dict") this.addRest(container, itemsOf(container));
  }

  addItem(container: Container, key: string | undefined, values: Values): void {
    if (key === undefined || (!container.items.has(key) && container.items.size >= ITEMS)) {
      this.addRest(container, values);
    } else {
      const old = container.items.get(key);
      if (container.packed === true) this.#rooms.calls.escape(values);
      this.addTo(container.items, key, values);
      if (container.items.get(key) !== old) this.#forget(container);
    }
  }

  annotations(of: object): Container {
    return this.site<Container>(of, "annotations", () => containerOf("dict"));
  }

  listOf(site: object, type: Container["type"], rest: Values): Container {
    const made = this.site<Container>(site, `rest ${type}`, () => containerOf(type));
    this.addRest(made, rest);
    return made;
  }

  /** The module itself, as a mapping whose attributes are its names. */
  moduleValue(): Value {
    return this.space(this.#run.module);
  }

  allOf(map: ReadonlyMap<string, Values>): Values {
    this.#run.step(map.size >> 3);
    return unionOf([], map.values());
  }
}
