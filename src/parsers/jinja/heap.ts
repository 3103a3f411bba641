/**
 * What lists, dictionaries and namespaces hold that are changed in place, known by where they are made.
 *
 * @module
 */

import type { Expression } from "./ast.ts";
import { type Abstract, extentOf, type Known, NUMBER } from "./domain.ts";
import type { Addition } from "./machine.ts";
import { ESCAPED } from "./sizes.ts";
import { DOUBLINGS, type Run } from "./run.ts";
import { COUNT, KEYED, TOTAL } from "./state.ts";

export function storeMember(run: Run, object: Abstract, name: string, value: Abstract): void {
  for (const known of object.known) {
    if (typeof known !== "object" || known?.type !== "namespace") continue;
    const key = `${known.site}.${name}`;
    const before = heldUnder(run, key);
    const single = object.known.length === 1 && object.rest === 0 &&
      heldUnder(run, `${known.site} many`) === undefined;
    const after = single ? value : run.domain.join(before ?? run.domain.undefined, value);
    if (after !== before) holdUnder(run, key, after);
  }
}

/** Where a list is made, once it is known that some list is changed in place. */
export function siteOf(run: Run, { at }: Expression): { readonly site?: number } {
  if (run.made.has(at)) run.remade.add(at);
  run.made.add(at);
  return run.sited ? { site: at } : {};
}

/** The value with the size of all that its lists, dictionaries and namespaces hold by now. */
export function sizedBy(run: Run, value: Abstract): Abstract {
  if (!value.known.some((one) => typeof one === "object" && one !== null)) return value;
  const sizes = value.known.map((one) => {
    if (typeof one !== "object" || one === null) return 0;
    const held = heldSize(run, one, new Set());
    return held === 0 ? 0 : held + run.domain.known(one).size;
  });
  const size = Math.max(value.size, ...sizes);
  return size === value.size ? value : run.domain.with(value, { size });
}

/** What lists and dictionaries were given that a value consists of, and what namespaces hold. */
function heldSize(run: Run, value: Known, seen: Set<number | string>): number {
  if (typeof value !== "object" || value === null) return 0;
  if (value.type === "namespace") {
    if (seen.has(value.site)) return 0;
    seen.add(value.site);
    let size = 0;
    for (const [key, one] of run.state.heap) {
      if (key.startsWith(`${value.site}.`)) size += ESCAPED * Math.ceil(extentOf(one));
    }
    return size;
  }
  if (value.type !== "list" && value.type !== "dict" && value.type !== "many") return 0;
  if (!run.sited || !run.changesLists) return 0;
  const site = value.type === "many" ? undefined : value.site;
  const key = site === undefined ? "" : String(site);
  let size = 0;
  if (!seen.has(key)) {
    seen.add(key);
    if (site !== undefined || value.type === "many") {
      size += heldUnder(run, `${TOTAL}${key}`)?.size ?? 0;
    }
  }
  const inside = [run.domain.elements(value), run.changed(value)];
  for (const { id, known } of inside) {
    if (seen.has(`value ${id}`)) continue;
    seen.add(`value ${id}`);
    for (const one of known) size += heldSize(run, one, seen);
  }
  return size;
}

/** How many items a list or a dictionary was given. */
export function givenCount(run: Run, value: Known): number {
  if (typeof value !== "object" || value === null || !run.sited) return 0;
  if (value.type !== "list" && value.type !== "dict") return 0;
  return value.site === undefined ? 0 : heldUnder(run, `${COUNT}${value.site}`)?.size ?? 0;
}

/** What is in a list or a dictionary that is changed in place, besides what it is made with. */
export function changedIn(run: Run, value: Known): Abstract {
  const { domain } = run;
  if (typeof value !== "object" || value === null) return domain.nothing;
  if (value.type !== "list" && value.type !== "dict" && value.type !== "many") {
    return domain.nothing;
  }
  if (!run.sited) return domain.nothing;
  const site = value.type === "many" ? undefined : value.site;
  const keys = site === undefined
    ? unsitedKeys(run)
    : domain.lost.has(site)
    ? [`list ${site}`, "list"]
    : [`list ${site}`];
  return domain.join(...keys.map((key) => heldUnder(run, key) ?? domain.nothing));
}

/** Under which keys the heap has what a list may have been given of which it is not known where it was made. */
function unsitedKeys(run: Run): readonly string[] {
  if (run.domain.holdsIterators) {
    return ["list", ...[...run.made].map((site) => `list ${site}`)];
  }
  return ["list", ...[...run.domain.lost].map((site) => `list ${site}`)];
}

/** What an object holds that is changed in place. */
export function heldUnder(run: Run, key: string): Abstract | undefined {
  const value = run.state.heap.get(key);
  for (const { reads, writes } of run.records) {
    if (!writes.has(key) && !reads.has(`heap ${key}`)) reads.set(`heap ${key}`, value);
  }
  return value;
}

export function holdUnder(run: Run, key: string, value: Abstract): void {
  run.domain.store(value);
  run.state.heap.set(key, value);
  for (const { writes } of run.records) writes.add(key);
}

export function givenUnder(run: Run, value: Known, key: string): Abstract | undefined {
  const site = typeof value === "object" && value?.type === "dict" ? value.site : undefined;
  if (site === undefined || heldUnder(run, `unkeyed ${site}`) !== undefined) return undefined;
  if (run.domain.lost.has(site)) return undefined;
  const given = heldUnder(run, `${KEYED}${site}.${key}`);
  // One that was made anew has not been given it yet.
  return given !== undefined && run.remade.has(site)
    ? run.domain.join(given, run.domain.undefined)
    : given;
}

export function putInto(
  run: Run,
  object: Abstract,
  values: Abstract,
  { pairs, size, count, place }: Addition,
): void {
  const grow = (key: string, by: number): void => {
    if (by === 0) return;
    const before = heldUnder(run, key)?.size ?? 0;
    holdUnder(run, key, run.domain.of([], NUMBER, { size: Math.min(before + by, 1e300) }));
  };
  const add = (key: string, given = values): void => {
    const added = run.domain.kept(given);
    const before = heldUnder(run, key) ?? run.domain.nothing;
    const after = run.domain.join(before, added);
    if (after !== before) holdUnder(run, key, after);
  };
  for (const one of object.known) {
    if (typeof one !== "object" || one === null) continue;
    if (one.type !== "list" && one.type !== "dict" && one.type !== "many") continue;
    run.changesLists = true;
    // A list that is made from another may be any.
    const site = one.type === "many" ? undefined : one.site;
    add(site === undefined ? "list" : `list ${site}`);
    if (count > 0 && site !== undefined && run.walked.some((sites) => sites.has(site))) {
      run.cost(place, "growth", 2 ** DOUBLINGS * 2);
    }
    grow(`${TOTAL}${site ?? ""}`, size);
    grow(`${COUNT}${site ?? ""}`, count);
    if (one.type !== "dict" || one.site === undefined) continue;
    if (pairs === undefined) add(`unkeyed ${one.site}`);
    for (const [key, value] of pairs ?? []) add(`${KEYED}${one.site}.${key}`, value);
  }
  if ((object.rest & ~NUMBER) !== 0) add("data");
}
