/**
 * How large the results of operators are at most, and which of them are too large.
 *
 * @module
 */

import {
  type Abstract,
  digitsOf,
  isNumber,
  type Known,
  NUMBER,
  sizeOfDigits,
  TEXT,
} from "./domain.ts";
import type { Machine, Place } from "./machine.ts";

/**
 * Characters, digits or items that one method makes. The sandbox's own limit for ranges is a tenth. The most
 * in 120 chat templates are 10. CWE-770.
 */
export const MOST = 1_000_000;

/**
 * Characters of a text made from the conversation's, by estimate. The longest in 120 chat templates has
 * 3,172,688. CWE-770.
 */
export const TEXT_MOST = 100_000_000;

/** The most characters or items of a result, and the binary digits of a large number. */
export interface Extent {
  readonly size: number;
  readonly bits?: number;
}

export function kindsOf(value: Known): number {
  if (typeof value === "string") return TEXT;
  if (typeof value === "object" && value !== null) return value.type === "undefined" ? NUMBER : 0;
  return NUMBER;
}

export function sizeBehind(operator: string, left: Abstract, right: Abstract): Extent {
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
          left.known.some((one) => typeof one === "string" && /%[-+ #\d]*\.?\*/u.test(one))
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
export function widthOf(value: Known): number {
  if (typeof value !== "string") return 0;
  let widest = 0;
  let end = 0;
  /** True behind a `%` with no other than flags since, and behind any `%`. */
  let [flags, isBehindSign] = [false, false];
  for (const { 0: digits, index: at } of value.matchAll(/\d{5,}/gu)) {
    const between = value.slice(end, at);
    const sign = between.lastIndexOf("%");
    if (sign >= 0) [flags, isBehindSign] = [true, true];
    flags &&= /^[-+ #\d]*$/u.test(between.slice(sign + 1));
    const brace = Math.max(between.lastIndexOf("{"), between.lastIndexOf("}"));
    if (flags || (isBehindSign && between.endsWith(".")) || between.includes(":", brace + 1)) {
      widest = Math.max(widest, Number(digits));
    }
    end = at + digits.length;
  }
  return widest;
}

export function estimate(
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
