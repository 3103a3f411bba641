/**
 * What methods of texts, lists, dictionaries and parts of the conversation give.
 *
 * @module
 */

import { argument, type Given } from "./arguments.ts";
import { change, CHANGING, memberOf } from "./collections.ts";
import { type Abstract, DATA, NOMINAL, NUMBER, OPEN, TEXT } from "./domain.ts";
import { format, ofMapping } from "./formatting.ts";
import type { Machine, Place } from "./machine.ts";
import { textOrNumber } from "./operators.ts";
import { TEXT_MOST } from "./sizes.ts";
import { textMethod } from "./text_methods.ts";

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
      const unchanged = typeof only === "object" && only?.type === "dict" &&
        machine.changed(only) === domain.nothing;
      return unchanged
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
