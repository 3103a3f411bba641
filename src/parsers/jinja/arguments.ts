/**
 * Binds the arguments of calls, filters and macros to parameters, as Python does.
 *
 * @module
 */

import type { Abstract, Domain, Known } from "./domain.ts";

/** Arguments that are given, with `*` and `**` taken apart as far as they are known. */
export interface Given {
  readonly positional: readonly Abstract[];
  readonly named: ReadonlyMap<string, Abstract>;
  /** What any further positional argument may be, where a `*` is not known. */
  readonly more: Abstract | undefined;
  /** What any other named argument may be, where a `**` is not known. */
  readonly others: Abstract | undefined;
}

/** No arguments. */
export const NONE: Given = { positional: [], named: new Map(), more: undefined, others: undefined };

/** Only positional arguments. */
export function positionally(...positional: readonly Abstract[]): Given {
  return { ...NONE, positional };
}

/**
 * The value of a parameter; undefined when it is surely not given.
 *
 * @param place among the positional arguments; undefined for one that is only named
 */
export function argument(
  given: Given,
  domain: Domain,
  name: string,
  place?: number,
): Abstract | undefined {
  const own = place === undefined ? undefined : given.positional[place];
  if (own !== undefined) return own;
  const named = given.named.get(name);
  if (named !== undefined) return named;
  const possible = [place === undefined ? undefined : given.more, given.others]
    .filter((one) => one !== undefined);
  return possible.length === 0 ? undefined : domain.join(...possible);
}

/** Whether the argument may be given and may be not. */
export function uncertain(given: Given, name: string, place?: number): boolean {
  if (place !== undefined && given.positional.length > place) return false;
  return !given.named.has(name);
}

/** The only value that it may be; undefined when there are others. */
export function onlyKnown(value: Abstract): Known | undefined {
  return value.known.length === 1 && value.rest === 0 ? value.known[0] : undefined;
}
