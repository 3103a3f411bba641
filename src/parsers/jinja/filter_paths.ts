/**
 * Filters that read attributes by a name or a path, as `jinja2/filters.py` makes attribute getters.
 *
 * @module
 */

import { argument, type Given } from "./arguments.ts";
import { type Abstract, NUMBER } from "./domain.ts";
import type { Machine, Place } from "./machine.ts";

/** Filters that take the path of an attribute: the place of that argument; undefined where it is only named. */
export const BY_ATTRIBUTE: Readonly<Record<string, number | undefined>> = {
  map: undefined,
  groupby: 0,
  selectattr: 0,
  rejectattr: 0,
  sort: 2,
  unique: 1,
  sum: 0,
  min: 1,
  max: 1,
  join: 1,
};

export function attr(machine: Machine, value: Abstract, given: Given, place: Place): Abstract {
  const name = argument(given, machine.domain, "name", 0) ?? machine.domain.undefined;
  return readName(machine, value, name, place);
}

/** Reads the attribute that a value names. */
function readName(machine: Machine, object: Abstract, name: Abstract, place: Place): Abstract {
  const results: Abstract[] = [];
  for (const one of name.known) {
    if (typeof one === "string") results.push(machine.attribute(object, one, place));
    // What other values are written as begins with a bracket and names nothing.
  }
  if ((name.rest & ~NUMBER) !== 0) {
    machine.unknown(place, "attribute");
    results.push(machine.domain.open);
  }
  return machine.domain.join(...results, machine.domain.undefined);
}

/** Reads the attributes of a path such as `function.name` or `role,content`. */
export function readPath(
  machine: Machine,
  object: Abstract,
  path: Abstract,
  place: Place,
): Abstract {
  const results: Abstract[] = [];
  for (const one of path.known) {
    if (typeof one === "number") results.push(machine.item(object, machine.lift(one), place));
    if (typeof one !== "string") continue;
    for (const single of one.split(",")) {
      let value = object;
      for (const part of single.split(".")) {
        const index = /^\d+$/u.test(part) ? Number(part) : part;
        value = machine.item(value, machine.lift(index), place);
      }
      results.push(value);
    }
  }
  if ((path.rest & ~NUMBER) !== 0) {
    machine.unknown(place, "attribute");
    results.push(machine.domain.open);
  }
  return machine.domain.join(...results);
}

export function readPaths(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract | undefined {
  if (name === "map") {
    // With positional arguments `map` applies the filter that the first of them names.
    if (given.positional.length > 0) return undefined;
  }
  const path = argument(given, machine.domain, "attribute", BY_ATTRIBUTE[name]);
  if (path === undefined) return undefined;
  return readPath(machine, machine.iterate(value).element, path, place);
}
