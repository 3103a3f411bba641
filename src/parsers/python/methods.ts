/**
 * Methods of constants, containers and mappings of names.
 *
 * @module
 */

import { withoutEnd } from "../ends.ts";
import { foldMethod, plainText } from "./fold.ts";
import { ITERATION } from "./objects.ts";
import { SLOT } from "./attributes.ts";
import type { CallSite, MethodsRoom, Rooms } from "./rooms.ts";
import { COMPUTED } from "./paths.ts";
import type { Run } from "./run.ts";
import { isCarried, REACHING } from "./sinks.ts";
import {
  type Arguments,
  type Class,
  type Code,
  type Constant,
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
  unknownOf,
  type Value,
  type Values,
} from "./values.ts";

/** `"{}{}".format(…)` of constants; undefined where that is not known. */
function formatted(text: string, values: readonly Constant[]): string | undefined {
  let next = 0;
  let known = true;
  const out = text.replace(/\{\{|\}\}|\{(\d*)\}|\{[^}]*\}?|\}/gu, (match, index?: string) => {
    if (match === "{{" || match === "}}") return match.slice(1);
    const value = index === undefined ? undefined : values[index === "" ? next++ : Number(index)];
    const written = value && plainText(value);
    if (written === undefined) known = false;
    return written ?? match;
  });
  return known ? out : undefined;
}

/** Combinations of constants that are put into a text. The most in seven wheels are 32. CWE-407. */
const COMBINATIONS = 16;

/**
 * Parts of a text that `split` and its kin give. More are not told apart. The most in use are 40. CWE-400.
 */
const PARTS = 512;

/** What splitting a text gives, in order; undefined where that is not known. */
function partsOf(text: string, name: string, values: readonly Constant["value"][]):
  | readonly string[]
  | undefined {
  const [by] = values;
  if (values.length > 1 || by === "") return undefined;
  if (name === "partition") {
    if (typeof by !== "string") return undefined;
    const at = text.indexOf(by);
    return at < 0 ? [text, "", ""] : [text.slice(0, at), by, text.slice(at + by.length)];
  }
  if (name === "splitlines") {
    // Other characters end lines as well.
    if (values.length > 0 || /[^\P{Cc}\r\n\t]|[\u2028\u2029]/u.test(text)) return undefined;
    const lines = text.split(/\r\n|\r|\n/u);
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }
  if (typeof by === "string") return text.split(by);
  if (by !== undefined && by !== null) return undefined;
  const words = withoutEnd(text.replace(/^[ \t\n\r\f\v]+/u, ""), " \t\n\r\f\v");
  if (/[^\x20-\x7e\t\n\r\f\v]/u.test(words)) return undefined;
  return words === "" ? [] : words.split(/[ \t\n\r\f\v]+/u);
}

/** Fields of a text that is formatted whose attributes are followed. The most in use are 3. CWE-834. */
const FIELDS = 16;

/** Methods of constants, containers and mappings of names. */
export class Methods implements MethodsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
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
    if (name === "send" || name === "asend") {
      this.#rooms.functions.send(first);
      // It may be what comes back at once.
      return union(self.kind === "container" ? itemsOf(self) : [self], this.#run.sent);
    }
    if (name === "throw" || name === "athrow") {
      this.#run.add("raised", given.positions.flat());
      this.#rooms.functions.send([]);
      return union(self.kind === "container" ? itemsOf(self) : [self], this.#run.raised);
    }
    if (self.kind === "method" && self.name.startsWith(SLOT)) {
      const id = self.name.slice(SLOT.length);
      if (name === "__get__") return this.#rooms.attributes.attributes(first, id, at);
      const span = site ?? { at: 0, end: 0, site: at };
      const values = given.positions[1] ?? given.rest;
      for (const each of first) this.#rooms.targets.setAttribute(each, id, values, span);
      return [];
    }
    if (name === "__get__") {
      let all: Values = [];
      for (const each of first) all = this.#run.unite(all, [this.#rooms.heap.pair(self, each)]);
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
      case "class":
        return this.#classMethod(self, name, at);
      case "function":
        return this.#functionMethod(self, name, given);
      default:
        return [];
    }
  }

  /** `__subclasses__` and `mro` of a class of the module. */
  #classMethod(self: Class, name: string, site: object): Values {
    if (name !== "__subclasses__" && name !== "mro") return [];
    const all = name === "mro" ? union([self], self.bases) : self.subclasses ?? [];
    return [this.#rooms.heap.listOf(site, "list", all)];
  }

  /** `@dispatched.register`, with a class or without: the function runs when the other is called. */
  #functionMethod(self: Code, name: string, given: Arguments): Values {
    if (name !== "register") return [];
    for (const each of given.positions.flat()) {
      if (each.kind !== "constant" && each.kind !== "class") this.#rooms.functions.defer(each, []);
    }
    return union(given.positions.at(-1) ?? [], [this.#rooms.heap.method(self, name)]);
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
    if (name === "format" || name === "format_map") this.#fields(self.value, sets, site);
    if (name === "join" && typeof self.value === "string") return this.join(self, given, site);
    const constants: Constant[] = [];
    let known = given.named.size === 0 && given.rest.length === 0;
    for (const each of given.positions) {
      const [only] = each;
      if (each.length === 1 && only?.kind === "constant" && only.value !== undefined) {
        constants.push(only);
      } else known = false;
    }
    if (name === "format" && typeof self.value === "string") {
      const folded = this.#formats(self.value, given);
      if (folded !== undefined) return folded;
    }
    const values = constants.map(({ value }) => value);
    if (name === "split" || name === "splitlines" || name === "rsplit" || name === "partition") {
      const { value } = self;
      const isShort = known && typeof value === "string" && value.length < 4096;
      const parts = isShort ? partsOf(value, name, values) : undefined;
      if (parts === undefined || parts.length > PARTS) {
        return [this.#rooms.heap.listOf(site, "list", [UNKNOWN_CONSTANT])];
      }
      const made = this.#rooms.heap.site<Container>(
        site,
        `${name} ${value}\0${values.join("\0")}`,
        () => containerOf("list"),
      );
      for (const [at, part] of parts.entries()) {
        this.#rooms.heap.addItem(made, String(at), [constantOf(part, self.bytes, self.hidden)]);
      }
      return [made];
    }
    const folded = known ? foldMethod(self, name, values) : undefined;
    if (folded !== undefined) return [this.#rooms.expressions.bounded(folded)];
    const carried = this.#rooms.calls.carried(given).filter(({ kind }) => kind !== "constant");
    if (carried.length > 0) {
      return [this.#rooms.heap.outer("builtins.str", true, site, this.#rooms.calls.carried(given))];
    }
    if (/^(?:translate|decode|encode|expandtabs|zfill|swapcase|to_bytes)$/u.test(name)) {
      return [UNKNOWN_HIDDEN];
    }
    return [unknownOf(self, ...given.positions.flat().filter((each) => each.kind === "constant"))];
  }

  /** `"{0.name[key]}"` reads attributes and items of what it is given. */
  #fields(text: Constant["value"], sets: readonly Values[], site: object): void {
    const names = typeof text === "string"
      ? [...text.matchAll(/[.](\w+)/gu)].slice(0, FIELDS).map(([, name = ""]) => name)
      : [];
    let all = sets.flat().filter(({ kind }) => kind === "instance" || kind === "container");
    for (const name of names) {
      all = [...this.#rooms.attributes.attributes(all, name, site)].filter(({ kind }) =>
        kind === "instance"
      );
      for (const each of all) {
        if (each.kind === "instance") {
          this.#rooms.objects.special(each, ["__str__", "__repr__", "__format__"]);
        }
      }
    }
    if (names.length > 0) return;
    for (const each of all) {
      if (each.kind !== "instance") continue;
      this.#rooms.objects.special(each, ["__getattr__", "__getattribute__", "__missing__"], [[]]);
    }
  }

  /** What formatting gives for each combination of a few constants; undefined where one is not known. */
  #formats(text: string, given: Arguments): Values | undefined {
    if (given.named.size > 0 || given.rest.length > 0) return undefined;
    let combinations: Constant[][] = [[]];
    for (const each of given.positions) {
      const constants = each.filter((one) => one.kind === "constant");
      if (constants.length < each.length || constants.length === 0) return undefined;
      combinations = combinations.flatMap((one) => constants.map((other) => [...one, other]));
      if (combinations.length > COMBINATIONS) return undefined;
    }
    let all: Values = [];
    for (const each of combinations) {
      const made = formatted(text, each);
      if (made === undefined) return undefined;
      all = this.#run.unite(all, [this.#rooms.expressions.bounded(constantOf(made))]);
    }
    return all;
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
          if (each.kind === "space") this.#merge(self, each, at);
          if (each.kind !== "container") continue;
          // The same for each call, so that reading one again changes nothing.
          const all = this.#rooms.heap.site<Container>(
            at.site,
            "updates",
            () => containerOf("dict"),
          );
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

  /** `names.update(vars(other))` */
  #merge(self: Space, { of }: Space, at: CallSite): void {
    if (of.kind === "outer") {
      if (!REACHING.test(of.path)) return;
      const any = [this.#rooms.heap.outer(`${of.path}.${COMPUTED}`)];
      this.#rooms.targets.setName(self, undefined, any, at);
      return;
    }
    const names = of instanceof Scope ? of.names : of.kind === "class" ? of.members : of.attributes;
    for (const [key, values] of [...names]) this.#rooms.targets.setName(self, key, values, at);
  }

  #containerMethod(self: Container, name: string, given: Arguments, site: object): Values {
    const [first = [], second = []] = given.positions;
    switch (name) {
      case "append":
      case "add":
        this.#rooms.heap.addRest(self, known(first));
        this.#rooms.targets.hashed(first);
        return [];
      case "extend":
        this.#rooms.heap.addRest(self, known(this.#rooms.collections.elements(first, site)));
        return [];
      case "appendleft":
      case "insert":
        this.#rooms.heap.addRest(self, known(name === "insert" ? second : first));
        this.#rooms.heap.loosen(self);
        return [];
      case "extendleft":
        this.#rooms.heap.addRest(self, known(this.#rooms.collections.elements(first, site)));
        this.#rooms.heap.loosen(self);
        return [];
      case "reverse":
      case "rotate":
      case "clear":
      case "__delitem__":
      case "__imul__":
        this.#rooms.heap.loosen(self);
        return [self];
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
        if (name === "pop") this.#rooms.heap.loosen(self);
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
      case "popleft":
        this.#rooms.heap.loosen(self);
        return itemsOf(self);
      case "__next__":
        return itemsOf(self);
      case "sort":
        this.#rooms.heap.loosen(self);
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
        if (name === "remove") this.#rooms.heap.loosen(self);
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
