/**
 * Values of Jinja expressions as far as they are known without a conversation: one of several that are
 * known exactly, or something of a kind.
 *
 * @module
 */

import type { Block, Tag } from "./ast.ts";

/** A number, a truth value or none: nothing that an attribute could be named by. */
export const NUMBER = 1;
/** A part of the conversation, as the renderer gives it. */
export const DATA = 2;
/** A text or another value that the template makes and that was not computed. */
export const TEXT = 4;
/** Any object of Python. */
export const OPEN = 8;

/** A value that is known. */
export type Known =
  | string
  | number
  | boolean
  | null
  | Structure;

/**
 * What is gone through once, as the filters `map` and `select` give it; what a dictionary's `keys`,
 * `values` and `items` give; a range; and one of the first two that a name or an object holds. None is written, compared or asked for its truth as a list is.
 */
type Lazy = "iterator" | "view" | "range" | "held";

/** A value that is known and is no constant. */
type Structure =
  | {
    readonly type: "list";
    readonly items: readonly Abstract[];
    readonly tuple?: boolean;
    /** Of a named tuple. */
    readonly fields?: readonly string[];
    /** The expression that makes it, for lists that are changed in place. */
    readonly site?: number;
    /** Of what is gone through as a list is and is none. */
    readonly lazy?: Lazy;
  }
  | {
    readonly type: "dict";
    readonly pairs: readonly (readonly [key: Abstract, value: Abstract])[];
    readonly site?: number;
  }
  /** A list, an iterator or a dictionary of which the length and the order are not known. */
  | {
    readonly type: "many";
    readonly element: Abstract;
    /** How many there are, where they are counted: of a range, and what is made of its items. */
    readonly count?: number;
  }
  | { readonly type: "function"; readonly name: string }
  | { readonly type: "macro"; readonly block: Block }
  | { readonly type: "caller"; readonly block: Block }
  | { readonly type: "method"; readonly receiver: Abstract; readonly name: string }
  | { readonly type: "object"; readonly kind: "cycler" | "joiner"; readonly items: Abstract }
  | { readonly type: "namespace"; readonly site: number }
  | { readonly type: "loop"; readonly tag: Tag }
  | { readonly type: "undefined" };

/** What an expression may be: equal ones are the same object. */
export interface Abstract {
  readonly id: number;
  /** It may be any of these. */
  readonly known: readonly Known[];
  /** It may also be something of these kinds, as bits; 0 when `known` is all. */
  readonly rest: number;
  /** Characters of a text, items of a list with all that is in them, or a number's own size: the most. */
  readonly size: number;
  /** The same without the constants in `known`: what `size` says of a number there is no text's length. */
  readonly loose: number;
  /** Characters that it is written as, unless it is a number and nothing else. */
  readonly written: number;
  /** Binary digits of a number that is too large for `size` to say them; otherwise 0. */
  readonly bits: number;
  /** The loop of whose variable it is a part; the innermost. */
  readonly from: number;
  /** The expression of which it is a key, as written: `params` of `for key in params`. */
  readonly keyOf: string;
}

/** What is known of a value besides what it may be. */
type Facets = Partial<Pick<Abstract, "size" | "bits" | "from" | "keyOf">>;

/** Values of one expression; beyond, it is unknown. In 120 chat templates the most are 104. CWE-770. */
export const ALTERNATIVES = 64;
/**
 * Characters of a text that is computed; names have fewer. The longest in 120 chat templates has 4,916.
 * CWE-770.
 */
export const CHARACTERS = 16_384;
/** Items of a list that is kept item by item. The most in 120 chat templates are 13. CWE-770. */
const ITEMS = 2048;
/** Items and characters of the conversation that an estimate assumes. */
export const NOMINAL = 1;

/**
 * Binary digits of a number whose size is kept; of a larger one they are counted instead. The most in 120
 * chat templates are 89. CWE-770.
 */
const DIGITS = 1000;

/** More than the values of one template: by it a number is made of the numbers of two. */
const PAIRS = 2 ** 26;

/** Nested lists that are searched. The deepest in 120 chat templates has 6. CWE-674. */
const LEVELS = 12;

/** Makes and combines values; one for a template. */
export class Domain {
  readonly #interned = new Map<string, Abstract>();
  readonly #joined = new Map<number, Abstract>();
  readonly #objects = new Map<object, number>();
  /** Numbers of the constants and structures that were seen: equal ones have the same. */
  readonly #texts = new Map<string, number>();
  readonly #others = new Map<string, number>();
  readonly #structures = new WeakMap<object, number>();
  /** Where lists and dictionaries were made that are no longer told apart. */
  readonly lost = new Set<number>();
  /** Where namespaces were made that lists or objects hold. */
  readonly stored = new Set<number>();
  /** Whether an iterator is held, of a list that is not known. */
  holdsIterators = false;

  readonly nothing: Abstract = this.of([], 0);
  readonly number: Abstract = this.of([], NUMBER, { size: NOMINAL });
  readonly data: Abstract = this.of([], DATA, { size: NOMINAL });
  readonly text: Abstract = this.of([], TEXT, { size: NOMINAL });
  readonly open: Abstract = this.of([], OPEN, { size: NOMINAL });
  readonly undefined: Abstract = this.of([{ type: "undefined" }], 0);

  /** One value that is known. */
  known(value: Known): Abstract {
    return this.of([value], 0);
  }

  /**
   * A value that may be any of several.
   *
   * @param size of what is not known; that of the known ones is counted here
   * @param loose the same where `size` is also that of values which are known
   * @param bits of a number of more than {@linkcode DIGITS} binary digits
   */
  of(
    known: readonly Known[],
    rest: number,
    { size = 0, bits = 0, from = 0, keyOf = "" }: Facets = {},
    loose: number = size,
  ): Abstract {
    const parts = new Map<number, Known>();
    let kinds = rest;
    let most = size;
    let unknown = loose;
    let constant = 0;
    let written = 0;
    for (const value of known) {
      const own = sizeOf(value);
      constant = Math.max(constant, own);
      written = Math.max(written, typeof value === "number" ? Math.log10(Math.max(2, own)) : own);
      most = Math.max(most, own);
      if (typeof value === "string" && value.length > CHARACTERS) {
        kinds |= TEXT;
        unknown = Math.max(unknown, own);
      } else if (typeof value === "number" && !Number.isSafeInteger(value)) kinds |= NUMBER;
      else if (isLong(value)) {
        const many = this.#many(value);
        parts.set(this.#key(many), many);
      } else parts.set(this.#key(value), value);
    }
    let values = [...parts];
    if (values.length > ALTERNATIVES) {
      // Names of Python's are kept first.
      values.sort(([, one], [, other]) => notability(one) - notability(other));
      for (const [, value] of values.slice(ALTERNATIVES)) {
        kinds |= kindOf(value);
        if (typeof value !== "number") unknown = Math.max(unknown, sizeOf(value));
      }
      values = values.slice(0, ALTERNATIVES);
    }
    values.sort(([one], [other]) => one - other);
    if (kinds === 0 && unknown <= constant) unknown = 0;
    const key = `${kinds} ${most} ${unknown} ${bits} ${from} ${keyOf.length} ${keyOf} ${
      values.map(([k]) => k).join(" ")
    }`;
    const same = this.#interned.get(key);
    if (same !== undefined) return same;
    const made: Abstract = {
      id: this.#interned.size,
      known: values.map(([, value]) => value),
      rest: kinds,
      size: most,
      loose: unknown,
      written: Math.max(unknown, written, bits / BITS_PER_DIGIT),
      bits,
      from,
      keyOf,
    };
    this.#interned.set(key, made);
    return made;
  }

  /** A value that may be any of several values. */
  join(...values: readonly Abstract[]): Abstract {
    const [first, ...others] = [...new Set(values)].filter((one) => one !== this.nothing);
    if (first === undefined) return this.nothing;
    if (others.length === 0) return first;
    const [second] = others;
    if (second === undefined || others.length > 1) return this.#union([first, ...others]);
    const pair = first.id * PAIRS + second.id;
    const known = this.#joined.get(pair);
    if (known !== undefined) return known;
    const union = this.#union([first, second]);
    this.#joined.set(pair, union);
    return union;
  }

  #union(all: readonly Abstract[]): Abstract {
    const [{ keyOf } = this.nothing] = all;
    return this.of(
      all.flatMap(({ known }) => known),
      all.reduce((sum, { rest }) => sum | rest, 0),
      {
        size: Math.max(...all.map(({ size }) => size)),
        bits: Math.max(...all.map(({ bits }) => bits)),
        from: Math.max(...all.map(({ from }) => from)),
        keyOf: all.every((one) => one.keyOf === keyOf) ? keyOf : "",
      },
      Math.max(...all.map(({ loose }) => loose)),
    );
  }

  /** The same value with another size, or as a part of another. */
  with(
    value: Abstract,
    { size = value.size, from = value.from, keyOf = value.keyOf }: Omit<Facets, "bits">,
  ): Abstract {
    const loose = size === value.size ? value.loose : size;
    return this.of(value.known, value.rest, { size, bits: value.bits, from, keyOf }, loose);
  }

  /** A list of which only the items are known. */
  many(element: Abstract, size = NOMINAL, count?: number): Abstract {
    return this.of([{ type: "many", element, ...(count !== undefined && { count }) }], 0, { size });
  }

  /**
   * How many items iterating over a value gives at most: characters of a text, keys of a dictionary.
   *
   * @returns undefined where a list that it may be is not counted, and for what is no collection
   */
  countOf(value: Abstract): number | undefined {
    let most = (value.rest & (TEXT | DATA)) === 0 ? undefined : value.size;
    for (const known of value.known) {
      const count = itemsOf(known);
      if (count === "uncounted") return undefined;
      if (count !== undefined) most = Math.max(most ?? 0, count);
    }
    return most;
  }

  /**
   * What a value is that has grown from another, time and again.
   *
   * @param rough true where lists in lists grow too
   */
  widen(before: Abstract, after: Abstract, rough: boolean): Abstract {
    if (before === after) return after;
    this.#lose(after, 0);
    const old = new Set(before.known.map((value) => this.#key(value)));
    const kept = after.known.filter((value) => old.has(this.#key(value)));
    let rest = after.rest;
    const items: Abstract[] = [];
    for (const value of after.known) {
      if (old.has(this.#key(value)) && !isCollection(value)) continue;
      if (!rough && isCollection(value)) items.push(this.elements(value));
      else if (rough || !isCollection(value)) rest |= kindOf(value);
    }
    const lists = items.length === 0
      ? []
      : [{ type: "many", element: this.join(...items) } as const];
    const others = kept.filter((value) => !isCollection(value));
    return this.of([...others, ...lists], rest, { ...after });
  }

  /**
   * The same value with lists of three levels for all the lists that it may be: what a macro is called
   * with, that builds lists for itself, comes to an end.
   */
  flat(value: Abstract): Abstract {
    if (!value.known.some(isCollection)) return value;
    this.#lose(value, 0);
    const found = { known: new Set<Known>(), rest: 0, deep: false };
    this.#leaves(value, found, 0);
    const leaves = [...found.known];
    const texts = leaves.some((one) => typeof one === "string");
    const rest = found.deep && texts ? found.rest | TEXT : found.rest;
    const leaf = this.of(leaves, rest, { size: NOMINAL });
    const inner = this.many(this.join(leaf, this.many(leaf)));
    return this.of(
      [...value.known.filter((one) => !isCollection(one)), ...leaves, {
        type: "many",
        element: this.join(leaf, inner),
      }],
      value.rest | rest,
      value,
    );
  }

  /**
   * A value that is held by a name or an object: an iterator may have been gone through before, and it
   * gives what its list has been given since.
   */
  kept(value: Abstract): Abstract {
    if (!value.known.some(isIterator)) return value;
    this.holdsIterators = true;
    const parts = value.known.map((one) =>
      isIterator(one)
        ? this.known({
          type: "list",
          lazy: "held",
          items: one.items.map(() => this.elements(one)),
        })
        : this.known(one)
    );
    return this.join(...parts, this.of([], value.rest, value));
  }

  /** Takes note of the namespaces that a value may be, which outlive the names that they are bound to. */
  store({ known }: Abstract): void {
    for (const one of known) {
      if (typeof one === "object" && one?.type === "namespace") this.stored.add(one.site);
    }
  }

  /** Takes note of the lists in a value that are about to be no longer told apart. */
  #lose({ known }: Abstract, depth: number): void {
    for (const one of known) {
      if (!isCollection(one)) continue;
      if ("site" in one && one.site !== undefined) this.lost.add(one.site);
      if (depth < LEVELS) this.#lose(this.elements(one), depth + 1);
    }
  }

  /** The constants and other values that lie in the lists that a value may be. */
  #leaves(
    value: Abstract,
    found: { readonly known: Set<Known>; rest: number; deep: boolean },
    depth: number,
  ): void {
    if (depth > LEVELS || found.known.size > ALTERNATIVES) {
      found.rest |= TEXT | OPEN;
      return;
    }
    if (depth > 0) found.rest |= value.rest;
    for (const one of value.known) {
      if (isCollection(one)) {
        found.deep ||= depth > 2;
        this.#leaves(this.elements(one), found, depth + 1);
      } else if (depth > 0) found.known.add(one);
    }
  }

  /** What may be in a list, a dictionary or a text that is known, keys included. */
  elements(value: Known): Abstract {
    if (typeof value === "string") {
      return this.of([...new Set(value)], 0, { size: 1 });
    }
    if (typeof value !== "object" || value === null) return this.nothing;
    if (value.type === "list") return this.join(...value.items);
    if (value.type === "dict") return this.join(...value.pairs.flat());
    return value.type === "many" ? value.element : this.nothing;
  }

  #many(value: Known): Structure {
    if (isCollection(value) && "site" in value && value.site !== undefined) {
      this.lost.add(value.site);
    }
    const element = this.elements(value);
    return { type: "many", element };
  }

  /** The number by which a value is known, the same for equal ones. */
  #key(value: Known): number {
    if (typeof value === "string") return numbered(this.#texts, value, 0);
    if (typeof value !== "object" || value === null) {
      return numbered(this.#others, String(value), 1);
    }
    const known = this.#structures.get(value);
    if (known !== undefined) return known;
    for (const part of partsOf(value)) this.store(part);
    const key = numbered(this.#others, this.#structureKey(value), 1);
    this.#structures.set(value, key);
    return key;
  }

  #structureKey(value: Structure): string {
    switch (value.type) {
      case "list":
        return `${value.lazy ?? ""}${value.tuple ? "tuple" : "list"} ${
          value.fields?.join() ?? ""
        } ${value.site ?? ""}(${value.items.map(({ id }) => id).join(" ")})`;
      case "dict":
        return `dict ${value.site ?? ""}(${
          value.pairs.map(([key, one]) => `${key.id}:${one.id}`).join(" ")
        })`;
      case "many":
        return `many(${value.element.id} ${value.count ?? ""})`;
      case "function":
        return `function(${value.name})`;
      case "method":
        return `method(${value.receiver.id} ${value.name})`;
      case "macro":
      case "caller":
        return `${value.type}(${this.#object(value.block)})`;
      case "object":
        return `${value.kind}(${value.items.id})`;
      case "namespace":
        return `namespace(${value.site})`;
      case "loop":
        return `loop(${this.#object(value.tag)})`;
      case "undefined":
        return "undefined";
    }
  }

  #object(value: object): number {
    const known = this.#objects.get(value);
    if (known !== undefined) return known;
    this.#objects.set(value, this.#objects.size);
    return this.#objects.size - 1;
  }
}

/** The values that a structure consists of. */
function partsOf(value: Structure): readonly Abstract[] {
  switch (value.type) {
    case "list":
      return value.items;
    case "dict":
      return value.pairs.flat();
    case "many":
      return [value.element];
    case "method":
      return [value.receiver];
    case "object":
      return [value.items];
    default:
      return [];
  }
}

/** The number of a key, given when it is first asked for: even ones or odd ones. */
function numbered(numbers: Map<string, number>, key: string, odd: 0 | 1): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const number = 2 * numbers.size + odd;
  numbers.set(key, number);
  return number;
}

/** Binary digits of the largest number that a value may be. */
export function digitsOf({ size, bits }: Abstract): number {
  return bits > 0 ? bits : Math.log2(Math.max(2, size));
}

/** Whether a value is a number and nothing else. */
export function isNumber({ known, rest }: Abstract): boolean {
  return (rest & ~NUMBER) === 0 &&
    known.every((one) => typeof one !== "string" && (typeof one !== "object" || one === null));
}

/** Binary digits that one decimal digit takes. */
export const BITS_PER_DIGIT = Math.log2(10);

/** Characters that a value takes when it is written: a number has its digits. */
export function extentOf(value: Abstract): number {
  return isNumber(value) ? digitsOf(value) / BITS_PER_DIGIT : value.written;
}

/** The size of a number of so many binary digits, as {@linkcode Domain.of} takes it. */
export function sizeOfDigits(digits: number): { readonly size: number; readonly bits: number } {
  return digits > DIGITS ? { size: 2 ** DIGITS, bits: digits } : { size: 2 ** digits, bits: 0 };
}

/** Characters or items of a value with all that is in it. */
function sizeOf(value: Known): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "number") return Math.abs(value);
  if (typeof value !== "object" || value === null) return 1;
  if (value.type === "list") {
    return value.items.reduce((sum, one) => sum + Math.max(1, extentOf(one)), 0);
  }
  if (value.type === "dict") {
    return value.pairs.reduce(
      (sum, [key, one]) => sum + extentOf(key) + Math.max(1, extentOf(one)),
      0,
    );
  }
  return value.type === "object" ? Math.max(1, value.items.size) : 1;
}

/** Of which kind a value is when it is not remembered. */
export function kindOf(value: Known): number {
  if (typeof value === "string") return TEXT;
  if (typeof value !== "object" || value === null) return NUMBER;
  return value.type === "undefined" ? NUMBER : OPEN | TEXT;
}

function isLong(value: Known): boolean {
  if (typeof value !== "object" || value === null) return false;
  return value.type === "list"
    ? value.items.length > ITEMS
    : value.type === "dict" && value.pairs.length > ITEMS;
}

type Collection = Extract<Structure, { type: "list" | "dict" | "many" }>;

/** Whether a value gives what another holds at the time. */
function isIterator(value: Known): value is Extract<Structure, { type: "list" }> {
  return typeof value === "object" && value?.type === "list" &&
    (value.lazy === "iterator" || value.lazy === "view");
}

function isCollection(value: Known): value is Collection {
  return typeof value === "object" && value !== null &&
    (value.type === "list" || value.type === "dict" || value.type === "many");
}

/** Names that begin with an underscore go first, then those that have one. */
function notability(value: Known): number {
  if (typeof value !== "string") return 2;
  return value.startsWith("_") ? 0 : value.includes("_") ? 1 : 2;
}

/** Items of one value; undefined where it has none. */
function itemsOf(known: Known): number | "uncounted" | undefined {
  if (typeof known === "string") return known.length;
  if (typeof known !== "object" || known === null) return undefined;
  if (known.type === "list") return known.items.length;
  if (known.type === "dict") return known.pairs.length;
  return known.type === "many" ? known.count ?? "uncounted" : undefined;
}
