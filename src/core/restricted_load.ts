/**
 * How a loader that refuses code takes a file. A statement about the file, not a verdict: what such a
 * loader lets through is read by the same rules as everything.
 *
 * @module
 */

/** Whether it would be harmless to allow what stands in the way. */
export type Allowing = "harmless" | "harmful" | "unknown";

/** How one release of a loader takes a file. */
export interface RestrictedLoad {
  /** For instance `torch.load(weights_only=True)`. */
  readonly loader: string;
  /** Library and release, for instance `torch 2.6`. */
  readonly release: string;
  /** "unrestricted": the release loads the file without the restriction. */
  readonly outcome: "loads" | "refused" | "unrestricted";
  /** Globals that it does not let through, by their paths. */
  readonly globals: readonly string[];
  /** Why it refuses the file though all of these were allowed; absent where it would not. */
  readonly refusal?: string;
  /** Whether it would be harmless to allow the globals; absent where there are none. */
  readonly allowing?: Allowing;
}
