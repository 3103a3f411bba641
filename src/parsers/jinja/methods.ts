/**
 * What operators and methods of texts, lists and dictionaries make of values that may be several.
 *
 * @module
 */

import { argument, type Given, onlyKnown, positionally } from "./arguments.ts";
import {
  type Abstract,
  ALTERNATIVES,
  DATA,
  digitsOf,
  extentOf,
  isNumber,
  type Known,
  NOMINAL,
  NUMBER,
  OPEN,
  sizeOfDigits,
  TEXT,
} from "./domain.ts";
import { parsePattern, type Piece } from "./format_fields.ts";
import type { Machine, Place } from "./machine.ts";
import { operate, percent, type Plain, specified, textMethod as plainMethod } from "./plain.ts";

/**
 * Characters, digits or items that one method makes. The sandbox's own limit for ranges is a tenth.
 * CWE-770.
 */
const MOST = 1_000_000;
/** Characters of a text made from the conversation's, by estimate. CWE-770. */
const TEXT_MOST = 100_000_000;

const PADDING = new Set(["center", "ljust", "rjust", "zfill"]);
/** Methods of texts that give numbers or truth values. */
const NUMERIC = new Set(
  ("count find rfind index rindex startswith endswith isalnum isalpha isascii isdecimal isdigit " +
    "isidentifier islower isnumeric isprintable isspace istitle isupper").split(" "),
);
/** Methods of texts that leave a part of the conversation what it is, but for its letters' case and ends. */
const KEEPING = new Set("lower upper strip lstrip rstrip title capitalize casefold".split(" "));
/** Methods that change a list or a dictionary. */
const CHANGING = new Set(
  "append extend insert update setdefault remove clear sort reverse pop popitem add discard".split(
    " ",
  ),
);

/** Those of them that add nothing to it: what is where, and how much, is not known behind them. */
const SHIFTING = new Set("remove clear sort reverse pop popitem discard".split(" "));

/** An operator on two values; also used for `%` with the values of a tuple. */
export function textOrNumber(
  machine: Machine,
  operator: string,
  left: Abstract,
  right: Abstract,
  place: Place,
): Abstract {
  const { domain } = machine;
  const { size, bits = 0 } = sizeBehind(operator, left, right);
  estimate(machine, operator, left, right, { size, bits }, place);
  const pairs = left.known.length * right.known.length;
  const exact = pairs > 0 && pairs <= ALTERNATIVES && size <= 4 * MOST;
  const results: Abstract[] = [];
  let rest = restBehind(operator, left.rest, right.rest);
  if (left.rest !== 0 && right.rest === 0) rest |= restBehind(operator, left.rest, kinds(right));
  if (right.rest !== 0 && left.rest === 0) rest |= restBehind(operator, kinds(left), right.rest);
  if (left.rest !== 0 && right.rest !== 0) {
    rest |= restBehind(operator, left.rest | kinds(left), right.rest | kinds(right));
  }
  if (!exact && pairs > 0) rest |= restBehind(operator, kinds(left), kinds(right));
  for (const a of exact ? left.known : []) {
    for (const b of right.known) results.push(combined(machine, operator, a, b, { size, bits }));
  }
  const lists = listsOf(machine, operator, left, right, exact, size);
  const from = operator === "+" ? Math.max(left.from, right.from) : 0;
  return domain.join(...results, lists, domain.of([], rest, { size, bits, from }));
}

/** The most characters or items of a result, and the binary digits of a large number. */
interface Extent {
  readonly size: number;
  readonly bits?: number;
}

function combined(
  machine: Machine,
  operator: string,
  a: Known,
  b: Known,
  extent: Extent,
): Abstract {
  const { domain } = machine;
  const { size } = extent;
  const list = addedLists(machine, a, b, operator, size);
  if (list !== undefined) return list;
  if (operator === "%" && typeof a === "string") {
    const texts = typeof b === "object" && b?.type === "dict"
      ? namesOf(machine, b).map((names) => percent(a, undefined, names))
      : eachOf(
        typeof b === "object" && b?.type === "list" && b.tuple
          ? b.items.map((item) => plainsOf(machine, item))
          : [[shownPlain(machine, b)]],
      ).map((given) => given.every((one) => one !== undefined) ? percent(a, given) : undefined);
    const unknown = texts.length === 0 || texts.includes(undefined);
    return domain.of(texts.filter((one) => one !== undefined), unknown ? TEXT : 0, { size });
  }
  const [x, y] = [machine.plain(a), machine.plain(b)];
  const result = x === undefined || y === undefined ? undefined : operate(operator, x, y);
  if (typeof result === "number" && !Number.isSafeInteger(result)) {
    return domain.of([], NUMBER, extent);
  }
  if (result !== undefined) return machine.lift(result);
  const kind = restBehind(operator, kindsOf(a), kindsOf(b));
  return domain.of([], kind, extent);
}

/** A constant; what is not defined is written as nothing. */
function shownPlain(machine: Machine, value: Known): Plain | undefined {
  if (typeof value === "object" && value !== null) {
    if (value.type === "undefined") return "";
    if (value.type === "list" && value.tuple) return undefined;
  }
  return machine.plain(value);
}

/** The constants that a value may be; undefined among them is what is not known. */
function plainsOf(machine: Machine, { known, rest }: Abstract): (Plain | undefined)[] {
  const plains = known.map((one) => shownPlain(machine, one));
  return rest === 0 && plains.length > 0 ? plains : [...plains, undefined];
}

/** Combinations that are computed one by one. */
const COMBINED = 64;

/** One of each list, in every way; nothing where the ways are too many. */
function eachOf<Item>(lists: readonly (readonly Item[])[]): Item[][] {
  if (lists.reduce((count, list) => count * list.length, 1) > COMBINED) return [];
  return lists.reduce<Item[][]>(
    (ways, list) => ways.flatMap((way) => list.map((one) => [...way, one])),
    [[]],
  );
}

/** Names and values of a dictionary, those that are known, in every way that it may be. */
function namesOf(
  machine: Machine,
  dict: Extract<Known, { type: "dict" }>,
): ReadonlyMap<string, Plain>[] {
  if (machine.changed(dict) !== machine.domain.nothing) return [];
  const names: string[] = [];
  const values: (Plain | undefined)[][] = [];
  for (const [key, value] of dict.pairs) {
    const name = onlyKnown(key);
    if (typeof name !== "string") continue;
    names.push(name);
    values.push(plainsOf(machine, value));
  }
  return eachOf(values).map((way) => {
    const pairs = names.map((name, at) => [name, way[at]] as const);
    return new Map(pairs.filter((pair): pair is [string, Plain] => pair[1] !== undefined));
  });
}

function addedLists(
  machine: Machine,
  a: Known,
  b: Known,
  operator: string,
  size: number,
): Abstract | undefined {
  const { domain } = machine;
  if (operator !== "+" || typeof a !== "object" || typeof b !== "object") return undefined;
  if (a?.type !== "list" || b?.type !== "list") return undefined;
  const changes = domain.join(machine.changed(a), machine.changed(b));
  if (changes !== domain.nothing) {
    return domain.many(domain.join(domain.elements(a), domain.elements(b), changes), size);
  }
  const items = [...a.items, ...b.items];
  return domain.known({ type: "list", items, ...(a.tuple && { tuple: true }) });
}

/** Lists that grow by what is not known item by item, and lists that are repeated. */
function listsOf(
  machine: Machine,
  operator: string,
  left: Abstract,
  right: Abstract,
  exact: boolean,
  size: number,
): Abstract {
  const { domain } = machine;
  if (operator !== "+" && operator !== "*") return domain.nothing;
  const collections = [...left.known, ...right.known].filter(isList);
  if (collections.length === 0) return domain.nothing;
  const many = collections.some(({ type }) => type === "many");
  if (exact && left.rest === 0 && right.rest === 0 && !many && operator === "+") {
    return domain.nothing;
  }
  const parts = collections.map((one) => domain.join(domain.elements(one), machine.changed(one)));
  const unknown = operator === "+"
    ? domain.of([], (left.rest | right.rest) & ~NUMBER, { size: NOMINAL })
    : domain.nothing;
  const [first, second] = [domain.countOf(left), domain.countOf(right)];
  const count = operator === "*"
    ? repeated(first ?? second, size / Math.max(1, (first === undefined ? right : left).size))
    : first === undefined || second === undefined
    ? undefined
    : first + second;
  return domain.many(domain.join(...parts, unknown), size, count);
}

function repeated(count: number | undefined, times: number): number | undefined {
  return count === undefined ? undefined : Math.ceil(count * times);
}

function isList(value: Known): value is Extract<Known, { type: "list" | "many" }> {
  return typeof value === "object" && value !== null &&
    (value.type === "list" || value.type === "many");
}

function kindsOf(value: Known): number {
  if (typeof value === "string") return TEXT;
  if (typeof value === "object" && value !== null) return value.type === "undefined" ? NUMBER : 0;
  return NUMBER;
}

function kinds(value: Abstract): number {
  return value.known.reduce((sum: number, one) => sum | kindsOf(one), value.rest);
}

/** Of which kind a result is when the operands are of these kinds. */
function restBehind(operator: string, left: number, right: number): number {
  if (left === 0 || right === 0) return 0;
  if (operator === "~") return TEXT;
  if (operator === "-" || operator === "/" || operator === "//" || operator === "**") return NUMBER;
  const both = left | right;
  if ((both & ~NUMBER) === 0) return NUMBER;
  if (operator === "%") return (left & ~NUMBER) === 0 ? NUMBER : NUMBER | TEXT;
  if (operator === "+") {
    // A number and a text cannot be added.
    const texts = left & right & ~NUMBER;
    const mixed = (left & ~NUMBER) !== 0 && (right & ~NUMBER) !== 0;
    const unknown = (both & (DATA | OPEN)) !== 0 ? NUMBER : 0;
    return (mixed || texts !== 0 ? TEXT : 0) | ((left & right & NUMBER) | unknown);
  }
  return NUMBER | TEXT;
}

function sizeBehind(operator: string, left: Abstract, right: Abstract): Extent {
  const [a, b] = [digitsOf(left), digitsOf(right)];
  const size = left.size + right.size;
  switch (operator) {
    case "+":
    case "-":
    case "~":
      return left.bits + right.bits > 0 ? sizeOfDigits(Math.max(a, b) + 1) : { size };
    case "*": {
      const product = Math.max(1, left.size) * Math.max(1, right.size);
      return product < 2 ** 1000 && left.bits + right.bits === 0
        ? { size: product }
        : sizeOfDigits(a + b);
    }
    case "**": {
      const power = left.size ** right.size;
      return power < 2 ** 1000 ? { size: power } : sizeOfDigits(a * right.size);
    }
    case "%":
      return {
        size: Math.max(
          filledSize(left, right),
          ...left.known.map(widthOf),
          left.known.some((one) => typeof one === "string" && /%[-+ #0]*\d*\.?\*/u.test(one))
            ? largestNumber(right)
            : 0,
        ),
      };
    default:
      return { size: Math.max(left.size, right.size), bits: Math.max(left.bits, right.bits) };
  }
}

/** The characters of a `%` pattern that is filled in: a name may be written in many of its fields. */
function filledSize(pattern: Abstract, given: Abstract): number {
  const fields = pattern.known.map((one) =>
    typeof one === "string" ? one.split("%").length - 1 : 0
  );
  if ((pattern.rest & TEXT) !== 0) fields.push(pattern.size / 2);
  const once = given.rest === 0 &&
    given.known.every((one) => typeof one === "object" && one?.type === "list" && one.tuple);
  // A value is written out by `%r` with a backslash before each backslash.
  const escapes = pattern.known.some((one) => typeof one === "string" && /%[^%]*?[ra]/u.test(one));
  return pattern.size +
    given.size * (once ? 1 : Math.max(1, ...fields)) * (escapes ? ESCAPED : 1);
}

/** The largest number among the items of a list, which may be the width of a field: `%*d`. */
function largestNumber(given: Abstract): number {
  return Math.max(
    ...given.known.map((one) =>
      typeof one === "object" && one?.type === "list"
        ? Math.max(0, ...one.items.filter(isNumber).map(({ size }) => size))
        : 0
    ),
    0,
  );
}

/** Characters that one character is written as where a text is written out, at least where it is again. */
export const ESCAPED = 2;

/** The widest field of a `%` or `format` pattern. */
function widthOf(value: Known): number {
  if (typeof value !== "string") return 0;
  const widths = [...value.matchAll(/(?:%[-+ #0]*|%[^%]*\.|:[^{}]*?)(\d{5,})/gu)].map(([, width]) =>
    Number(width)
  );
  return Math.max(0, ...widths);
}

function estimate(
  machine: Machine,
  operator: string,
  left: Abstract,
  right: Abstract,
  { size, bits = 0 }: Extent,
  place: Place,
): void {
  const numbers = (value: Abstract): boolean =>
    (value.rest & ~NUMBER) === 0 && value.known.every((one) => kindsOf(one) === NUMBER);
  if (operator === "**") {
    const digits = right.size * digitsOf(left);
    if (digits > MOST) machine.cost(place, "power", digits);
    return;
  }
  if (operator === "*" && bits > MOST) machine.cost(place, "digits", bits);
  if (operator === "*" && !(numbers(left) && numbers(right))) {
    const times = Math.max(numbers(left) ? left.size : 0, numbers(right) ? right.size : 0);
    if (times > MOST || size > TEXT_MOST) machine.cost(place, "repeat", size);
    return;
  }
  if (operator === "%" && size > MOST && !numbers(left)) machine.cost(place, "pad", size);
  if ((operator === "+" || operator === "~") && !(numbers(left) && numbers(right))) {
    if (size > TEXT_MOST) machine.cost(place, "size", size);
  }
}

/** A method of `str` on texts that are known or not. */
export function textMethod(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  if (NUMERIC.has(name)) return domain.number;
  const size = methodSize(name, value, given);
  if (PADDING.has(name) && size > MOST || name === "expandtabs" && size > MOST) {
    machine.cost(place, "pad", size);
  } else if (size > TEXT_MOST) machine.cost(place, "size", size);
  const texts = value.known.filter((one) => typeof one === "string");
  let rest = 0;
  if ((value.rest & TEXT) !== 0 || texts.length < value.known.length) rest |= TEXT;
  if ((value.rest & DATA) !== 0) {
    rest |= KEEPING.has(name) && given.positional.length + given.named.size === 0
      ? DATA
      : DATA | TEXT;
  }
  if ((value.rest & OPEN) !== 0) rest |= OPEN;
  const unknown = given.more !== undefined || given.others !== undefined || given.named.size > 0;
  const results: Abstract[] = [];
  const rows = unknown || size > 4 * MOST ? undefined : combinations(machine, given.positional);
  for (const text of texts) {
    for (const row of rows ?? [undefined]) {
      const computed = row === undefined ? undefined : plainMethod(name, text, row);
      results.push(computed === undefined ? domain.of([], TEXT, { size }) : machine.lift(computed));
    }
  }
  if (name === "split" || name === "rsplit" || name === "partition" || name === "splitlines") {
    if (rest !== 0) {
      return domain.join(
        ...results,
        domain.many(domain.of([], TEXT, { size, from: value.from }), size, size),
      );
    }
  }
  return domain.join(...results, domain.of([], rest, { size, from: value.from }));
}

/** All combinations of what arguments are; undefined when one is not known, or there are too many. */
function combinations(machine: Machine, values: readonly Abstract[]): Plain[][] | undefined {
  let rows: Plain[][] = [[]];
  for (const value of values) {
    if (value.rest !== 0 || rows.length * value.known.length > ALTERNATIVES) return undefined;
    const plain = value.known.map((one) => machine.plain(one));
    rows = rows.flatMap((row) => plain.map((one) => [...row, one ?? UNCOMPUTED]));
    if (plain.includes(undefined)) return undefined;
  }
  return rows;
}
const UNCOMPUTED: Plain = null;

function methodSize(name: string, value: Abstract, given: Given): number {
  const [first, second] = given.positional;
  const own = Math.max(1, value.size);
  if (name === "replace" && second !== undefined) {
    const old = Math.max(
      1,
      Math.min(
        ...(first?.known ?? []).map((one) => typeof one === "string" ? one.length : 1),
        NOMINAL,
      ),
    );
    return own + (own / old) * second.size;
  }
  if (name === "join" && first !== undefined) return own * Math.max(1, first.size) + first.size;
  if (PADDING.has(name) && first !== undefined) return Math.max(own, numeric(first));
  if (name === "translate" && first !== undefined) {
    return own * Math.max(1, first.size);
  }
  if (name === "expandtabs") return own * Math.max(8, first === undefined ? 8 : numeric(first));
  return own;
}

function numeric(value: Abstract): number {
  const numbers = value.known.map((one) => typeof one === "number" ? one : 0);
  return Math.max(0, ...numbers, (value.rest & NUMBER) !== 0 ? value.size : 0);
}

/** Calls a method of what a value may be. */
export function callMethod(
  machine: Machine,
  receiver: Abstract,
  name: string,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  if (name === "format") return format(machine, receiver, given, place);
  if (name === "format_map") return format(machine, receiver, ofMapping(machine, given), place);
  const results: Abstract[] = [];
  const collections = receiver.known.filter((one) => typeof one === "object");
  for (const one of collections) {
    if (one !== null) {
      const value = domain.of([one], 0, { size: receiver.size });
      results.push(collectionMethod(machine, value, name, given, place));
    }
  }
  // What `pop` gives was there before.
  if (CHANGING.has(name)) results.push(change(machine, receiver, name, given, place));
  const texts = domain.of(
    receiver.known.filter((one) => typeof one === "string"),
    receiver.rest & ~(DATA | OPEN | NUMBER),
    receiver,
  );
  if (texts !== domain.nothing && texts.known.length + texts.rest > 0) {
    results.push(
      name === "join"
        ? joinItems(machine, texts, given, place)
        : textMethod(machine, name, texts, given, place),
    );
  }
  if ((receiver.rest & DATA) !== 0) {
    results.push(dataMethod(machine, domain.of([], DATA, receiver), name, given, place));
  }
  if ((receiver.rest & OPEN) !== 0) results.push(domain.open);
  const numbers = receiver.known.some((one) =>
    one === null || typeof one === "number" || typeof one === "boolean"
  );
  if (numbers || (receiver.rest & NUMBER) !== 0) {
    results.push(domain.of([], NUMBER | TEXT, { size: NOMINAL }));
  }
  return domain.join(...results);
}

function joinItems(machine: Machine, separator: Abstract, given: Given, place: Place): Abstract {
  const [first] = given.positional;
  if (first === undefined) return machine.domain.text;
  const { items, element } = machine.iterate(first);
  if (items === undefined) {
    const size = Math.max(1, first.size) * (separator.size + Math.max(1, element.size));
    if (size > TEXT_MOST) machine.cost(place, "size", size);
    return machine.domain.of([], TEXT, { size });
  }
  let all = machine.domain.known("");
  items.forEach((item, at) => {
    if (at > 0) all = textOrNumber(machine, "+", all, separator, place);
    all = textOrNumber(machine, "+", all, item, place);
  });
  return all;
}

/** A method of a part of the conversation: of a text, a list or a dictionary. */
function dataMethod(
  machine: Machine,
  value: Abstract,
  name: string,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  if (name === "get" || name === "pop" || name === "setdefault") {
    const other = argument(given, domain, "default", 1);
    return domain.join(value, other ?? domain.nothing);
  }
  if (/^(?:items|keys|values|copy)$/u.test(name)) return value;
  if (name === "join") return joinItems(machine, value, given, place);
  if (/^[a-z]+$/u.test(name)) return textMethod(machine, name, value, given, place);
  return domain.of([], DATA | TEXT, value);
}

function collectionMethod(
  machine: Machine,
  value: Abstract,
  name: string,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  const { element } = machine.iterate(value);
  const inside = domain.join(...value.known.map((one) => domain.elements(one)), element);
  switch (name) {
    case "get": {
      const key = argument(given, domain, "key", 0);
      const other = argument(given, domain, "default", 1) ?? domain.known(null);
      const [only] = value.known;
      if (key !== undefined && typeof only === "object" && only?.type === "dict") {
        return memberOf(machine, only, key) ?? domain.join(inside, other);
      }
      return domain.join(inside, other);
    }
    case "popitem":
      return domain.known({ type: "list", tuple: true, items: [inside, inside] });
    case "pop":
    case "setdefault":
      return domain.join(inside, ...given.positional);
    case "items": {
      const pair = domain.known({ type: "list", tuple: true, items: [inside, inside] });
      const [only] = value.known;
      if (
        typeof only === "object" && only?.type === "dict" &&
        machine.changed(only) === domain.nothing
      ) {
        return domain.known({
          type: "list",
          lazy: "view",
          items: only.pairs.map(([key, one]) =>
            domain.known({ type: "list", tuple: true, items: [key, one] })
          ),
        });
      }
      return domain.many(pair, value.size);
    }
    case "copy":
      return value;
    case "keys": {
      const { items } = machine.iterate(value);
      return items === undefined
        ? domain.many(element, value.size)
        : domain.known({ type: "list", lazy: "view", items });
    }
    case "values": {
      const [only] = value.known;
      const whole = typeof only === "object" && only?.type === "dict" &&
        machine.changed(only) === domain.nothing;
      return whole
        ? domain.known({ type: "list", lazy: "view", items: only.pairs.map(([, one]) => one) })
        : domain.many(inside, value.size);
    }
    case "append":
    case "extend":
    case "insert":
    case "update":
    case "remove":
    case "clear":
    case "sort":
    case "reverse":
      return domain.known(null);
    case "count":
    case "index":
      return domain.number;
    default:
      return callOther(machine, value, name, given, place);
  }
}

function callOther(
  machine: Machine,
  value: Abstract,
  name: string,
  given: Given,
  place: Place,
): Abstract {
  const [only] = value.known;
  if (typeof only === "object" && only?.type === "object") {
    if (name === "next" || name === "current") return only.items;
    return machine.domain.known(null);
  }
  if (typeof only === "object" && only?.type === "loop" && name === "cycle") {
    return machine.domain.join(...given.positional, given.more ?? machine.domain.nothing);
  }
  // What a dictionary holds under that name.
  if (typeof only === "object" && only?.type === "dict") {
    const member = memberOf(machine, only, machine.lift(name));
    if (member !== undefined) return machine.call(member, given, place);
    const inside = machine.domain.elements(only);
    const functions = inside.known.some((one) => typeof one === "object" && one !== null);
    if (functions || inside.rest !== 0) {
      return machine.domain.join(machine.domain.text, machine.domain.open);
    }
  }
  return machine.domain.text;
}

/** The value of a dictionary under a key; undefined when it may have others, or none. */
export function memberOf(
  machine: Machine,
  dict: Extract<Known, { type: "dict" }>,
  key: Abstract,
): Abstract | undefined {
  const only = onlyKnown(key);
  if (only === undefined || typeof only === "object") return undefined;
  let found: Abstract | undefined;
  for (const [own, value] of dict.pairs) {
    const one = onlyKnown(own);
    if (one === undefined) return undefined;
    if (keyOf(one) === keyOf(only)) found = value;
  }
  if (machine.changed(dict) === machine.domain.nothing) return found;
  const given = typeof only === "string" ? machine.givenUnder(dict, only) : undefined;
  return given === undefined ? undefined : machine.domain.join(found ?? given, given);
}

/** A key as dictionaries compare it: the truth values are the numbers one and zero. */
function keyOf(key: Known): Known {
  return typeof key === "boolean" ? Number(key) : key;
}

/** What is in a value, keys and values. */
function within(machine: Machine, value: Abstract): Abstract {
  const { domain } = machine;
  const inside = value.known.map((one) => domain.elements(one));
  const listed = value.known.some((one) => typeof one === "object" && one?.type !== "dict");
  const pairs = listed ? inside.map((one) => machine.iterate(one).element) : [];
  return domain.join(...inside, ...pairs, machine.iterate(value).element);
}

function change(
  machine: Machine,
  receiver: Abstract,
  name: string,
  given: Given,
  place: Place,
): Abstract {
  const key = given.named.get("key") ?? given.others;
  if (name === "sort" && key !== undefined) {
    const { element } = machine.iterate(receiver);
    machine.call(key, positionally(element), place);
  }
  const parts = [...given.positional, given.more].filter((one) => one !== undefined);
  const spread = name === "extend" || name === "update";
  const all = [...parts, ...given.named.values(), given.others].filter((one) => one !== undefined);
  const shifts = SHIFTING.has(name);
  const size = shifts ? 0 : all.reduce((sum, one) => sum + Math.max(1, extentOf(one)), 0);
  const count = shifts
    ? 0
    : spread
    ? all.reduce((sum, one) => sum + (machine.domain.countOf(one) ?? one.size), 0)
    : 1;
  const values = shifts ? machine.domain.undefined : machine.domain.join(
    ...parts.map((one) => spread ? within(machine, one) : one),
    ...[...given.named].flatMap(([own, one]) => [machine.lift(own), one]),
    given.others ?? machine.domain.nothing,
    given.others === undefined ? machine.domain.nothing : within(machine, given.others),
  );
  const pairs = name === "update" ? pairsOf(machine, given) : undefined;
  machine.put(receiver, values, { pairs, size, count, place });
  return machine.domain.nothing;
}

/** What `update` is given by key; undefined unless all of it is known. */
function pairsOf(machine: Machine, given: Given): ReadonlyMap<string, Abstract> | undefined {
  if (given.more !== undefined || given.others !== undefined) return undefined;
  const pairs = new Map<string, Abstract>();
  for (const one of given.positional) {
    const only = onlyKnown(one);
    if (typeof only !== "object" || only?.type !== "dict") return undefined;
    if (machine.changed(only) !== machine.domain.nothing) return undefined;
    for (const [key, value] of only.pairs) {
      const name = onlyKnown(key);
      if (typeof name !== "string") return undefined;
      pairs.set(name, value);
    }
  }
  for (const [name, value] of given.named) pairs.set(name, value);
  return pairs;
}

/** Arguments that a mapping stands for. */
function ofMapping(machine: Machine, given: Given): Given {
  const [mapping] = given.positional;
  const only = mapping === undefined ? undefined : onlyKnown(mapping);
  const { domain } = machine;
  const others = mapping === undefined
    ? given.more ?? given.others ?? domain.text
    : domain.join(...mapping.known.map((one) => domain.elements(one)), domain.of([], mapping.rest));
  if (
    typeof only !== "object" || only?.type !== "dict" || machine.changed(only) !== domain.nothing
  ) {
    return { positional: [], named: new Map(), more: others, others };
  }
  const named = only.pairs.flatMap(([key, value]) => {
    const name = onlyKnown(key);
    return typeof name === "string" ? [[name, value] as const] : [];
  });
  const more = named.length < only.pairs.length ? others : undefined;
  return { positional: [], named: new Map(named), more, others: more };
}

/** `pattern.format(…)`: reaches what its fields name. */
function format(machine: Machine, pattern: Abstract, given: Given, place: Place): Abstract {
  const { domain } = machine;
  const results: Abstract[] = [];
  for (const one of pattern.known) {
    if (typeof one === "string") results.push(formatted(machine, one, given, place, 0));
    else if (typeof one === "object" && one !== null) {
      // A dictionary may hold something to call under that name; a list has none.
      const member = one.type === "dict"
        ? memberOf(machine, one, machine.lift("format"))
        : undefined;
      const held = member ?? domain.join(domain.elements(one), machine.changed(one));
      results.push(machine.call(held, given, place));
    }
  }
  if ((pattern.rest & ~NUMBER) !== 0) {
    machine.unknown(place, "attribute");
    results.push(domain.text);
  }
  return domain.join(...results);
}

function formatted(
  machine: Machine,
  pattern: string,
  given: Given,
  place: Place,
  depth: number,
): Abstract {
  const { domain } = machine;
  const width = widthOf(pattern);
  if (width > MOST) machine.cost(place, "pad", width);
  const { pieces, complete } = parsePattern(pattern);
  let all = domain.known("");
  let next = 0;
  for (const piece of pieces) {
    if (piece.type === "text") {
      all = textOrNumber(machine, "+", all, domain.known(piece.text), place);
      continue;
    }
    const number = piece.argument === "" ? next++ : undefined;
    const value = fieldValue(machine, piece, number, given, place);
    let specification = domain.known(piece.specification);
    if (/[{}]/u.test(piece.specification)) {
      const inner = depth > 1
        ? domain.text
        : formattedFrom(machine, piece.specification, given, place, depth + 1, next);
      next += (piece.specification.match(/\{(?=[}:!.[])/gu) ?? []).length;
      specification = inner;
    }
    all = textOrNumber(
      machine,
      "+",
      all,
      fieldText(machine, piece, value, specification, place),
      place,
    );
  }
  return complete ? all : domain.join(all, domain.text);
}

/** A specification whose fields without numbers take the arguments behind those already taken. */
function formattedFrom(
  machine: Machine,
  pattern: string,
  given: Given,
  place: Place,
  depth: number,
  taken: number,
): Abstract {
  return formatted(
    machine,
    pattern,
    { ...given, positional: given.positional.slice(taken) },
    place,
    depth,
  );
}

function fieldValue(
  machine: Machine,
  piece: Extract<Piece, { type: "field" }>,
  number: number | undefined,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  const place_ = number ?? (/^\d+$/u.test(piece.argument) ? Number(piece.argument) : undefined);
  let value = place_ === undefined
    ? given.named.get(piece.argument) ?? given.others ??
      domain.join(...given.positional, domain.text)
    : given.positional[place_] ?? given.more ?? domain.undefined;
  for (const { attribute, name } of piece.steps) {
    if (attribute) value = machine.attribute(value, name, place);
    else {
      const index = /^\d+$/u.test(name) ? Number(name) : name;
      value = machine.item(value, machine.lift(index), place);
    }
  }
  return value;
}

function fieldText(
  machine: Machine,
  { conversion }: Extract<Piece, { type: "field" }>,
  value: Abstract,
  specification: Abstract,
  place: Place,
): Abstract {
  const { domain } = machine;
  const size = Math.max(
    value.size,
    ...specification.known.map((one) =>
      typeof one === "string" ? Number(/(\d+)\w?$/u.exec(one)?.[1] ?? 0) : 0
    ),
  );
  if (size > MOST && value.size <= MOST) machine.cost(place, "pad", size);
  const written = conversion === "r" || conversion === "a" ? size * ESCAPED : size;
  if (specification.rest !== 0) {
    if ((specification.rest & ~NUMBER) !== 0 || specification.size > 0) {
      return domain.of([], TEXT, { size: Math.max(written, NOMINAL) });
    }
  }
  const shown = conversion === "s" ? machine.display(value) : value;
  const results = shown.known.flatMap((one) =>
    specification.known.map((by) => {
      const plain = conversion !== "" && conversion !== "s"
        ? undefined
        : by === ""
        ? shownPlain(machine, one)
        : machine.plain(one);
      const text = plain === undefined || typeof by !== "string" ? undefined : specified(plain, by);
      return text === undefined ? domain.of([], TEXT, { size: written }) : domain.known(text);
    })
  );
  return domain.join(...results, domain.of([], shown.rest === 0 ? 0 : TEXT, { size: written }));
}
