/**
 * Which hosts are down: one that fails again and again, and never once answers in between, is left alone for a
 * while, so that a repository on it costs a few requests and not a few for each of its files.
 *
 * @module
 */

/** Failures in a row after which a host counts as down. Three times what is tried for one file. CWE-400. */
const FAILURES = 12;
/** Milliseconds after which one more request shows whether it is up again. CWE-400. */
const REST_MILLISECONDS = 15_000;

/** What is known of hosts. */
export class Hosts {
  readonly #failures = new Map<string, number>();
  readonly #asked = new Map<string, number>();

  /** A host answered, whatever it said. */
  answered({ origin }: URL): void {
    this.#failures.delete(origin);
  }

  /** A host did not answer, or only said that it cannot. */
  failed({ origin }: URL): void {
    this.#failures.set(origin, (this.#failures.get(origin) ?? 0) + 1);
    this.#asked.set(origin, performance.now());
  }

  /** True for a host that is not to be asked now. Once in a while it is false, for one request. */
  isDown({ origin }: URL): boolean {
    if ((this.#failures.get(origin) ?? 0) < FAILURES) return false;
    const rested = performance.now() - (this.#asked.get(origin) ?? 0) >= REST_MILLISECONDS;
    if (rested) this.#asked.set(origin, performance.now());
    return !rested;
  }

  /** True when nothing further is to be tried for a file of it. */
  isFailing({ origin }: URL): boolean {
    return (this.#failures.get(origin) ?? 0) >= FAILURES;
  }
}
