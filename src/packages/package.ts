/**
 * What concerns several members of an archive, a folder or a repository at once is decided in a
 * package: it sees a listing, whoever made it, and states observations about named members.
 *
 * @module
 */

import type { Listing, Observation } from "../types.ts";

/** An observation about one member of a listing. */
export interface PackageObservation {
  /** Name of the member that it belongs to; empty for the archive or folder itself. */
  readonly part: string;
  /** A fact, an anomaly, or one more entry to look into (its own `part` then names it). */
  readonly observation: Exclude<Observation, { readonly type: "listing" }>;
}

/** One kind of package, such as a PyTorch checkpoint. */
export interface Package {
  /** Stable, in lower case with hyphens: `torch`. */
  readonly id: string;
  /** Pure and cheap: names alone decide. */
  matches(listing: Listing): boolean;
  /** States what the members mean together. Called only where `matches` was true. */
  observe(listing: Listing): Iterable<PackageObservation> | AsyncIterable<PackageObservation>;
}
