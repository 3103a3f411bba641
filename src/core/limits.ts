/**
 * The default budgets. Real models stay far below each of them.
 *
 * @module
 */

import { unknownName } from "./known.ts";
import type { Limits } from "./types.ts";

const MIB = 1024 * 1024;

/** The options of the command that set the limits. */
export const LIMIT_FLAGS: Readonly<Record<keyof Limits, string>> = {
  depth: "--max-depth",
  members: "--max-members",
  expandedBytes: "--max-expanded",
  spoolBytes: "--max-spool",
  ratio: "--max-ratio",
  milliseconds: "--max-file-time",
  opcodes: "--max-opcodes",
  values: "--max-values",
  resyncBytes: "--max-resync",
  issues: "--max-issues",
};

/** For the end of a message: which option raises the limit that was reached. */
export function raisedBy(limit: keyof Limits): string {
  return ` (${LIMIT_FLAGS[limit]} sets the limit)`;
}

/** The default budgets. */
export const DEFAULT_LIMITS: Limits = {
  /** Containers around a source. A wheel in an image layer has three, a checkpoint one. CWE-674. */
  depth: 8,
  /** Members of all archives of an asset. PyTorch 2.13's wheel has 12,248. CWE-770. */
  members: 200_000,
  /** Bytes out of decompression for an asset. The most seen, in a wheel, are 137 MB. CWE-409. */
  expandedBytes: 16 * 1024 * MIB,
  /** Bytes kept for a format that needs random access to a stream. The most seen are 1,809. CWE-770. */
  spoolBytes: 256 * MIB,
  /** Expanded over compressed size. Deflate cannot exceed 1,032; sparse tensors reach a few hundred. CWE-409. */
  ratio: 1_100,
  milliseconds: undefined,
  /** Opcodes of an asset's pickles. The largest random forest seen has 200 million. CWE-834. */
  opcodes: 2_000_000_000,
  /** Entries each of memo, stack and containers. CWE-770. */
  values: 1 << 24,
  /** Bytes searched for a stream behind a malformed one. Intact files need none. CWE-834. */
  resyncBytes: 4 * MIB,
  /** Distinct issues of an asset. CWE-779. */
  issues: 10_000,
};

/**
 * The default budgets with some of them replaced; a limit that is undefined counts as not given.
 *
 * @throws RangeError when there is no limit of a name, or one is negative or not a number
 */
export function withDefaults(limits: Partial<Limits> = DEFAULT_LIMITS): Limits {
  if (limits === DEFAULT_LIMITS) return DEFAULT_LIMITS;
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new RangeError(unknownName("limit", "a scan", name, { ...DEFAULT_LIMITS }));
    }
    if (!(typeof value === "number" && value >= 0)) {
      throw new RangeError(
        `Cannot use ${value} as limit "${name}": it must be a number of at least 0`,
      );
    }
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) };
}
