/**
 * What filters for texts make, after `jinja2/filters.py`.
 *
 * @module
 */

import { argument, type Given, NONE, onlyKnown } from "./arguments.ts";
import { type Abstract, NOMINAL, TEXT } from "./domain.ts";
import type { Machine, Place } from "./machine.ts";
import { textOrNumber } from "./operators.ts";
import { ESCAPED } from "./sizes.ts";

/**
 * Characters of a joined text. The longest in 120 chat templates has some 1,100,000, by estimate. CWE-770.
 */
export const JOINED = 100_000_000;

/** Applies a function to each text that a value may be. */
export function overTexts(
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

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll(">", "&gt;").replaceAll("<", "&lt;")
    .replaceAll("'", "&#39;").replaceAll('"', "&#34;");
}

/** `do_title`: a word begins behind white space, `-` or an opening bracket. */
export function titled(text: string): string | undefined {
  if (!/^[\0-\x7f]*$/u.test(text)) return undefined;
  return text.replace(
    /[^-\s({[<]+/gu,
    (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase(),
  );
}

/** Gives named arguments the places that a method of `str` has them at. */
export function renamed(given: Given, places: Readonly<Record<string, number>>): Given {
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
export function centered(name: string, given: Given, machine: Machine): Given {
  if (name !== "center") return NONE;
  const bound = renamed(given, { width: 0 });
  return bound.positional.length === 0 ? { ...bound, positional: [machine.lift(80)] } : bound;
}

export function percentFormat(
  machine: Machine,
  value: Abstract,
  given: Given,
  place: Place,
): Abstract {
  const exact = given.more === undefined && given.others === undefined &&
    (given.named.size === 0 || given.positional.length === 0);
  const pairs = [...given.named].map(([name, one]) => [machine.lift(name), one] as const);
  const list = machine.domain.known(
    given.named.size > 0
      ? { type: "dict", pairs }
      : { type: "list", tuple: true, items: given.positional },
  );
  const pattern = machine.display(value);
  if (exact) return textOrNumber(machine, "%", pattern, list, place);
  return machine.domain.of([], TEXT, { size: Math.max(pattern.size, NOMINAL) });
}

/** Characters to which a text is padded at once. The most in 120 chat templates are 4. CWE-770. */
export const PADDED = 1_000_000;

/** The largest number that a value may be. */
export function numberOf(value: Abstract): number {
  const numbers = value.known.map((one) =>
    typeof one === "number" ? one : typeof one === "boolean" ? 1 : 0
  );
  return Math.max(0, ...numbers, value.rest === 0 ? 0 : value.size);
}

export function widened(
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
