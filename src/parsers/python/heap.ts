/**
 * Abstract values: one for each place of the source that makes one, and what they are put into.
 *
 * @module
 */

import type { HeapRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried, isSensitive } from "./sinks.ts";
import {
  type Container,
  containerOf,
  itemsOf,
  known,
  type Outer,
  type Space,
  union,
  type Value,
  type Values,
} from "./values.ts";

/** Entries of one container that are distinguished. CWE-770. */
export const ITEMS = 4096;

/** Abstract values: one for each place of the source that makes one, and what they are put into. */
export class Heap implements HeapRoom {
  readonly #run: Run;
  readonly #outers = new Map<string, Outer>();
  /** Values that a place of the source makes, by place and kind. */
  readonly #sites = new WeakMap<object, Map<string, Value>>();
  readonly #bound = new WeakMap<object, Map<string | Value, Value>>();
  readonly #spaces = new WeakMap<object, Space>();

  constructor(rooms: Rooms) {
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
      const made: Outer = { kind: "outer", path, called, base, carries: [] };
      this.#outers.set(key, made);
      return made;
    }
    const made = this.site<Outer>(site, `outer ${key}`, () => ({
      ...{ kind: "outer", path, called, base, carries: [] },
    }));
    const all = this.#run.limited(union(made.carries, atoms));
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
            if (isSensitive(value.path)) {
              take(this.outer(value.path, value.called, undefined, [], value.base), depth);
            }
          } else if (isSensitive(value.path)) (all ??= []).push(value);
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
    this.#run.step(seen.size >> 1);
    return all ?? [];
  }

  site<T extends Value>(site: object, kind: string, make: () => T): T {
    let known = this.#sites.get(site);
    if (known === undefined) this.#sites.set(site, known = new Map());
    let value = known.get(kind);
    if (value === undefined) known.set(kind, value = make());
    return value as T;
  }

  space(of: Space["of"]): Space {
    let known = this.#spaces.get(of);
    if (known === undefined) this.#spaces.set(of, known = { kind: "space", of });
    return known;
  }

  pair(target: Value, self: Value): Value {
    let known = this.#bound.get(target);
    if (known === undefined) this.#bound.set(target, known = new Map());
    let bound = known.get(self);
    if (bound === undefined) known.set(self, bound = { kind: "bound", target, self });
    return bound;
  }

  method(self: Value, name: string): Value {
    let known = this.#bound.get(self);
    if (known === undefined) this.#bound.set(self, known = new Map());
    let method = known.get(name);
    if (method === undefined) known.set(name, method = { kind: "method", self, name });
    return method;
  }

  addTo(map: Map<string, Values>, key: string, values: Values): void {
    const old = map.get(key);
    const all = this.#run.limited(union(old ?? [], known(values)));
    if (all === old) return;
    map.set(key, all);
    if (values.length > 0) this.#run.changed();
  }

  addRest(container: Container, values: Values): void {
    const all = this.#run.limited(union(container.rest, values));
    if (all === container.rest) return;
    container.rest = all;
    this.#run.changed();
  }

  /** Notes that the places of what stands in a list are no longer known. */
  loosen(container: Container): void {
    if (container.type !== "dict") this.addRest(container, itemsOf(container));
  }

  addItem(container: Container, key: string | undefined, values: Values): void {
    if (key === undefined || (!container.items.has(key) && container.items.size >= ITEMS)) {
      this.addRest(container, values);
    } else this.addTo(container.items, key, values);
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
    let all: Values = [];
    for (const each of map.values()) all = union(all, each);
    return all;
  }
}
