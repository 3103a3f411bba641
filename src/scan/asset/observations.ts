/**
 * What was seen in one source, until the rules judge it.
 *
 * @module
 */

import type { Judged } from "../../core/rule_set.ts";

/** Observations of one source. */
export class Notes {
  #observations: Judged[] = [];
  readonly #places = new Set<string>();

  /** Observations held. */
  get count(): number {
    return this.#observations.length;
  }

  /** Places inside the source that were spoken of, such as streams. */
  get places(): number {
    return this.#places.size;
  }

  add(observation: Judged): void {
    this.#observations.push(observation);
    const { within = [] } = observation;
    if (within.length > 0) {
      this.#places.add(within.length === 1 ? within[0] ?? "" : JSON.stringify(within));
    }
  }

  /** Hands out what is held. */
  drain(): readonly Judged[] {
    const observations = this.#observations;
    this.#observations = [];
    return observations;
  }
}
