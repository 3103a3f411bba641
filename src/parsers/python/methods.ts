/**
 * Methods of constants, containers and mappings of names.
 *
 * @module
 */

import { foldMethod } from "./fold.ts";
import { ITERATION } from "./objects.ts";
import type { CallSite, MethodsRoom, Rooms } from "./rooms.ts";
import { isCarried } from "./sinks.ts";
import {
  type Arguments,
  type Constant,
  constantOf,
  type Container,
  containerOf,
  elementsInOrder,
  itemsOf,
  keysOf,
  NO_ARGUMENTS,
  Scope,
  type Space,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  unknownOf,
  type Value,
  type Values,
} from "./values.ts";

/** `"{}{}".format(…)` of constants. */
function formatted(text: string, values: readonly Constant["value"][]): string | undefined {
  let next = 0;
  let known = true;
  const out = text.replace(/\{\{|\}\}|\{(\d*)\}|\{[^}]*\}/gu, (whole, index?: string) => {
    if (whole === "{{" || whole === "}}") return whole.slice(1);
    if (index === undefined) {
      known = false;
      return whole;
    }
    const value = values[index === "" ? next++ : Number(index)];
    if (value === undefined) known = false;
    return String(value);
  });
  return known ? out : undefined;
}

/** Methods of constants, containers and mappings of names. */
export class Methods implements MethodsRoom {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Calls a method of a constant, a container or a mapping of names. */
  callMethod(self: Value, name: string, given: Arguments, site?: CallSite): Values {
    const at = site?.site ?? self;
    const first = given.positions[0] ?? [];
    if (name === "__getattribute__" || name === "__getattr__") {
      // `object.__getattribute__(x, name)`
      const [, second] = given.positions;
      return second === undefined
        ? this.#rooms.attributes.getattr([self], first, at)
        : this.#rooms.attributes.getattr(first, second, at);
    }
    if (name === "__get__") {
      let all: Values = [];
      for (const each of first) all = union(all, [this.#rooms.heap.pair(self, each)]);
      return union(all, [self]);
    }
    switch (self.kind) {
      case "constant":
        return this.#textMethod(self, name, given, at);
      case "property":
        if (name === "getter") self.get = union(self.get, first);
        else self.set = union(self.set, first);
        return [self];
      case "space":
        return this.#spaceMethod(self, name, given, site);
      case "container":
        return this.#containerMethod(self, name, given, at);
      case "instance":
        return self.attributes.get("<items>") ?? [];
      default:
        return [];
    }
  }

  #textMethod(self: Constant, name: string, given: Arguments, site: object): Values {
    const sets = [...given.positions, ...given.named.values()];
    for (const set of sets) {
      for (const each of set) {
        if (each.kind === "instance") {
          this.#rooms.objects.special(each, ["__str__", "__repr__", "__format__", ...ITERATION]);
        }
      }
    }
    if (name === "join" && typeof self.value === "string") return this.join(self, given, site);
    const constants: Constant["value"][] = [];
    let known = true;
    for (const each of given.positions) {
      const [only] = each;
      if (each.length === 1 && only?.kind === "constant" && only.value !== undefined) {
        constants.push(only.value);
      } else known = false;
    }
    if (name === "format" && typeof self.value === "string") {
      const folded = known && given.named.size === 0 ? formatted(self.value, constants) : undefined;
      if (folded !== undefined) return [constantOf(folded)];
    }
    if (name === "split" || name === "splitlines" || name === "rsplit" || name === "partition") {
      if (typeof self.value === "string" && self.value.length < 4096 && known) {
        const by = typeof constants[0] === "string" && constants[0] !== "" ? constants[0] : /\s+/u;
        const made = this.#rooms.heap.site<Container>(
          site,
          `split ${self.value}`,
          () => containerOf("list"),
        );
        for (const [at, part] of self.value.split(by).slice(0, 512).entries()) {
          this.#rooms.heap.addItem(made, String(at), [constantOf(part, self.bytes, self.hidden)]);
        }
        return [made];
      }
      return [this.#rooms.heap.listOf(site, "list", [UNKNOWN_CONSTANT])];
    }
    const folded = known ? foldMethod(self, name, constants) : undefined;
    if (folded !== undefined) return [this.#rooms.expressions.bounded(folded)];
    const carried = this.#rooms.calls.carried(given).filter(({ kind }) => kind !== "constant");
    if (carried.length > 0) {
      return [this.#rooms.heap.outer("builtins.str", true, site, this.#rooms.calls.carried(given))];
    }
    if (/^(?:translate|decode|encode|expandtabs|zfill|swapcase)$/u.test(name)) {
      return [UNKNOWN_HIDDEN];
    }
    return [unknownOf(self, ...given.positions.flat().filter((each) => each.kind === "constant"))];
  }

  join(self: Constant, given: Arguments, site: object): Values {
    const [values = []] = given.positions;
    const [only] = values;
    const items = only !== undefined && values.length === 1 ? elementsInOrder(only) : undefined;
    if (
      items !== undefined &&
      items.every(({ kind, value }) => kind === "constant" && typeof value === "string")
    ) {
      const text = items.map(({ value }) => value).join(String(self.value));
      return [
        this.#rooms.expressions.bounded(constantOf(
          text,
          self.bytes,
          items.some(({ hidden }) => hidden),
        )),
      ];
    }
    const carried: Value[] = [];
    for (const each of values) {
      if (each.kind === "container") {
        for (const item of itemsOf(each)) if (isCarried(item)) carried.push(item);
      } else if (isCarried(each)) carried.push(each);
    }
    if (carried.some(({ kind }) => kind !== "constant")) {
      return [this.#rooms.heap.outer("builtins.str", true, site, carried)];
    }
    return [carried.length > 0 ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT];
  }

  #spaceMethod(self: Space, name: string, given: Arguments, site?: CallSite): Values {
    const at = site ?? { at: 0, end: 0, site: self };
    const [first = [], second = []] = given.positions;
    switch (name) {
      case "get":
      case "pop":
      case "__getitem__":
        return union(this.#rooms.items.item(self, first, at.site), second);
      case "setdefault":
        this.#rooms.targets.setItem(self, first, second, at);
        return union(this.#rooms.items.item(self, first, at.site), second);
      case "__setitem__":
        this.#rooms.targets.setItem(self, first, second, at);
        return [];
      case "update": {
        for (const [key, values] of given.named) this.#rooms.targets.setName(self, key, values, at);
        for (const each of first) {
          if (each.kind !== "container") continue;
          const all = containerOf("dict");
          this.#rooms.collections.update(all, [each]);
          for (const [key, values] of all.items) this.#rooms.targets.setName(self, key, values, at);
          if (all.rest.length > 0) this.#rooms.targets.setName(self, undefined, all.rest, at);
        }
        return [];
      }
      case "copy":
        return [self];
      case "values":
        return [
          this.#rooms.heap.listOf(
            at.site,
            "list",
            this.#rooms.attributes.nameIn(self, undefined, at.site),
          ),
        ];
      case "items": {
        const pair = this.#rooms.heap.site<Container>(at.site, "pair", () => containerOf("tuple"));
        this.#rooms.heap.addItem(pair, "0", [UNKNOWN_CONSTANT]);
        this.#rooms.heap.addItem(
          pair,
          "1",
          this.#rooms.attributes.nameIn(self, undefined, at.site),
        );
        return [this.#rooms.heap.listOf(at.site, "list", [pair])];
      }
      default: {
        // The module itself: its names are attributes.
        const { of } = self;
        if (of instanceof Scope && of.names.has(name)) {
          return this.#rooms.calls.callAll(of.names.get(name) ?? [], given, site);
        }
        return [];
      }
    }
  }

  #containerMethod(self: Container, name: string, given: Arguments, site: object): Values {
    const [first = [], second = []] = given.positions;
    switch (name) {
      case "append":
      case "add":
      case "appendleft":
      case "extend":
      case "insert":
        this.#rooms.heap.addRest(
          self,
          name === "extend"
            ? this.#rooms.collections.elements(first, site)
            : name === "insert"
            ? second
            : first,
        );
        this.#rooms.targets.hashed(first);
        return [];
      case "update":
        if (self.type === "dict") {
          this.#rooms.collections.update(self, first);
          for (const [key, values] of given.named) this.#rooms.heap.addItem(self, key, values);
        } else {for (const each of given.positions) {
            this.#rooms.heap.addRest(self, this.#rooms.collections.elements(each, site));
          }}
        return [];
      case "get":
      case "pop":
      case "setdefault":
      case "__getitem__":
        if (name === "setdefault") {
          for (const key of keysOf(first)) this.#rooms.heap.addItem(self, key, second);
        }
        return union(
          first.length === 0 ? itemsOf(self) : this.#rooms.items.item(self, first, site),
          second,
        );
      case "__setitem__":
        for (const key of keysOf(first)) this.#rooms.heap.addItem(self, key, second);
        return [];
      case "popitem":
      case "items": {
        const pair = this.#rooms.heap.site<Container>(site, "pair", () => containerOf("tuple"));
        this.#rooms.heap.addItem(
          pair,
          "0",
          union([UNKNOWN_CONSTANT], self.items.get("<keys>") ?? []),
        );
        this.#rooms.heap.addItem(pair, "1", itemsOf(self));
        return name === "items" ? [this.#rooms.heap.listOf(site, "list", [pair])] : [pair];
      }
      case "values":
      case "__iter__":
      case "copy":
      case "union":
      case "__reversed__":
      case "difference":
      case "intersection":
      case "__add__":
      case "__or__":
      case "__mul__":
      case "__iadd__":
      case "__ior__": {
        const rest = self.type === "dict" && name === "__iter__"
          ? this.#rooms.collections.elements([self], site)
          : itemsOf(self);
        const made = this.#rooms.heap.listOf(site, name === "copy" ? self.type : "list", rest);
        for (const each of given.positions) {
          this.#rooms.heap.addRest(made, this.#rooms.collections.elements(each, site));
        }
        return [name === "copy" ? self : made];
      }
      case "keys":
        return [
          this.#rooms.heap.listOf(site, "list", this.#rooms.collections.elements([self], site)),
        ];
      case "__next__":
      case "send":
      case "popleft":
        return itemsOf(self);
      case "sort":
        for (const [key, values] of given.named) {
          if (key === "key") {
            this.#rooms.calls.callAll(values, { ...NO_ARGUMENTS, positions: [itemsOf(self)] });
          }
        }
        for (const each of itemsOf(self)) {
          if (each.kind === "instance") this.#rooms.objects.special(each, ["__lt__", "__gt__"]);
        }
        return [];
      case "index":
      case "count":
      case "remove":
      case "discard":
      case "__contains__":
        for (const each of union(itemsOf(self), first)) {
          if (each.kind === "instance") {
            this.#rooms.objects.special(each, ["__eq__", "__hash__"], [first]);
          }
        }
        return [];
      default:
        return [];
    }
  }
}
