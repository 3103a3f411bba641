/**
 * What methods of `str` make of texts that are known or not.
 *
 * @module
 */

import type { Given } from "./arguments.ts";
import { type Abstract, ALTERNATIVES, DATA, NOMINAL, NUMBER, OPEN, TEXT } from "./domain.ts";
import type { Machine, Place } from "./machine.ts";
import { type Plain, textMethod as plainMethod } from "./plain.ts";
import { MOST, TEXT_MOST } from "./sizes.ts";

const PADDING = new Set(["center", "ljust", "rjust", "zfill"]);

/** Methods of texts that give numbers or truth values. */
const NUMERIC = new Set(
  ("count find rfind index rindex startswith endswith isalnum isalpha isascii isdecimal isdigit " +
    "isidentifier islower isnumeric isprintable isspace istitle isupper").split(" "),
);

/** Methods of texts that leave a part of the conversation what it is, but for its letters' case and ends. */
const KEEPING = new Set("lower upper strip lstrip rstrip title capitalize casefold".split(" "));

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
