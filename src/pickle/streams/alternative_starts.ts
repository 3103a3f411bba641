/**
 * Starts of the next stream for loaders that end a stream at another offset than the base reading.
 *
 * @module
 */

import type { Input } from "./input.ts";
import { STATUS } from "../machine/status.ts";
import type { Run } from "./driver.ts";

/** Why a stream begins there: frames that are buffered completely, or arrays that are not skipped. */
type Cause = "frames" | "plain";

/** Offsets in the source, in the order in which they were found. */
export class AlternativeStarts {
  readonly #places = new Map<number, Cause>();

  /** All places; those that are noted meanwhile follow. */
  places(): Iterable<readonly [offset: number, cause: Cause]> {
    return this.#places;
  }

  /**
   * Loaders that buffer a complete frame continue after it, at the end of the frame and not at its
   * STOP.
   *
   * @param input that the run read
   * @param drops whether that is one which drops bytes
   */
  noteFrames(run: Run, input: Input, drops: boolean): void {
    if (run.status !== STATUS.STOPPED) return;
    const note = (offset: number): void => {
      if (offset < input.size) this.#places.set(input.actual(offset), "frames");
    };
    const { frameEnd } = run.machine.reader;
    if (frameEnd > run.end) note(frameEnd);
    if (drops) note(run.end);
  }

  /** A loader that does not skip arrays continues after the STOP that it finds in one. */
  notePlain(run: Run, input: Input): void {
    if (run.status !== STATUS.STOPPED || run.end >= input.size) return;
    const offset = input.actual(run.end);
    if (!this.#places.has(offset)) this.#places.set(offset, "plain");
  }
}
