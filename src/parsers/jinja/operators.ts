/**
 * What operators make of texts, numbers and lists that may be several.
 *
 * @module
 */

import { onlyKnown } from "./arguments.ts";
import {
  type Abstract,
  ALTERNATIVES,
  DATA,
  type Known,
  NOMINAL,
  NUMBER,
  OPEN,
  TEXT,
} from "./domain.ts";
import type { Machine, Place } from "./machine.ts";
import { operate, percent, type Plain } from "./plain.ts";
import { estimate, type Extent, kindsOf, MOST, sizeBehind } from "./sizes.ts";

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
export function shownPlain(machine: Machine, value: Known): Plain | undefined {
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

/** Combinations that are computed one by one. None of 120 chat templates has as many. CWE-834. */
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
