/**
 * What concerns several members of an archive, a folder or a repository at once is decided in a
 * bundle: it sees a listing of any origin and states observations about named members.
 *
 * @module
 */

import type { CoverageRow } from "./format.ts";
import type { Interest, Listing, Observation } from "./types.ts";

/** An observation about one member of a listing. */
export interface BundleObservation {
  /** Name of the member that it belongs to; empty for the archive or folder itself. */
  readonly part: string;
  /** A fact, an anomaly, or one more entry to look into (its own `part` then names it). */
  readonly observation: Exclude<Observation, { readonly type: "listing" }>;
}

/** One kind of bundle, such as a PyTorch checkpoint. */
export interface Bundle {
  /** Stable, in lower case with hyphens: `torch`. Names its rules file, where it has rules of its own. */
  readonly id: string;
  /** Heading of its rules in `docs/threats.md`; not needed for bundles of a caller's own. */
  readonly title?: string;
  /** Rows of the table in `docs/usage.md`. */
  readonly coverage?: readonly CoverageRow[];
  /** Pure and cheap: names alone decide. */
  matches(listing: Listing): boolean;
  /**
   * States what the members mean together. Called only where `matches` was true.
   *
   * @param interest what the rules know, where the caller has rules
   * @param checkDeadline to be called now and then; what it throws is to be let through
   */
  observe(
    listing: Listing,
    interest?: Interest,
    checkDeadline?: () => void,
  ): Iterable<BundleObservation> | AsyncIterable<BundleObservation>;
}
