/**
 * What Jinja's filters make of their values, after `jinja2/filters.py`.
 *
 * @module
 */

import { argument, type Given, onlyKnown, uncertain } from "./arguments.ts";
import {
  type Abstract,
  DATA,
  digitsOf,
  type Known,
  NOMINAL,
  NUMBER,
  OPEN,
  sizeOfDigits,
  TEXT,
} from "./domain.ts";
import {
  batched,
  chosen,
  COUNTED,
  inAnyOrder,
  items,
  iterator,
  listed,
  one,
  passedOn,
  reversed,
} from "./filter_lists.ts";
import { attr, BY_ATTRIBUTE, readPath, readPaths } from "./filter_paths.ts";
import {
  centered,
  escaped,
  JOINED,
  overTexts,
  percentFormat,
  renamed,
  titled,
  widened,
} from "./filter_texts.ts";
import type { Machine, Place } from "./machine.ts";
import { textOrNumber } from "./operators.ts";
import { truth } from "./plain.ts";
import { textMethod } from "./text_methods.ts";

const NUMERIC = new Set("length count wordcount int float abs round sum".split(" "));

/** Filters of which the arguments' names are as those of the method of `str` with that name. */
const AS_METHODS = new Set("lower upper capitalize center".split(" "));

/** Filters that compute more of one value than of several at once. */
const OF_ONE_VALUE = new Set(
  ("list reverse first last join format batch slice items dictsort sort unique select reject selectattr " +
    "rejectattr map sum").split(" "),
);

/** Values that a filter is applied to one by one. */
const FEW = 8;

/** Whether a value is one of a few texts and lists that are known item by item. */
function isOneOfFew({ known, rest, from, keyOf }: Abstract): boolean {
  return rest === 0 && from === 0 && keyOf === "" && known.length > 1 && known.length <= FEW &&
    known.every((one) =>
      typeof one === "string" ||
      typeof one === "object" && one !== null && (one.type === "list" || one.type === "undefined")
    );
}

/**
 * Applies a filter.
 *
 * @param name of the filter
 * @param value that it is applied to
 */
export function applyFilter(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  if (OF_ONE_VALUE.has(name) && isOneOfFew(value)) {
    const each = value.known.map((one) =>
      applyFilter(machine, name, domain.known(one), given, place)
    );
    return domain.join(...each);
  }
  if (name === "attr") return attr(machine, value, given, place);
  if (Object.hasOwn(BY_ATTRIBUTE, name)) readPaths(machine, name, value, given, place);
  else {
    // A filter of a person's own may take the path of an attribute as well.
    const path = given.named.get("attribute");
    if (path !== undefined) readPath(machine, machine.iterate(value).element, path, place);
  }
  if (NUMERIC.has(name)) return numeric(machine, name, value, given, place);
  switch (name) {
    case "default":
    case "d":
      return defaulted(machine, value, given);
    case "map":
      return mapped(machine, value, given, place);
    case "string":
    case "safe":
      return machine.display(value);
    case "e":
    case "escape":
    case "forceescape":
      return overTexts(machine, machine.display(value), escaped);
    case "lower":
    case "upper":
    case "capitalize":
    case "center":
      return textMethod(
        machine,
        AS_METHODS.has(name) ? name : "",
        machine.display(value),
        centered(name, given, machine),
        place,
      );
    case "title":
      return overTexts(machine, machine.display(value), titled);
    case "trim":
      return textMethod(
        machine,
        "strip",
        machine.display(value),
        renamed(given, { chars: 0 }),
        place,
      );
    case "replace":
      return textMethod(
        machine,
        "replace",
        machine.display(value),
        renamed(given, { old: 0, new: 1, count: 2 }),
        place,
      );
    case "format":
      return percentFormat(machine, value, given, place);
    case "join":
      return join(machine, value, given, place);
    case "list":
      return listed(machine, value);
    case "reverse":
      return reversed(machine, value);
    case "first":
    case "last":
    case "random":
    case "min":
    case "max":
      return one(machine, name, value);
    case "items":
      return items(machine, value);
    case "dictsort":
      return inAnyOrder(machine, items(machine, value));
    case "sort":
    case "unique":
    case "select":
    case "reject":
    case "selectattr":
    case "rejectattr":
      return chosen(machine, name, value, given, place);
    case "batch":
    case "slice":
      return batched(machine, name, value, given, place);
    case "groupby": {
      const { element } = machine.iterate(value);
      const path = argument(given, domain, "attribute", 0);
      const grouper = domain.join(
        path === undefined ? domain.text : readPath(machine, element, path, place),
        argument(given, domain, "default", 1) ?? domain.nothing,
      );
      const list = domain.many(element, Math.max(1, value.size), domain.countOf(value));
      const fields = ["grouper", "list"];
      const pair: Known = { type: "list", tuple: true, fields, items: [grouper, list] };
      const { items = [] } = machine.iterate(value);
      return items.length === 1
        ? domain.known({ type: "list", items: [domain.known(pair)] })
        : domain.many(domain.known(pair), Math.max(1, value.size), domain.countOf(value));
    }
    case "indent":
    case "tojson":
    case "wordwrap":
    case "pprint":
      return widened(machine, name, value, given, place);
    default: {
      const sizes = [value, ...given.positional].map(({ size }) => size);
      return domain.of([], TEXT | (value.rest & (DATA | OPEN)), {
        size: Math.max(NOMINAL, ...sizes),
      });
    }
  }
}

function mapped(machine: Machine, value: Abstract, given: Given, place: Place): Abstract {
  const { domain } = machine;
  const { element, items } = machine.iterate(value);
  const results: Abstract[] = [];
  const [first] = given.positional;
  if (first === undefined) {
    const path = argument(given, domain, "attribute");
    if (path !== undefined) {
      const other = argument(given, domain, "default") ?? domain.nothing;
      const read = (one: Abstract): Abstract =>
        domain.join(readPath(machine, one, path, place), other);
      if (items !== undefined && items.length <= COUNTED) {
        return iterator(machine, items.map(read));
      }
      results.push(read(element));
    }
  }
  const filter = first ?? given.more;
  if (filter !== undefined) {
    const rest: Given = {
      ...given,
      positional: given.positional.slice(1),
    };
    for (const name of filter.known) {
      if (typeof name !== "string") continue;
      if (
        items !== undefined && items.length <= 64 && filter.known.length === 1 && filter.rest === 0
      ) {
        return iterator(
          machine,
          items.map((item) => applyFilter(machine, name, item, rest, place)),
        );
      }
      results.push(applyFilter(machine, name, element, rest, place));
    }
    if ((filter.rest & ~NUMBER) !== 0) {
      machine.unknown(place, "attribute");
      results.push(domain.open);
    }
  }
  const made = domain.join(...results);
  const count = domain.countOf(value);
  const larger = Math.max(1, made.size / Math.max(1, element.size));
  const size = Math.max((count ?? NOMINAL) * made.size, Math.max(1, value.size) * larger);
  if (size > JOINED) machine.cost(place, "size", size);
  return passedOn(machine, value, domain.many(made, Math.max(1, value.size) * larger, count));
}

function defaulted(machine: Machine, value: Abstract, given: Given): Abstract {
  const { domain } = machine;
  const other = argument(given, domain, "default_value", 0) ?? domain.known("");
  const boolean = argument(given, domain, "boolean", 1) ?? domain.known(false);
  const strict = onlyKnown(boolean);
  const results: Abstract[] = [];
  const kept: Known[] = [];
  for (const one of value.known) {
    const missing = typeof one === "object" && one !== null && one.type === "undefined";
    const plain = machine.plain(one);
    const empty = plain === undefined ? undefined : !truth(plain);
    if (missing) results.push(other);
    else {
      if (strict !== false && empty !== false) results.push(other);
      if (!(strict === true && empty === true)) kept.push(one);
    }
  }
  if (value.rest !== 0) results.push(other);
  return domain.join(domain.of(kept, value.rest, value), ...results);
}

function numeric(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const only = onlyKnown(value);
  const plain = only === undefined ? undefined : machine.plain(only);
  const { domain } = machine;
  if (name === "length" || name === "count") {
    const { items } = machine.iterate(value);
    if (items !== undefined && typeof only === "object") return domain.known(items.length);
    const length = typeof plain === "string"
      ? [...plain].length
      : Array.isArray(plain)
      ? plain.length
      : undefined;
    if (length !== undefined) return domain.known(length);
    return domain.of([], NUMBER, { size: Math.max(1, value.size) });
  }
  if (name === "int" || name === "float") {
    const numbers = value.known.map((one) =>
      typeof one === "number"
        ? one
        : typeof one === "string" && /^[+-]?\d{1,15}$/u.test(one)
        ? Number(one)
        : 0
    );
    if (
      name === "int" && only !== undefined && given.positional.length === 0 &&
      given.named.size === 0 && given.more === undefined && given.others === undefined &&
      numbers[0] !== undefined
    ) {
      if (typeof only === "number" || typeof only === "string" && /^[+-]?\d+$/u.test(only)) {
        return domain.known(numbers[0]);
      }
    }
    const other = argument(given, domain, "default", 0);
    // The fallback is given back as it is.
    const fallback = other === undefined ? domain.nothing : other;
    const most = Math.max(NOMINAL, ...numbers.map(Math.abs));
    // A text has as many digits as characters.
    const texts = (value.rest & (TEXT | DATA)) !== 0 && value.loose > NOMINAL;
    const digits = Math.max(
      Math.log2(most + 1),
      (value.rest & NUMBER) === 0 ? 0 : digitsOf(value),
      texts ? value.loose * Math.log2(10) : 0,
    );
    return domain.join(domain.of([], NUMBER, sizeOfDigits(digits)), fallback);
  }
  if (name === "sum") {
    const start = argument(given, domain, "start", 1);
    const { items } = machine.iterate(value);
    if (
      items !== undefined && items.length <= COUNTED &&
      argument(given, domain, "attribute", 0) === undefined
    ) {
      const all = [start ?? domain.known(0), ...items];
      return all.reduce((sum, one) => textOrNumber(machine, "+", sum, one, place));
    }
    const { element } = machine.iterate(value);
    return domain.of(
      [],
      NUMBER | element.rest | (start?.rest ?? 0) |
        (start?.known.some((one) => typeof one === "object") ? TEXT | OPEN : 0),
      {
        size: value.size * NOMINAL,
      },
    );
  }
  if (name === "abs" && typeof plain === "number") return domain.known(Math.abs(plain));
  return domain.of([], NUMBER, { size: Math.max(NOMINAL, value.size), bits: value.bits });
}

function join(machine: Machine, value: Abstract, given: Given, place: Place): Abstract {
  const { domain } = machine;
  const separator = argument(given, domain, "d", 0) ?? domain.known("");
  const path = argument(given, domain, "attribute", 1);
  const { element, items } = machine.iterate(value);
  const read = (one: Abstract): Abstract =>
    path === undefined ? one : readPath(machine, one, path, place);
  const between = machine.display(separator);
  const shown = items?.map((one) => machine.display(read(one)));
  if (items !== undefined && !uncertainSeparator(given)) {
    let all = domain.known("");
    shown?.forEach((one, at) => {
      if (at > 0) all = textOrNumber(machine, "+", all, between, place);
      all = textOrNumber(machine, "+", all, one, place);
    });
    return all;
  }
  const one = machine.display(read(element));
  const all = Math.max(1, value.size);
  const count = domain.countOf(value);
  // Of a text, the items are letters.
  const listed = value.known.length === 0 ? undefined : domain.countOf(domain.of(value.known, 0));
  const each = (listed ?? NOMINAL) * one.size;
  const gaps = count ?? all / Math.max(1, element.size);
  const size = all + gaps * between.size + each;
  if (size > JOINED) machine.cost(place, "size", size);
  return domain.of([], TEXT, { size });
}

function uncertainSeparator(given: Given): boolean {
  return (given.more !== undefined || given.others !== undefined) && uncertain(given, "d", 0);
}
