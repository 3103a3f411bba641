/**
 * The default budgets. Real models stay far below each of them.
 *
 * @module
 */

import type { Limits } from "./types.ts";

const MIB = 1024 * 1024;

/** The default budgets. */
export const DEFAULT_LIMITS: Limits = {
  // Hugging Face caches nest two containers at most; five leaves room for a bundle of bundles.
  depth: 8,
  members: 200_000,
  expandedBytes: 16 * 1024 * MIB,
  spoolBytes: 256 * MIB,
  // Deflate cannot exceed 1032:1; sparse tensors reach a few hundred.
  ratio: 1_100,
  milliseconds: undefined,
  // The largest random forest seen has some 200 million.
  opcodes: 2_000_000_000,
  values: 1 << 24,
  resyncBytes: 4 * MIB,
  issues: 10_000,
};

/**
 * The default budgets with some of them replaced.
 *
 * @throws RangeError when a number is negative or not a number
 */
export function withDefaults(limits: Partial<Limits> = DEFAULT_LIMITS): Limits {
  if (limits === DEFAULT_LIMITS) return DEFAULT_LIMITS;
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(value >= 0)) {
      throw new RangeError(
        `Cannot use ${value} as limit "${name}": it must be a number of at least 0`,
      );
    }
  }
  return { ...DEFAULT_LIMITS, ...limits };
}
