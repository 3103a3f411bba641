/**
 * What Jinja's filters make of their values, after `jinja2/filters.py`.
 *
 * @module
 */

import { argument, type Given, NONE, onlyKnown, uncertain } from "./arguments.ts";
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
import { ESCAPED, textMethod, textOrNumber } from "./methods.ts";
import type { Machine, Place } from "./machine.ts";
import { truth } from "./plain.ts";

/** Filters that take the path of an attribute: the place of that argument; undefined where it is only named. */
const BY_ATTRIBUTE: Readonly<Record<string, number | undefined>> = {
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

/** Items in another order, or some of them. */
function chosen(
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
function inAnyOrder(machine: Machine, value: Abstract): Abstract {
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

/** Items of a list that is sorted item by item. CWE-407. */
const COUNTED = 64;

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
function passedOn(machine: Machine, value: Abstract, result: Abstract): Abstract {
  return value.from === 0 ? result : machine.domain.with(result, { from: value.from });
}

function attr(machine: Machine, value: Abstract, given: Given, place: Place): Abstract {
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
function readPath(machine: Machine, object: Abstract, path: Abstract, place: Place): Abstract {
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

function readPaths(
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
    const texts = (value.rest & (TEXT | DATA)) !== 0 && value.size > NOMINAL;
    const digits = Math.max(
      Math.log2(most + 1),
      (value.rest & NUMBER) === 0 ? 0 : digitsOf(value),
      texts ? value.size * Math.log2(10) : 0,
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

/** Applies a function to each text that a value may be. */
function overTexts(
  machine: Machine,
  value: Abstract,
  compute: (text: string) => string | undefined,
): Abstract {
  const { domain } = machine;
  const results = value.known.map((one) => {
    const text = typeof one === "string" ? compute(one) : undefined;
    return text === undefined ? domain.of([], TEXT, { size: value.size * 2 }) : domain.known(text);
  });
  return domain.join(...results, domain.of([], value.rest, value));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll(">", "&gt;").replaceAll("<", "&lt;")
    .replaceAll("'", "&#39;").replaceAll('"', "&#34;");
}

/** `do_title`: a word begins behind white space, `-` or an opening bracket. */
function titled(text: string): string | undefined {
  if (!/^[\0-\x7f]*$/u.test(text)) return undefined;
  return text.replace(
    /[^-\s({[<]+/gu,
    (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase(),
  );
}

/** Gives named arguments the places that a method of `str` has them at. */
function renamed(given: Given, places: Readonly<Record<string, number>>): Given {
  const positional = [...given.positional];
  let { more } = given;
  for (const [name, value] of given.named) {
    const place = Object.hasOwn(places, name) ? places[name] : undefined;
    if (place === undefined) continue;
    if (place > positional.length) more ??= value;
    positional[place] = value;
  }
  return { ...NONE, positional: Array.from(positional), more, others: given.others };
}

/** `center` has a width of its own. */
function centered(name: string, given: Given, machine: Machine): Given {
  if (name !== "center") return NONE;
  const bound = renamed(given, { width: 0 });
  return bound.positional.length === 0 ? { ...bound, positional: [machine.lift(80)] } : bound;
}

function percentFormat(machine: Machine, value: Abstract, given: Given, place: Place): Abstract {
  const whole = given.more === undefined && given.others === undefined &&
    (given.named.size === 0 || given.positional.length === 0);
  const pairs = [...given.named].map(([name, one]) => [machine.lift(name), one] as const);
  const list = machine.domain.known(
    given.named.size > 0
      ? { type: "dict", pairs }
      : { type: "list", tuple: true, items: given.positional },
  );
  const pattern = machine.display(value);
  if (whole) return textOrNumber(machine, "%", pattern, list, place);
  return machine.domain.of([], TEXT, { size: Math.max(pattern.size, NOMINAL) });
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

/** Characters of a joined text. CWE-770. */
const JOINED = 100_000_000;

function listed(machine: Machine, value: Abstract): Abstract {
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

function reversed(machine: Machine, value: Abstract): Abstract {
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

function one(machine: Machine, name: string, value: Abstract): Abstract {
  const { element, items } = machine.iterate(value);
  const at = name === "first" ? items?.[0] : name === "last" ? items?.at(-1) : undefined;
  if (at !== undefined) return at;
  return (items?.length ?? 0) > 0
    ? element
    : machine.domain.join(element, machine.domain.undefined);
}

/** What most filters give of a list: it is gone through once, and is true even when it is empty. */
function iterator(machine: Machine, items: readonly Abstract[]): Abstract {
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

function batched(
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
    const whole = filling === undefined || name === "batch" && items.length % each === 0;
    const parts = name === "batch" ? batches(items, each) : slices(items, each, filling);
    if (whole || given !== undefined && name === "slice") {
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

/** Characters to which a text is padded at once. CWE-770. */
const PADDED = 1_000_000;

/** The largest number that a value may be. */
function numberOf(value: Abstract): number {
  const numbers = value.known.map((one) =>
    typeof one === "number" ? one : typeof one === "boolean" ? 1 : 0
  );
  return Math.max(0, ...numbers, value.rest === 0 ? 0 : value.size);
}

function widened(
  machine: Machine,
  name: string,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const width = argument(
    given,
    machine.domain,
    name === "indent" || name === "wordwrap" ? "width" : "indent",
    0,
  );
  const prefix = width === undefined ? 4 : Math.max(
    numberOf(width),
    ...width.known.map((one) => typeof one === "string" ? one.length : 0),
  );
  const wrap = name === "wordwrap" ? argument(given, machine.domain, "wrapstring", 2) : undefined;
  const own = Math.max(1, value.size);
  const size = name === "indent"
    ? own * (1 + prefix)
    : name === "wordwrap"
    ? own * (1 + Math.max(1, wrap?.size ?? 1) / Math.max(1, prefix))
    : own * Math.max(ESCAPED, width === undefined ? 1 : prefix);
  if (prefix > PADDED && name !== "wordwrap") machine.cost(place, "pad", prefix * own);
  else if (size > JOINED) machine.cost(place, "size", size);
  const only = onlyKnown(value);
  if (
    name === "indent" && typeof only === "string" && !/[\n\r]/u.test(only) &&
    given.positional.length < 2 && given.named.size === 0
  ) {
    return value;
  }
  return machine.domain.of([], TEXT, { size });
}
