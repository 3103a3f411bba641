/**
 * What the functions that renderers give their templates make: `range`, `dict`, `namespace`, `cycler`, …
 *
 * @module
 */

import { type Given, NONE, onlyKnown } from "./arguments.ts";
import { type Abstract, NOMINAL, NUMBER, TEXT } from "./domain.ts";
import { heldUnder, holdUnder } from "./heap.ts";
import type { Place } from "./machine.ts";
import { callMacro } from "./macros.ts";
import { GROWN, LOOPS, type Run, UNROLLED } from "./run.ts";
import { isRecursing } from "./statements.ts";
import { elementsInside, tableOf, within } from "./values.ts";

/** Characters of a paragraph that `lipsum` makes. */
const PARAGRAPH = 700;

export function callFunction(run: Run, name: string, given: Given, place: Place): Abstract {
  const { domain } = run;
  const [first, second, third] = given.positional;
  switch (name) {
    case "range":
      return makeRange(run, first, second, third, given, place);
    case "dict":
      return makeDict(run, given);
    case "namespace":
      return makeNamespace(run, given, place);
    case "cycler":
    case "joiner": {
      const items = domain.join(
        ...given.positional.map((one) => domain.kept(one)),
        ...given.named.values(),
        given.more ?? domain.nothing,
        given.others ?? domain.nothing,
        name === "joiner" ? domain.known(", ") : domain.nothing,
      );
      return domain.known({ type: "object", kind: name, items });
    }
    case "lipsum": {
      const numbers = [...given.positional, ...given.named.values()].map(({ size }) => size);
      const size = Math.max(5, ...numbers) * PARAGRAPH;
      if (size > GROWN) run.cost(place, "size", size);
      return domain.of([], TEXT, { size });
    }
    case "_":
    case "gettext":
      return domain.join(first ?? domain.nothing, domain.text);
    default:
      if (name.startsWith("self.")) {
        const block = run.blocks.get(name.slice(5));
        if (block === undefined) return domain.text;
        return callMacro(run, block, NONE, place);
      }
      return domain.of([], TEXT, {
        size: Math.max(NOMINAL, ...given.positional.map(({ size }) => size)),
      });
  }
}

function makeRange(
  run: Run,
  first: Abstract | undefined,
  second: Abstract | undefined,
  third: Abstract | undefined,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = run;
  if (first === undefined) return domain.many(domain.number);
  const bounds = [first, second, third].map((one) =>
    one === undefined ? undefined : onlyKnown(one)
  );
  const [a, b, c = 1] = bounds;
  const [from, to] = second === undefined ? [0, a] : [a, b];
  const known = typeof from === "number" && typeof to === "number" && typeof c === "number" &&
    c !== 0 && given.more === undefined;
  const count = known ? Math.max(0, Math.ceil((to - from) / c)) : undefined;
  if (known && count !== undefined && count <= UNROLLED) {
    return domain.known({
      type: "list",
      lazy: "range",
      items: Array.from({ length: count }, (_, at) => domain.known(from + at * c)),
    });
  }
  const most = second === undefined ? first.size : Math.max(first.size, second.size);
  const step = Math.max(1, typeof c === "number" ? Math.abs(c) : 1);
  const size = count ?? most / step;
  if (size > LOOPS) run.cost(place, "range", size);
  return domain.many(domain.of([], NUMBER, { size: most }), Math.max(1, size), count);
}

function makeDict(run: Run, given: Given): Abstract {
  const { domain } = run;
  const [first] = given.positional;
  const pairs = [...given.named].map(([name, value]) =>
    [domain.known(name), domain.kept(value)] as const
  );
  if (first === undefined && given.others === undefined && given.more === undefined) {
    return domain.known({ type: "dict", pairs });
  }
  const only = first === undefined ? undefined : onlyKnown(first);
  if (
    typeof only === "object" && only?.type === "dict" && given.others === undefined &&
    run.changed(only) === domain.nothing
  ) {
    return domain.known({ type: "dict", pairs: [...only.pairs, ...pairs] });
  }
  const parts = [...pairs.flat(), given.others ?? domain.nothing];
  const tables = [...given.positional, given.more].filter((one) => one !== undefined);
  for (const table of tables) {
    const element = within(run, table);
    parts.push(element, elementsInside(run, element));
  }
  const rest = tables.map((one) => domain.of([], one.rest, one));
  return domain.join(domain.many(domain.join(...parts)), ...rest);
}

/** Drops what the namespaces held that were made at a place. */
function forget(run: Run, site: number): void {
  for (const key of [...run.state.heap.keys()]) {
    if (key.startsWith(`${site}.`)) holdUnder(run, key, run.domain.undefined);
  }
}

function makeNamespace(run: Run, given: Given, place: Place): Abstract {
  const site = place.at;
  const remade = heldUnder(run, `${site} made`) !== undefined;
  // What was made here before ended with its scope, unless something holds it or a macro calls itself.
  const again = remade && (run.domain.stored.has(site) || isRecursing(run));
  if (remade && !again) forget(run, site);
  if (again) holdUnder(run, `${site} many`, run.domain.nothing);
  holdUnder(run, `${site} made`, run.domain.nothing);
  const value = run.domain.known({ type: "namespace", site });
  const filled = new Set<string>();
  const fill = (name: string, one: Abstract): void => {
    const kept = run.domain.kept(one);
    const key = `${site}.${name}`;
    const before = heldUnder(run, key) ?? run.domain.undefined;
    holdUnder(run, key, again ? run.domain.join(before, kept) : kept);
    filled.add(key);
  };
  for (const first of given.positional) {
    const table = tableOf(run, first);
    for (const [name, one] of table.pairs) fill(name, one);
    if (table.rest !== undefined) holdUnder(run, `${site} any`, table.rest);
  }
  // Names go before what the dictionary has.
  for (const [name, one] of given.named) fill(name, one);
  const tables = given.more === undefined ? run.domain.nothing : within(run, given.more);
  const others = [given.others ?? run.domain.nothing, tables, given.more ?? run.domain.nothing];
  const any = run.domain.join(heldUnder(run, `${site} any`) ?? run.domain.nothing, ...others);
  if (given.others !== undefined || given.more !== undefined) holdUnder(run, `${site} any`, any);
  if (!again) return value;
  // One that is made anew has not been given what those before it were.
  for (const key of [...run.state.heap.keys()]) {
    if (!key.startsWith(`${site}.`) || filled.has(key)) continue;
    holdUnder(
      run,
      key,
      run.domain.join(heldUnder(run, key) ?? run.domain.nothing, run.domain.undefined),
    );
  }
  return value;
}
