/**
 * What is bound to names while a template runs: scopes within each other, and what objects hold that
 * are changed in place.
 *
 * @module
 */

import type { Abstract, Domain } from "./domain.ts";

/** The innermost scope is the last. */
export class State {
  readonly scopes: Map<string, Abstract>[];
  /** Of namespaces, `site.name`; of lists that are changed, `list site`. */
  readonly heap: Map<string, Abstract>;
  /** The text that the tags so far have written, for each way of spacing; undefined while nothing asks. */
  written: readonly Abstract[] | undefined;

  constructor(
    scopes: Map<string, Abstract>[] = [new Map()],
    heap: Map<string, Abstract> = new Map(),
    written?: readonly Abstract[],
  ) {
    this.scopes = scopes;
    this.heap = heap;
    this.written = written;
  }

  clone(): State {
    return new State(this.scopes.map((scope) => new Map(scope)), new Map(this.heap), this.written);
  }

  /** Takes over what another state holds. */
  become(other: State): void {
    this.scopes.length = 0;
    this.scopes.push(...other.scopes);
    this.heap.clear();
    for (const [name, value] of other.heap) this.heap.set(name, value);
    this.written = other.written;
  }

  lookup(name: string): Abstract | undefined {
    for (let at = this.scopes.length - 1; at >= 0; at--) {
      const value = this.scopes[at]?.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  bind(name: string, value: Abstract): void {
    this.scopes.at(-1)?.set(name, value);
  }
}

/** How the heap's keys begin for what a dictionary was given under a key. */
export const KEYED = "dict ";
/** How they begin for the size of all that a list or a dictionary was given. */
export const TOTAL = "total ";
/** How they begin for how many items it was given. */
export const COUNT = "count ";
/** How they begin for the members of a namespace. */
const MEMBER = /^-?\d+\./u;

/**
 * The state after either of two ways.
 *
 * @param missing what a name is that is bound on one way alone
 */
export function joined(
  one: State,
  other: State,
  domain: Domain,
  missing: (name: string, depth: number) => Abstract,
): State {
  const scopes = one.scopes.map((scope, depth) =>
    joinMaps(
      scope,
      other.scopes[depth] ?? new Map(),
      (a, b, name) => domain.join(a ?? missing(name, depth), b ?? missing(name, depth)),
    )
  );
  const heap = joinMaps(
    one.heap,
    other.heap,
    (a, b, name) => {
      const absent = name.startsWith(KEYED) || MEMBER.test(name)
        ? domain.undefined
        : domain.nothing;
      return domain.join(a ?? absent, b ?? absent);
    },
  );
  const written = one.written?.map((text, at) => domain.join(text, other.written?.[at] ?? text));
  return new State(scopes, heap, written);
}

function joinMaps(
  one: ReadonlyMap<string, Abstract>,
  other: ReadonlyMap<string, Abstract>,
  combine: (a: Abstract | undefined, b: Abstract | undefined, name: string) => Abstract,
): Map<string, Abstract> {
  const all = new Map<string, Abstract>();
  for (const [name, value] of one) all.set(name, combine(value, other.get(name), name));
  for (const [name, value] of other) {
    if (!one.has(name)) all.set(name, combine(undefined, value, name));
  }
  return all;
}

/** What differs between two states, by scope and name. */
export function changes(before: State, after: State): string[] {
  const names: string[] = [];
  const differ = (
    one: ReadonlyMap<string, Abstract> | undefined,
    other: ReadonlyMap<string, Abstract>,
    where: string,
  ): void => {
    for (const [name, value] of other) if (one?.get(name) !== value) names.push(`${where} ${name}`);
  };
  after.scopes.forEach((scope, at) => differ(before.scopes[at], scope, String(at)));
  differ(before.heap, after.heap, "heap");
  return names;
}
