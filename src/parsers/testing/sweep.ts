/**
 * How densely tests cut and change samples.
 *
 * @module
 */

import process from "node:process";

/**
 * Bytes between two places of a sweep over a sample. `make test` takes every place under Deno; Bun runs the
 * same code on bytes, and `make test-fast` is for the inner loop: both take every seventh.
 */
export const SWEEP: number = process.versions.bun !== undefined ||
    process.env.MODELAUDIT_TESTS === "fast"
  ? 7
  : 1;
