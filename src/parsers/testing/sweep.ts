/**
 * How much the tests of each tier do: how densely they cut and change samples, and how large their inputs
 * are.
 *
 * @module
 */

import process from "node:process";

const isFast = process.env.MODELAUDIT_TESTS === "fast";

/**
 * Bytes between two places of a sweep over a sample. `make test` takes every place under Deno; Bun runs the
 * same code on bytes, and `make test-fast` is for the inner loop: both take every seventh.
 */
export const SWEEP: number = process.versions.bun !== undefined || isFast ? 7 : 1;

/** Options of a test whose input is so large, to reach a limit, that it takes a second: only `make test` runs it. */
export const LARGE_INPUT: { readonly skip: string | false } = { skip: isFast && "large input" };
