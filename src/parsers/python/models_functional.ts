/**
 * Functions that call what they are given: `map`, `functools.reduce`, `operator.methodcaller`.
 *
 * @module
 */

import { foldFunction } from "./fold.ts";
import type { FunctionalModelsRoom, ModelCall, Rooms } from "./rooms.ts";
import {
  type Arguments,
  type Container,
  containerOf,
  elementsInOrder,
  itemsOf,
  NO_ARGUMENTS,
  type Partial,
  Scope,
  union,
  UNKNOWN_CONSTANT,
  unknownArguments,
  type Values,
} from "./values.ts";

const UNKNOWN_MARK = UNKNOWN_CONSTANT;

/** Of classes of libraries the objects that load these by their names. */
const LOADERS: ReadonlyMap<string, string> = new Map([
  ["ctypes.CDLL", "ctypes.cdll"],
  ["ctypes.WinDLL", "ctypes.windll"],
  ["ctypes.OleDLL", "ctypes.oledll"],
  ["ctypes.PyDLL", "ctypes.pydll"],
]);

/** Functions that call what they are given: `map`, `functools.reduce`, `operator.methodcaller`. */
export class FunctionalModels implements FunctionalModelsRoom {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** `ctypes.LibraryLoader(ctypes.WinDLL)` is another `ctypes.windll`. */
  #loaders({ positions: [types = []], named, rest }: Arguments): Values | undefined {
    let all: Values = [];
    for (const each of union(union(types, named.get("dlltype") ?? []), rest)) {
      const loader = each.kind === "outer" && !each.called ? LOADERS.get(each.path) : undefined;
      if (loader === undefined) return undefined;
      all = union(all, [this.#rooms.heap.outer(loader)]);
    }
    return all.length > 0 ? all : undefined;
  }

  /** Functions that call what they are given; undefined for all others. */
  model(call: ModelCall): Values | undefined {
    const { name, given, site, value } = call;
    const [first = [], second = [], third = []] = given.positions;
    const at = site?.site ?? value;
    switch (name) {
      case "ctypes.LibraryLoader":
        return this.#loaders(given);
      case "operator.attrgetter":
      case "operator.itemgetter":
      case "operator.methodcaller": {
        const texts = given.positions.length > 0 ? first : given.rest;
        const made = this.#rooms.heap.outer(
          `${name}.<made>`,
          true,
          at,
          union(texts, [UNKNOWN_MARK]),
        );
        const parts = this.#rooms.heap.site<Partial>(
          at,
          "getter",
          () => ({
            kind: "partial",
            target: [this.#rooms.heap.outer(`<${name}>`)],
            first: [],
            named: new Map(),
          }),
        );
        parts.first = given.positions.map((each, index) => union(parts.first[index] ?? [], each));
        if (given.rest.length > 0) parts.first.push(given.rest);
        return made.path === "" ? [] : [parts];
      }
      case "<operator.attrgetter>": {
        const objects = given.positions.at(-1) ?? [];
        const names = given.positions.slice(0, -1).flat();
        return this.#rooms.attributes.getattr(objects, names, at);
      }
      case "<operator.itemgetter>": {
        const objects = given.positions.at(-1) ?? [];
        const keys = given.positions.slice(0, -1).flat();
        return this.#rooms.items.items(objects, keys, at);
      }
      case "<operator.methodcaller>":
      case "operator.call": {
        if (name === "operator.call") {
          return this.#rooms.calls.callAll(
            first,
            { ...given, positions: given.positions.slice(1) },
            site,
          );
        }
        // Name and arguments come first, the object last.
        const objects = given.positions.at(-1) ?? [];
        const methods = this.#rooms.attributes.getattr(objects, first, at);
        return this.#rooms.calls.callAll(methods, {
          ...given,
          positions: given.positions.slice(1, -1),
        }, site);
      }
      case "<reduced>": {
        const made = this.#rooms.calls.callAll(first, NO_ARGUMENTS, site);
        let all: Values = [];
        for (const each of made) {
          if (each.kind !== "container") continue;
          const rest = this.#rooms.collections.elements(each.items.get("1") ?? [], at);
          const target = each.items.get("0") ?? itemsOf(each);
          all = union(all, this.#rooms.calls.callAll(target, { ...NO_ARGUMENTS, rest }, site));
        }
        return all;
      }
      case "<called>": {
        const rest: Values = [UNKNOWN_CONSTANT];
        const functions = this.#rooms.calls.callAll(first, unknownArguments(2), site);
        return this.#rooms.calls.callAll(functions, { ...NO_ARGUMENTS, rest }, site);
      }
      case "<executed>": {
        const text = this.#rooms.calls.callAll(first, NO_ARGUMENTS, site);
        const span = site ?? { at: 0, end: 0 };
        const known = text.filter((each) => each.kind === "constant" && each.value !== undefined);
        if (known.length > 0) this.#rooms.texts.exec(known, span, new Scope("module"));
        return [];
      }
      case "operator.getitem":
        return this.#rooms.items.items(first, second, at);
      case "apply": {
        const spread = this.#rooms.collections.elements(second, at);
        return this.#rooms.calls.callAll(
          first,
          { positions: [], named: new Map(), rest: spread },
          site,
        );
      }
      case "map":
      case "itertools.starmap":
      case "filter":
      case "itertools.filterfalse":
      case "itertools.takewhile":
      case "itertools.dropwhile": {
        const sets = given.positions.slice(1).map((each) =>
          this.#rooms.collections.elements(each, at)
        );
        const spread = name === "itertools.starmap"
          ? [this.#rooms.collections.elements(sets.flat(), at)]
          : undefined;
        const inner: Arguments = spread === undefined
          ? { positions: sets, named: new Map(), rest: [] }
          : { positions: [], named: new Map(), rest: spread.flat() };
        const all = this.#rooms.calls.callAll(first, inner, site);
        const made = this.#fold(first, second, at);
        if (made !== undefined) return [made];
        return [
          this.#rooms.heap.listOf(
            at,
            "list",
            name === "map" || name === "itertools.starmap" ? all : sets.flat(),
          ),
        ];
      }
      case "functools.reduce":
      case "reduce": {
        const items = union(this.#rooms.collections.elements(second, at), third);
        const all = this.#rooms.calls.callAll(
          first,
          { ...NO_ARGUMENTS, positions: [items, items] },
          site,
        );
        const again = this.#rooms.calls.callAll(
          first,
          { ...NO_ARGUMENTS, positions: [all, items] },
          site,
        );
        return union(union(items, all), again);
      }
    }
    return undefined;
  }

  /** `map(chr, numbers)` over constants. */
  #fold(functions: Values, values: Values, site: object): Container | undefined {
    const [only] = functions;
    const [from] = values;
    if (functions.length !== 1 || values.length !== 1 || from === undefined) return undefined;
    if (only?.kind !== "outer" && only?.kind !== "function") return undefined;
    const each = elementsInOrder(from);
    if (each === undefined || each.length > 4096) return undefined;
    const made = this.#rooms.heap.site<Container>(site, "folded", () => containerOf("list"));
    for (const [at, one] of each.entries()) {
      const folded = only.kind === "outer" ? foldFunction(only.path, [one]) : undefined;
      if (folded === undefined) return undefined;
      this.#rooms.heap.addItem(made, String(at), [folded]);
    }
    return made;
  }
}
