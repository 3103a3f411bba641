/**
 * What the evaluation of filters and methods needs of the evaluator of a template.
 *
 * @module
 */

import type { Given } from "./arguments.ts";
import type { Expression } from "./ast.ts";
import type { Abstract, Domain, Known } from "./domain.ts";
import type { Plain } from "./plain.ts";

/** Where in a template something happens. */
export type Place = Expression;

/** The evaluator, as filters and methods see it. */
export interface Machine {
  readonly domain: Domain;
  /** Takes note of an attribute that is read. */
  reach(place: Place, name: string): void;
  /** Takes note of a name that is not known, where one is needed. */
  unknown(place: Place, kind: "attribute" | "call"): void;
  /** Takes note of what takes too much; the estimate is in characters, items or rounds. */
  cost(place: Place, kind: string, estimate: number): void;
  /** Reads an attribute as `environment.getattr` does. */
  attribute(object: Abstract, name: string, place: Place): Abstract;
  /** Reads what an index that may be a name or a number leads to. */
  item(object: Abstract, index: Abstract, place: Place): Abstract;
  /** Calls what a value may be. */
  call(callee: Abstract, given: Given, place: Place): Abstract;
  /** What going through a value gives, and the items in order where they are known. */
  iterate(value: Abstract): { readonly element: Abstract; readonly items?: readonly Abstract[] };
  /** The text that a value is written as. */
  display(value: Abstract): Abstract;
  /** The value in full, where that is known and not too large. */
  plain(value: Known): Plain | undefined;
  /** The other way: what a computed value is. */
  lift(value: Plain): Abstract;
  /** What is in a list or a dictionary that is changed in place, besides what it is made with. */
  changed(value: Known): Abstract;
  /** What a dictionary has been given under a key; undefined where that is not known. */
  givenUnder(value: Known, key: string): Abstract | undefined;
  /**
   * Puts values into a list or dictionary that is changed in place.
   *
   * @param values any of which it may be
   */
  put(object: Abstract, values: Abstract, addition: Addition): void;
}

/** What a list or a dictionary is given. */
export interface Addition {
  /** All of it by keys, where these are known. */
  readonly pairs: ReadonlyMap<string, Abstract> | undefined;
  /** Characters and items in all. */
  readonly size: number;
  /** Items. */
  readonly count: number;
  readonly place: Place;
}
