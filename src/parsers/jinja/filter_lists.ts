/**
 * What filters for lists and dictionaries make, after `jinja2/filters.py`.
 *
 * @module
 */

import { argument, type Given, onlyKnown } from "./arguments.ts";
import { type Abstract, DATA, type Known, NUMBER, TEXT } from "./domain.ts";
import { readPath } from "./filter_paths.ts";
import { numberOf, overTexts, PADDED } from "./filter_texts.ts";
import type { Machine, Place } from "./machine.ts";
import { truth } from "./plain.ts";

/** Items in another order, or some of them. */
export function chosen(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  const { element, items } = machine.iterate(value);
  const bare = given.positional.length === 0 && given.more === undefined;
  if (items !== undefined && items.length <= COUNTED) {
    if (name === "sort") return inAnyOrder(machine, value);
    if (name === "unique" && items.length < 2) return iterator(machine, items);
    const test = given.positional.length === 1 ? given.positional[0] : undefined;
    const none = test !== undefined && onlyKnown(test) === "none";
    if (name === "reject" && none && items.every((one) => isNot(one, null))) {
      return iterator(machine, items);
    }
    const truths = items.map((one) => truthOf(machine, one));
    if (name === "select" && bare && !truths.includes(undefined)) {
      return iterator(machine, items.filter((_, at) => truths[at]));
    }
    const path = byAttribute(name) && given.named.size === 0 && given.positional.length === 1 &&
        given.more === undefined && given.others === undefined
      ? given.positional[0]
      : undefined;
    if (path !== undefined) {
      const kept = items.map((one) => truthOf(machine, readPath(machine, one, path, place)));
      if (!kept.includes(undefined)) {
        const wanted = name === "selectattr";
        return iterator(machine, items.filter((_, at) => kept[at] === wanted));
      }
    }
  }
  return passedOn(
    machine,
    value,
    domain.many(element, Math.max(1, value.size), domain.countOf(value)),
  );
}

/** Items of which the order is not computed: each may be any of them. */
export function inAnyOrder(machine: Machine, value: Abstract): Abstract {
  const { domain } = machine;
  const { element, items } = machine.iterate(value);
  if (items === undefined) return value;
  return items.length <= COUNTED
    ? domain.known({ type: "list", items: items.map(() => element) })
    : domain.many(element, Math.max(1, value.size), items.length);
}

function byAttribute(name: string): boolean {
  return name === "selectattr" || name === "rejectattr";
}

/**
 * Items of a list that is sorted item by item. None of 120 chat templates sorts a list that it wrote.
 * CWE-407.
 */
export const COUNTED = 64;

/** Whether a value is surely another. */
function isNot({ known, rest }: Abstract, other: Known): boolean {
  return (rest & ~TEXT) === 0 && known.length > 0 && !known.includes(other);
}

function truthOf(machine: Machine, value: Abstract): boolean | undefined {
  const only = onlyKnown(value);
  if (typeof only === "object" && only !== null && only.type === "undefined") return false;
  const plain = only === undefined ? undefined : machine.plain(only);
  return plain === undefined ? undefined : truth(plain);
}

/** Filters pass on of which loop's variable a value is a part. */
export function passedOn(machine: Machine, value: Abstract, result: Abstract): Abstract {
  return value.from === 0 ? result : machine.domain.with(result, { from: value.from });
}

export function listed(machine: Machine, value: Abstract): Abstract {
  const { domain } = machine;
  const { element, items } = machine.iterate(value);
  if (items !== undefined) {
    return domain.known({ type: "list", items: items.map((one) => domain.kept(one)) });
  }
  if ((value.rest & DATA) !== 0 && value.known.length === 0) return value;
  return passedOn(
    machine,
    value,
    domain.many(element, Math.max(1, value.size), domain.countOf(value)),
  );
}

export function reversed(machine: Machine, value: Abstract): Abstract {
  const { domain } = machine;
  const texts = value.known.every((known) => typeof known === "string");
  if (texts && value.rest === 0) {
    return overTexts(machine, value, (text) => [...text].reverse().join(""));
  }
  const { element, items } = machine.iterate(value);
  if (items !== undefined) return iterator(machine, items.toReversed());
  const some = value.known.some((one) => typeof one === "string") || (value.rest & ~NUMBER) !== 0;
  return domain.join(
    domain.many(element, Math.max(1, value.size), domain.countOf(value)),
    domain.of([], some ? TEXT : 0, value),
    domain.of([], value.rest & DATA, value),
  );
}

export function one(machine: Machine, name: string, value: Abstract): Abstract {
  const { element, items } = machine.iterate(value);
  const at = name === "first" ? items?.[0] : name === "last" ? items?.at(-1) : undefined;
  if (at !== undefined) return at;
  return (items?.length ?? 0) > 0
    ? element
    : machine.domain.join(element, machine.domain.undefined);
}

/** What most filters give of a list: it is gone through once, and is true even when it is empty. */
export function iterator(machine: Machine, items: readonly Abstract[]): Abstract {
  return machine.domain.known({ type: "list", lazy: "iterator", items });
}

/** Pairs of keys and values. */
export function items(machine: Machine, value: Abstract): Abstract {
  const { domain } = machine;
  const only = onlyKnown(value);
  if (
    typeof only === "object" && only !== null && only.type === "dict" &&
    machine.changed(only) === domain.nothing
  ) {
    return iterator(
      machine,
      only.pairs.map(([key, one]) =>
        domain.known({ type: "list", tuple: true, items: [key, one] })
      ),
    );
  }
  // Pairs of the conversation's are parts of it.
  if (value.rest === DATA && value.known.length === 0) return value;
  const inside = value.known.map((known) => domain.elements(known));
  const element = domain.join(
    ...inside,
    machine.iterate(value).element,
    domain.of([], value.rest, value),
  );
  const pair = domain.known({ type: "list", tuple: true, items: [element, element] });
  return passedOn(
    machine,
    value,
    domain.many(pair, Math.max(1, value.size), domain.countOf(value)),
  );
}

export function batched(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  const count = argument(given, domain, "linecount", 0) ?? argument(given, domain, "slices", 0);
  const fill = argument(given, domain, "fill_with", 1);
  const size = Math.max(value.size, count === undefined ? 1 : numberOf(count));
  if (fill !== undefined || name === "slice" || machine.iterate(value).items === undefined) {
    if (numberOf(count ?? domain.nothing) > PADDED) machine.cost(place, "pad", size);
  }
  const { items, element } = machine.iterate(value);
  const each = count === undefined ? undefined : onlyKnown(count);
  if (items !== undefined && items.length <= COUNTED && typeof each === "number" && each > 0) {
    const given = fill === undefined ? null : onlyKnown(fill);
    const filling = given === null ? undefined : fill;
    const exact = filling === undefined || name === "batch" && items.length % each === 0;
    const parts = name === "batch" ? batches(items, each) : slices(items, each, filling);
    if (exact || given !== undefined && name === "slice") {
      const lists = parts.map((part) => domain.known({ type: "list", items: part }));
      if (lists.length <= COUNTED) return iterator(machine, lists);
    }
  }
  const inside = domain.join(element, fill ?? domain.nothing);
  const counted = domain.countOf(value);
  const most = counted === undefined ? undefined : Math.max(counted, size);
  return domain.many(domain.many(inside, size, most), size, most);
}

function batches<Item>(items: readonly Item[], each: number): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += each) parts.push(items.slice(at, at + each));
  return parts;
}

/** The first slices have one more where the items cannot be shared out evenly; the others are filled up, always. */
function slices<Item>(items: readonly Item[], count: number, filling: Item | undefined): Item[][] {
  const each = Math.floor(items.length / count);
  const more = items.length % count;
  return Array.from({ length: Math.min(count, COUNTED + 1) }, (_, at) => {
    const from = at * each + Math.min(at, more);
    const own = items.slice(from, from + each + (at < more ? 1 : 0));
    return filling === undefined || at < more ? own : [...own, filling];
  });
}
