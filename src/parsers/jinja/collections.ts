/**
 * Members of dictionaries, and methods that change a list or a dictionary in place.
 *
 * @module
 */

import { type Given, onlyKnown, positionally } from "./arguments.ts";
import { type Abstract, extentOf, type Known } from "./domain.ts";
import type { Machine, Place } from "./machine.ts";

/** Methods that change a list or a dictionary. */
export const CHANGING = new Set(
  "append extend insert update setdefault remove clear sort reverse pop popitem add discard".split(
    " ",
  ),
);

/** Those of them that add nothing to it: what is where, and how much, is not known behind them. */
const SHIFTING = new Set("remove clear sort reverse pop popitem discard".split(" "));

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

export function change(
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
