/**
 * What iterating over a value gives, the text that it is written as, and the arguments that it stands for.
 *
 * @module
 */

import { type Given, onlyKnown } from "./arguments.ts";
import type { Argument } from "./ast.ts";
import {
  type Abstract,
  CHARACTERS,
  DATA,
  extentOf,
  type Known,
  NOMINAL,
  NUMBER,
  OPEN,
  TEXT,
} from "./domain.ts";
import { givenCount, heldUnder } from "./heap.ts";
import { ESCAPED } from "./sizes.ts";
import { display as displayed, type Plain, truth } from "./plain.ts";
import type { Run } from "./run.ts";

/** How objects that templates are given begin when they are written out: letters are taken from it. */
const WRITTEN_OUT: Readonly<Record<string, string>> = {
  __proto__: null as never,
  lipsum: "<function generate_lorem_ipsum at 0x7f0000000000>",
  cycler: "<class 'jinja2.utils.Cycler'>",
  joiner: "<class 'jinja2.utils.Joiner'>",
  namespace: "<class 'jinja2.utils.Namespace'>",
  range: "<class 'range'>",
  dict: "<class 'dict'>",
  self: "<TemplateReference None>",
};

export function elementsInside(run: Run, value: Abstract): Abstract {
  return run.iterate(value).element;
}

export function truthOf(run: Run, value: Abstract): boolean | undefined {
  if (value.rest !== 0 || value.known.length === 0) return undefined;
  const truths = new Set(value.known.map((one) => {
    if (typeof one === "object" && one !== null && one.type === "undefined") return false;
    const plain = run.plain(one);
    return plain === undefined ? undefined : truth(plain);
  }));
  const [only] = truths;
  return truths.size === 1 ? only : undefined;
}

/** How often a loop over a value runs. */
export function lengthOf(run: Run, value: Abstract): number {
  const lengths = value.known.map((one) => {
    if (typeof one === "string") return one.length;
    if (typeof one !== "object" || one === null) return 1;
    if (one.type === "list") return one.items.length + givenCount(run, one);
    if (one.type === "dict") return one.pairs.length + givenCount(run, one);
    return one.type === "many" ? value.size : 1;
  });
  return Math.max(1, ...lengths, (value.rest & ~NUMBER) === 0 ? 1 : value.size);
}

export function givenTo(run: Run, given: readonly Argument[]): Given {
  const positional: Abstract[] = [];
  const named = new Map<string, Abstract>();
  let more: Abstract | undefined;
  let others: Abstract | undefined;
  for (const { name, spread, value } of given) {
    const own = run.evaluate(value);
    if (spread === "*") {
      const { items, element } = run.iterate(own);
      if (items !== undefined && more === undefined) positional.push(...items);
      else more = run.domain.join(more ?? run.domain.nothing, element);
    } else if (spread === "**") {
      const table = tableOf(run, own);
      for (const [key, one] of table.pairs) named.set(key, one);
      if (table.rest !== undefined) {
        others = run.domain.join(others ?? run.domain.nothing, table.rest);
      }
    } else if (name !== undefined) named.set(name.normalize("NFKC"), own);
    else if (more === undefined) positional.push(own);
    else more = run.domain.join(more, own);
  }
  return { positional, named, more, others };
}

/** Names and values of a dictionary, as far as they are known. */
export function tableOf(
  run: Run,
  value: Abstract,
): { readonly pairs: [string, Abstract][]; readonly rest: Abstract | undefined } {
  const only = onlyKnown(value);
  const pairs: [string, Abstract][] = [];
  let rest: Abstract | undefined;
  if (
    typeof only === "object" && only?.type === "dict" &&
    run.changed(only) === run.domain.nothing
  ) {
    for (const [key, one] of only.pairs) {
      const name = onlyKnown(key);
      if (typeof name === "string") pairs.push([name, one]);
      else rest = run.domain.join(rest ?? run.domain.nothing, one);
    }
    return { pairs, rest };
  }
  const inside = value.known.map((one) =>
    run.domain.join(run.domain.elements(one), run.changed(one))
  );
  return { pairs, rest: run.domain.join(...inside, run.domain.of([], value.rest, value)) };
}

/** What is in a list or a dictionary, keys and values. */
export function within(run: Run, value: Abstract): Abstract {
  const inside = value.known.map((one) =>
    run.domain.join(run.domain.elements(one), run.changed(one))
  );
  return run.domain.join(...inside, run.iterate(value).element);
}

export function iterateOver(
  run: Run,
  value: Abstract,
): { readonly element: Abstract; readonly items?: readonly Abstract[] } {
  const { domain } = run;
  const only = onlyKnown(value);
  if (typeof only === "string" && only.length <= CHARACTERS) {
    const items = [...only].map((one) => domain.known(one));
    return { items, element: domain.elements(only) };
  }
  if (typeof only === "object" && only !== null && run.changed(only) === domain.nothing) {
    if (only.type === "list" && only.lazy !== "held") {
      return { items: only.items, element: domain.elements(only) };
    }
    if (only.type === "undefined") return { items: [], element: domain.nothing };
    if (only.type === "dict") {
      const items = only.pairs.map(([key]) => key);
      return { items, element: domain.join(...items) };
    }
  }
  const parts = value.known.map((one) => {
    if (typeof one === "object" && one?.type === "dict") {
      return domain.join(...one.pairs.map(([key]) => key), run.changed(one));
    }
    return domain.join(domain.elements(one), run.changed(one));
  });
  const rest = domain.of([], value.rest & ~NUMBER, { size: NOMINAL, from: value.from });
  const mutated = (value.rest & DATA) === 0 ? undefined : heldUnder(run, "data");
  return { element: domain.join(...parts, rest, mutated ?? domain.nothing) };
}

export function displayOf(run: Run, value: Abstract): Abstract {
  const { domain } = run;
  const results: Abstract[] = [];
  for (const one of value.known) {
    if (typeof one === "object" && one !== null && one.type === "undefined") {
      results.push(domain.known(""));
      continue;
    }
    if (typeof one === "object" && one?.type === "function") {
      const written = WRITTEN_OUT[one.name];
      if (written !== undefined) results.push(domain.known(written));
      results.push(domain.text);
      continue;
    }
    const plain = run.plain(one);
    const tuple = typeof one === "object" && one?.type === "list" && one.tuple === true;
    const text = plain === undefined || tuple ? undefined : displayed(plain);
    const size = value.size * (typeof one === "object" ? ESCAPED : 1);
    results.push(text === undefined ? domain.of([], TEXT, { size }) : domain.known(text));
  }
  const rest = (value.rest & NUMBER) === 0
    ? value.rest & ~OPEN
    : value.rest & ~OPEN & ~NUMBER | TEXT;
  const shown = (value.rest & OPEN) === 0 ? rest : rest | TEXT;
  const size = extentOf(value);
  return domain.join(...results, domain.of([], shown, { ...value, bits: 0, size }));
}

export function plainOf(run: Run, value: Known): Plain | undefined {
  if (typeof value !== "object" || value === null) return value;
  if (value.type === "list" && value.lazy !== undefined) return undefined;
  if (value.type !== "list" || run.changed(value) !== run.domain.nothing) return undefined;
  if (value.items.length > 4096 || value.items.some(({ size }) => size > CHARACTERS)) {
    return undefined;
  }
  const items: Plain[] = [];
  let size = 0;
  for (const item of value.items) {
    const only = onlyKnown(item);
    const plain = only === undefined ? undefined : run.plain(only);
    if (
      plain === undefined ||
      typeof only === "object" && only !== null && only.type === "list" && only.tuple
    ) return undefined;
    size += item.size + 1;
    if (size > 4 * CHARACTERS) return undefined;
    items.push(plain);
  }
  return items;
}

export function lifted(run: Run, value: Plain): Abstract {
  if (typeof value !== "object" || value === null) return run.domain.known(value);
  return run.domain.known({ type: "list", items: value.map((one) => run.lift(one)) });
}

/** Whether a value is one of constants that are known. */
export function isConstant({ known, rest }: Abstract): boolean {
  return rest === 0 && known.every((one) => typeof one !== "object" || one === null);
}

/** Whether a value is a text or a number that the template makes. */
export function isWritten({ known, rest }: Abstract): boolean {
  return (rest & ~(NUMBER | TEXT)) === 0 &&
    known.every((one) => typeof one !== "object" || one === null);
}
