/**
 * Chains of attributes, items and calls, and the arguments of calls.
 *
 * @module
 */

import { foldSlice } from "./fold.ts";
import type { ChainsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried } from "./sinks.ts";
import type { Argument, Chain, Expression } from "./syntax.ts";
import {
  type Arguments,
  itemsOf,
  known,
  type Scope,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  type Values,
} from "./values.ts";

/** Arguments of one call whose places are distinguished. The most in use are 34. CWE-770. */
const POSITIONS = 4096;

/** Chains of attributes, items and calls, and the arguments of calls. */
export class Chains implements ChainsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  chain(chain: Chain, scope: Scope): Values {
    let values = this.#rooms.expressions.value(chain.base, scope);
    const { steps } = chain;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at];
      if (step === undefined) break;
      this.#run.step(1);
      if (step.kind === "attribute") {
        // Long numbers are not kept; a text may be written as one.
        values = values.length === 0 && step.id === "to_bytes"
          ? [this.#rooms.heap.method(UNKNOWN_HIDDEN, step.id)]
          : this.#rooms.attributes.attributes(values, step.id, step);
      } else if (step.kind === "item") {
        const index = this.#rooms.expressions.value(step.index, scope);
        values = step.index.kind === "slice"
          ? this.#sliced(values, { slice: step.index, index, site: step }, scope)
          : this.#rooms.items.items(values, index, step);
      } else {
        const given = this.#arguments(step.items, scope);
        values = this.#rooms.calls.callAll(values, given, {
          at: chain.at,
          end: step.end,
          site: step,
          scope,
        });
      }
    }
    return values;
  }

  #arguments(items: readonly Argument[], scope: Scope): Arguments {
    const positions: Values[] = [];
    const named = new Map<string, Values>();
    let rest: Values = [];
    // Behind what spreads an unknown number of values the places are not known.
    let shifted = false;
    for (const item of items) {
      const isGiven = item.kind === "given";
      const [name, stars] = isGiven ? [item.name, item.stars] : [undefined, 0];
      const value = isGiven ? item.value : item;
      const values = this.#rooms.expressions.value(value, scope);
      if (name !== undefined) named.set(name, values);
      else if (stars === 0 && !shifted && positions.length < POSITIONS) positions.push(values);
      else if (stars === 0) rest = union(rest, known(values));
      else {
        const [only] = values;
        if (
          values.length === 1 && only?.kind === "container" && only.rest.length === 0 &&
          only.items.size < 64
        ) {
          if (stars === 2) {
            for (const [key, each] of only.items) named.set(key, each);
            continue;
          }
          if (only.type !== "dict" && only.type !== "set") {
            for (let at = 0; at < only.items.size; at++) {
              positions.push(only.items.get(String(at)) ?? []);
            }
            continue;
          }
        }
        if (stars === 1) shifted = true;
        rest = union(
          rest,
          stars === 2 ? this.valuesOf(values) : this.#rooms.collections.elements(values, value),
        );
        if (rest.length === 0) rest = [UNKNOWN_CONSTANT];
      }
    }
    return { positions, named, rest };
  }

  /** The values of mappings. */
  valuesOf(values: Values): Values {
    let all: Values = [];
    for (const each of values) {
      if (each.kind === "container") all = this.#run.unite(all, itemsOf(each));
      else if (isCarried(each)) all = this.#run.unite(all, [each]);
    }
    return all;
  }

  #sliced(
    values: Values,
    { slice, index, site }: {
      readonly slice: Extract<Expression, { kind: "slice" }>;
      readonly index: Values;
      readonly site: object;
    },
    scope: Scope,
  ): Values {
    let all: Values = [];
    for (const part of slice.parts) {
      this.#rooms.targets.hashed(this.#rooms.expressions.value(part, scope));
    }
    for (const each of values) {
      if (each.kind === "constant") {
        const parts = slice.parts.map((part) => {
          const [value] = this.#rooms.expressions.value(part, scope);
          return value?.kind === "constant" && typeof value.value === "number"
            ? value.value
            : undefined;
        });
        // Only `[::-1]` is distinguished from other slices, whose colons were not kept.
        const reversed = parts.length === 1 && parts[0] === -1;
        const folded = reversed ? foldSlice(each, [undefined, undefined, -1]) : undefined;
        all = this.#run.unite(all, [
          folded ?? (each.hidden || reversed ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT),
        ]);
      } else if (each.kind === "container") {
        all = this.#run.unite(all, [this.#rooms.heap.listOf(site, each.type, itemsOf(each))]);
      } else if (each.kind === "instance") {
        all = this.#run.unite(all, this.#rooms.objects.special(each, ["__getitem__"], [index]));
      } else if (each.kind === "class") {
        all = this.#run.unite(all, this.#rooms.items.item(each, index, site));
      } else all = this.#run.unite(all, [each]);
    }
    return all;
  }
}
