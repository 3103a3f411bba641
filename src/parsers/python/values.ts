/**
 * What names of a module may stand for while it is imported: sets of abstract values, of which there
 * is one for each place of the source that makes one, so that loops and calls come to an end.
 *
 * @module
 */

import type { FunctionNode } from "./syntax.ts";

/** A set of values; empty where nothing is known. */
export type Values = readonly Value[];

/** One value. */
export type Value =
  | Outer
  | Constant
  | Code
  | Class
  | Instance
  | Container
  | Bound
  | Partial
  | Space
  | Method
  | Property;

/** Something of another module, by its dotted path, or what calling it gave. */
export interface Outer {
  readonly kind: "outer";
  readonly path: string;
  /** True for what a call gave, or an item of it. */
  readonly called: boolean;
  /** Of what a call gave: the path that was called first, however many calls followed. */
  readonly base: string;
  /** What it was given, and may hand on or call. */
  carries: Values;
  /** True where nothing can come of it by its path alone. */
  readonly inert: boolean;
  /** `isSensitive` of its path, which is asked for again and again. */
  readonly sensitive: boolean;
}

/** A constant; `undefined` is one that is not known. */
export interface Constant {
  readonly kind: "constant";
  readonly value: string | number | boolean | null | undefined;
  readonly bytes: boolean;
  /** True for what was decoded or put together. */
  readonly hidden: boolean;
}

/** A function of the module. */
export interface Code {
  readonly kind: "function";
  readonly node: FunctionNode;
  readonly scope: Scope;
  /** Undefined where it has none. */
  defaults: Map<string, Values> | undefined;
  /** What it was given as attributes; undefined before it was given any. */
  attributes: Map<string, Values> | undefined;
  readonly origin: Origin | undefined;
  /** The class that it was defined in. */
  owner: Class | undefined;
  returns: Values;
  running: boolean;
  /** What it was read with; undefined before its first call. */
  version: number | undefined;
}

/** A class of the module. */
export interface Class {
  readonly kind: "class";
  readonly name: string;
  readonly members: Map<string, Values>;
  bases: Values;
  metaclass: Values;
  /** Names with annotations, in their order, and these: fields of a data class. */
  fields?: Map<string, Values>;
  /** Classes of the module that name it as a base. */
  subclasses?: Values;
  readonly instance: Instance;
}

/** All objects of a class of the module. */
export interface Instance {
  readonly kind: "instance";
  readonly attributes: Map<string, Values>;
  readonly of: Class;
  /** Of `super()`, the object itself: its methods are called with that. */
  readonly through?: Instance;
}

/** A list, tuple, set or mapping. */
export interface Container {
  readonly kind: "container";
  readonly type: "tuple" | "list" | "set" | "dict";
  readonly items: Map<string, Values>;
  /** What stands at places that are not known. */
  rest: Values;
  /** All of it, as `itemsOf` gives it; undefined once it was changed. */
  all: Values | undefined;
  /** True where some set left it out, so that what is put into it now is not found there. */
  packed?: boolean;
}

/** A function together with its first argument. */
interface Bound {
  readonly kind: "bound";
  readonly target: Value;
  readonly self: Value;
}

/** A function together with some of its arguments. */
export interface Partial {
  readonly kind: "partial";
  target: Values;
  first: Values[];
  named: Map<string, Values>;
  /** True where the object whose method it is comes before `first`. */
  readonly isMethod?: boolean;
}

/** A mapping of names: of the module, of a class or object, of another module. */
export interface Space {
  readonly kind: "space";
  readonly of: Scope | Class | Instance | Outer;
}

/** A method of a value that no class of the module has. */
interface Method {
  readonly kind: "method";
  readonly self: Value;
  readonly name: string;
}

/** What reading an attribute calls. */
export interface Property {
  readonly kind: "property";
  get: Values;
  set: Values;
}

/** The place at which code in a string is reported. */
export interface Origin {
  readonly at: number;
  readonly end: number;
}

const NO_INSTANCES: readonly Instance[] = [];

/** Names of a module, function or class. */
export class Scope {
  readonly kind: "module" | "function" | "class";
  readonly parent: Scope | undefined;
  #names: Map<string, Values> | undefined;
  #ever: Map<string, Values> | undefined;
  #globals: Set<string> | undefined;
  #outer: Set<string> | undefined;
  /** Blocks around what is executed that may not run, or run again. */
  conditional = 0;
  /** True for names that functions within read. */
  captured = false;
  /** True from the second time that its function is read: names then only get more values. */
  again = false;
  /** The class whose body it is, or the function. */
  owner: Class | undefined;
  code: Code | undefined;
  /** What was put under names that are not known: any name may be that but those bound since. */
  any: Values = [];
  #since: Set<string> | undefined;
  /** Of the body of a class: objects that a metaclass gave, which are asked for its names. */
  prepared: readonly Instance[] = NO_INSTANCES;
  /** Of code that was given a mapping of names, what else changes that. */
  also: ReadonlyMap<string, Values> | undefined;

  constructor(kind: Scope["kind"], parent?: Scope) {
    this.kind = kind;
    this.parent = parent;
  }

  // Hostile source has a hundred thousand functions: what most of them do not need is made when asked for.

  /** Its names, to be changed. */
  get names(): Map<string, Values> {
    return this.#names ??= new Map();
  }

  /** Everything that its names were ever given, to be changed. */
  get ever(): Map<string, Values> {
    return this.#ever ??= new Map();
  }

  /** What a name stands for; undefined where the scope does not bind it. */
  get(name: string): Values | undefined {
    return this.#names?.get(name);
  }

  /** Notes that a name was bound, and is not one of those that are not known. */
  settle(name: string): void {
    if (this.any.length > 0) (this.#since ??= new Set()).add(name);
  }

  /** Puts values under a name that is not known. */
  spread(values: Values): void {
    this.any = values;
    this.#since = undefined;
  }

  /** What a name may be because a name was not known. */
  anyOf(name: string): Values {
    return this.any.length === 0 || this.#since?.has(name) === true ? [] : this.any;
  }

  /** Declares a name as the module's, or as that of a function around. */
  declare(name: string, isGlobal: boolean): void {
    if (isGlobal) (this.#globals ??= new Set()).add(name);
    else (this.#outer ??= new Set()).add(name);
  }

  /** True for a name declared as the module's. */
  isGlobal(name: string): boolean {
    return this.#globals?.has(name) ?? false;
  }

  /** True for a name declared as that of a function around. */
  isOuter(name: string): boolean {
    return this.#outer?.has(name) ?? false;
  }
}

/** Arguments of a call. */
export interface Arguments {
  readonly positions: readonly Values[];
  readonly named: ReadonlyMap<string, Values>;
  /** What `*` and `**` spread without its places being known. */
  readonly rest: Values;
}

export const NO_ARGUMENTS: Arguments = { positions: [], named: new Map(), rest: [] };

/** Values of one set. The largest module of functions in 200 packages in use has 600. CWE-400. */
export const VALUES = 1024;
/** Constants of one set; beyond, it is unknown which. The most in use are 34. CWE-770. */
const CONSTANTS = 16;

/** A constant of which only that it is one is known. */
export const UNKNOWN_CONSTANT: Constant = {
  ...{ kind: "constant", value: undefined, bytes: false, hidden: false },
};

/** The same, of letters that were picked, turned round or computed. */
export const UNKNOWN_HIDDEN: Constant = {
  ...{ kind: "constant", value: undefined, bytes: false, hidden: true },
};

/** The name of the module, of which only is known that it is not `"__main__"`. */
export const MODULE_NAME: Constant = {
  ...{ kind: "constant", value: undefined, bytes: false, hidden: false },
};
const MODULE = "<module>";

/** Both sets as one: the first itself where the second adds nothing. */
export function union(a: Values, b: Values): Values {
  if (b.length === 0 || a === b) return a;
  if (a.length === 0) return b;
  const known = a.length + b.length > FEW ? indexed(a) : undefined;
  let added: Value[] | undefined;
  let constants: readonly Constant[] | undefined;
  for (const each of b) {
    if (known === undefined ? a.includes(each) : isAmong(known, each)) continue;
    if (each.kind === "constant") {
      constants ??= known === undefined
        ? a.filter((one) => one.kind === "constant")
        : known.index.constants.slice(0, known.constants);
      if (constants.some((other) => isSameConstant(other, each))) continue;
      let count = constants.length;
      for (const one of added ?? []) if (one.kind === "constant") count++;
      if (count >= CONSTANTS) {
        const unknown = each.hidden ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT;
        const has = known === undefined ? a.includes(unknown) : isAmong(known, unknown);
        if (!has && !added?.includes(unknown)) (added ??= []).push(unknown);
        continue;
      }
    }
    (added ??= []).push(each);
  }
  if (added === undefined) return a;
  const all = a.concat(added);
  if (known !== undefined) extend(known, added, all);
  return all;
}

/** Values of two sets from which on a look-up is quicker than a search. */
const FEW = 24;

/** Where values stand in long sets: one for a set and for what is made of it by adding. */
interface Index {
  readonly places: Map<Value, number>;
  /** The constants of the longest of them, in their order. */
  readonly constants: Constant[];
  longest: number;
}

/** A long set in its index. */
interface Indexed {
  readonly index: Index;
  /** Of how many values, and how many constants among them. */
  readonly length: number;
  readonly constants: number;
}

const INDEXES = new WeakMap<Values, Indexed>();

function indexed(values: Values): Indexed {
  let known = INDEXES.get(values);
  if (known === undefined) {
    const index: Index = { places: new Map(), constants: [], longest: 0 };
    INDEXES.set(values, known = enter(index, values, values));
  }
  return known;
}

function isAmong({ index, length }: Indexed, value: Value): boolean {
  const place = index.places.get(value);
  return place !== undefined && place < length;
}

/** Gives a set the index of that which it begins with, where no other one has added to it. */
function extend({ index, length }: Indexed, added: Values, all: Values): void {
  if (index.longest === length) INDEXES.set(all, enter(index, added, all));
}

/** Adds values to an index, for a set that ends with them. */
function enter(index: Index, added: Values, all: Values): Indexed {
  let place = index.longest;
  for (const each of added) {
    if (!index.places.has(each)) index.places.set(each, place);
    if (each.kind === "constant") index.constants.push(each);
    place++;
  }
  index.longest = place;
  return { index, length: all.length, constants: index.constants.length };
}

function isSameConstant(a: Value, b: Constant): boolean {
  if (a === MODULE_NAME || b === MODULE_NAME) return a === b;
  return a.kind === "constant" && a.value === b.value && a.bytes === b.bytes &&
    a.hidden === b.hidden;
}

/** A constant. */
export function constantOf(
  value: Constant["value"],
  bytes = false,
  hidden = false,
): Constant {
  return { kind: "constant", value, bytes, hidden };
}

/** The texts that values may be; undefined among them for those not known. */
export function textsOf(values: Values): (string | undefined)[] {
  if (values.length === 0) return [undefined];
  return values.map((each) =>
    each === MODULE_NAME
      ? MODULE
      : each.kind === "constant" && typeof each.value === "string"
      ? each.value
      : undefined
  );
}

/** A new list, tuple, set or mapping. */
export function containerOf(type: Container["type"]): Container {
  return { kind: "container", type, items: new Map(), rest: [], all: undefined };
}

/** All items of a container. */
export function itemsOf(container: Container): Values {
  return container.all ??= unionOf(container.rest, container.items.values());
}

/** A set together with all of others. */
export function unionOf(first: Values, others: Iterable<Values>): Values {
  const all = new Set(first);
  let constants = first.filter(({ kind }) => kind === "constant");
  const before = constants;
  for (const each of others) {
    for (const one of each) {
      if (one.kind !== "constant") all.add(one);
      else if (!all.has(one)) constants = union(constants, [one]) as Value[];
    }
  }
  if (all.size === first.length && constants === before) return first;
  for (const each of constants) all.add(each);
  return [...all];
}

/** Values that stand beside others: what is not known at all is so among them, too. */
export function known(values: Values): Values {
  return values.length === 0 ? NOT_KNOWN : values;
}

const NOT_KNOWN: Values = [UNKNOWN_CONSTANT];

/** A constant that is not known, made of others. */
export function unknownOf(...of: readonly Constant[]): Constant {
  return of.some(({ hidden }) => hidden) ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT;
}

/** Items that an index may mean; undefined among them for those not known. */
export function keysOf(index: Values): (string | undefined)[] {
  if (index.length === 0) return [undefined];
  return index.map((each) => {
    if (each === MODULE_NAME) return MODULE;
    if (each.kind !== "constant" || each.value === undefined) return undefined;
    // `True` and 1 are the same key.
    return String(typeof each.value === "boolean" ? Number(each.value) : each.value);
  });
}

/** The items of a constant or of a list whose places are known, in order. */
export function elementsInOrder(value: Value): Constant[] | undefined {
  if (value.kind === "constant") {
    if (typeof value.value !== "string" || value.value.length > 4096) return undefined;
    return value.bytes
      ? Array.from(value.value, (each) => constantOf(each.charCodeAt(0)))
      : Array.from(value.value, (each) => constantOf(each));
  }
  if (value.kind !== "container" || value.rest.length > 0) return undefined;
  if (value.type === "dict" || value.type === "set") return undefined;
  const items: Constant[] = [];
  for (let at = 0; at < value.items.size; at++) {
    const [only, ...others] = value.items.get(String(at)) ?? [];
    if (only?.kind !== "constant" || others.length > 0 || only.value === undefined) {
      return undefined;
    }
    items.push(only);
  }
  return items;
}

/** Arguments of which only the number is known. */
export function unknownArguments(count: number): Arguments {
  return { positions: Array.from({ length: count }, () => []), named: new Map(), rest: [] };
}
