/**
 * Buffers the observations of one source until the rules judge them.
 *
 * @module
 */

import type { Judged } from "../../core/rule_set.ts";

/** Observations of one source. */
export class ObservationBuffer {
  #observations: Judged[] = [];
  readonly #places = new Set<string>();

  /** Observations held. */
  get count(): number {
    return this.#observations.length;
  }

  /** Places inside the source with observations, such as streams. */
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

  /** Returns the observations and empties the buffer. */
  drain(): readonly Judged[] {
    const observations = this.#observations;
    this.#observations = [];
    return observations;
  }
}
