/**
 * Functions that make or go through lists and mappings: `sorted`, `zip`, `dict`, `range`.
 *
 * @module
 */

import type { CallSite, IterationModelsRoom, ModelCall, Rooms } from "./rooms.ts";
import { isCarried } from "./sinks.ts";
import {
  type Arguments,
  constantOf,
  type Container,
  containerOf,
  elementsInOrder,
  NO_ARGUMENTS,
  union,
  UNKNOWN_CONSTANT,
  type Values,
} from "./values.ts";

/** Functions that make or go through lists and mappings: `sorted`, `zip`, `dict`, `range`. */
export class IterationModels implements IterationModelsRoom {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Functions that make or go through lists and mappings; undefined for all others. */
  model(call: ModelCall): Values | undefined {
    const { name, given, site, value } = call;
    const [first = [], second = []] = given.positions;
    const at = site?.site ?? value;
    switch (name) {
      case "sorted":
      case "min":
      case "max":
      case "list":
      case "tuple":
      case "set":
      case "frozenset":
      case "iter":
      case "reversed":
      case "enumerate":
      case "zip":
      case "next":
      case "sum":
      case "any":
      case "all":
      case "itertools.chain":
      case "itertools.cycle":
      case "itertools.repeat":
      case "itertools.islice":
      case "itertools.chain.from_iterable":
      case "collections.deque":
      case "operator.concat":
        return this.#gathered(name, given, at, site);
      case "dict":
      case "collections.OrderedDict":
      case "collections.ChainMap":
      case "types.SimpleNamespace": {
        if (name === "types.SimpleNamespace") {
          const instance = this.#rooms.classes.namespaceObject(at);
          for (const [key, values] of given.named) {
            this.#rooms.heap.addTo(instance.attributes, key, values);
          }
          return [instance];
        }
        const made = this.#rooms.heap.site<Container>(at, "dict", () => containerOf("dict"));
        for (const each of given.positions) this.#rooms.collections.update(made, each);
        for (const [key, values] of given.named) this.#rooms.heap.addItem(made, key, values);
        this.#rooms.heap.addRest(made, given.rest.filter((each) => isCarried(each)));
        const outer = this.#rooms.calls.carried(given).filter(({ kind }) => kind === "outer");
        return outer.length > 0
          ? [made, this.#rooms.heap.outer("builtins.dict", true, at, outer)]
          : [made];
      }
      case "collections.defaultdict": {
        const made = this.#rooms.heap.site<Container>(at, "dict", () => containerOf("dict"));
        for (const each of given.positions.slice(1)) this.#rooms.collections.update(made, each);
        for (const [key, values] of given.named) this.#rooms.heap.addItem(made, key, values);
        this.#rooms.heap.addRest(made, this.#rooms.calls.callAll(first, NO_ARGUMENTS, site));
        return [made];
      }
      case "dict.fromkeys": {
        const made = this.#rooms.heap.listOf(at, "dict", second);
        return [made];
      }
      case "range":
        return [this.#range(given, at)];
    }
    return undefined;
  }

  #range(given: Arguments, site: object): Container {
    const numbers = given.positions.map(([each]) =>
      each?.kind === "constant" && typeof each.value === "number" ? each.value : undefined
    );
    const made = this.#rooms.heap.site<Container>(site, "range", () => containerOf("list"));
    const [a, b, step = 1] = numbers;
    const [from, to] = given.positions.length === 1 ? [0, a] : [a, b];
    const isUnknown = given.rest.length > 0 ||
      (given.positions.length > 2 && numbers[2] === undefined);
    if (
      isUnknown || from === undefined || to === undefined || step !== 1 || to - from > 64
    ) {
      this.#rooms.heap.addRest(made, [UNKNOWN_CONSTANT]);
      return made;
    }
    for (let at = from; at < to; at++) {
      this.#rooms.heap.addItem(made, String(at - from), [constantOf(at)]);
    }
    return made;
  }

  /** What functions that only hand on the items of their arguments give. */
  #gathered(name: string, given: Arguments, at: object, site: CallSite | undefined): Values {
    const { positions, named } = given;
    let items: Values = [];
    for (const each of positions) items = union(items, this.#rooms.collections.elements(each, at));
    if (/^(?:itertools\.repeat|min|max)$/u.test(name)) {
      for (const each of positions) items = union(items, each);
    }
    if (name.startsWith("itertools.chain")) {
      items = union(items, this.#rooms.collections.elements(items, at));
    }
    items = union(items, this.#rooms.collections.elements(given.rest, at));
    const key = named.get("key");
    if (key !== undefined) {
      this.#rooms.calls.callAll(key, { ...NO_ARGUMENTS, positions: [items] }, site);
    }
    if (name === "iter" && positions.length === 2) {
      items = union(items, this.#rooms.calls.callAll(positions[0] ?? [], NO_ARGUMENTS, site));
    }
    for (const each of items) {
      if (each.kind === "instance" && /sorted|min|max|sum|any|all|set/u.test(name)) {
        this.#rooms.objects.special(each, [
          "__lt__",
          "__gt__",
          "__add__",
          "__radd__",
          "__bool__",
          "__hash__",
          "__eq__",
          "__len__",
        ], [items]);
      }
    }
    const [only] = positions[0] ?? [];
    switch (name) {
      case "next":
        for (const each of positions[0] ?? []) {
          if (each.kind === "instance") {
            items = union(items, this.#rooms.objects.special(each, ["__next__"]));
          }
        }
        return union(items, positions[1] ?? []);
      case "min":
      case "max":
        return union(items, named.get("default") ?? []);
      case "sum":
        return union(items, positions[1] ?? []);
      case "any":
      case "all":
        return [];
      case "enumerate":
      case "zip": {
        const pair = this.#rooms.heap.site<Container>(at, "pair", () => containerOf("tuple"));
        if (name === "enumerate") {
          this.#rooms.heap.addItem(pair, "0", [UNKNOWN_CONSTANT]);
          this.#rooms.heap.addItem(pair, "1", items);
        } else {for (const [index, each] of positions.entries()) {
            this.#rooms.heap.addItem(
              pair,
              String(index),
              this.#rooms.collections.elements(each, at),
            );
          }}
        return [this.#rooms.heap.listOf(at, "list", [pair])];
      }
      case "list":
      case "tuple":
      case "iter":
        if (
          positions.length === 1 && (positions[0]?.length ?? 0) === 1 &&
          only?.kind === "container" && only.type !== "dict"
        ) {
          return [only];
        }
        if (only?.kind === "constant" && (positions[0]?.length ?? 0) === 1) {
          const letters = elementsInOrder(only);
          if (letters !== undefined && letters.length <= 4096) {
            const made = this.#rooms.heap.site<Container>(
              at,
              `letters ${String(only.value)}`,
              () => containerOf("list"),
            );
            for (const [index, each] of letters.entries()) {
              this.#rooms.heap.addItem(made, String(index), [each]);
            }
            return [made];
          }
        }
    }
    if (name === "reversed" && only?.kind === "constant") {
      const letters = elementsInOrder(only)?.reverse();
      if (letters !== undefined && letters.length <= 4096) {
        const made = this.#rooms.heap.site<Container>(
          at,
          `reversed ${String(only.value)}`,
          () => containerOf("list"),
        );
        for (const [index, each] of letters.entries()) {
          this.#rooms.heap.addItem(made, String(index), [each]);
        }
        return [made];
      }
    }
    if (
      name === "reversed" && only?.kind === "container" && only.rest.length === 0 &&
      only.type === "list"
    ) {
      const made = this.#rooms.heap.site<Container>(at, "reversed", () => containerOf("list"));
      const size = only.items.size;
      for (let index = 0; index < size; index++) {
        this.#rooms.heap.addItem(
          made,
          String(index),
          only.items.get(String(size - 1 - index)) ?? [],
        );
      }
      return [made];
    }
    return [
      this.#rooms.heap.listOf(at, name === "set" || name === "frozenset" ? "set" : "list", items),
    ];
  }
}
