/**
 * Why tasks fail, and the version of what is said of them.
 *
 * @module
 */

/** Grows with a change that breaks readers; fields may be added without. */
export const RESULT_VERSION = "1.0";

/** Why a task failed. */
export interface Failure {
  /** Whether the same task may succeed later or elsewhere. */
  readonly class: "retry" | "final";
  readonly reason:
    | "invalid-task"
    | "not-found"
    | "forbidden"
    | "changed"
    | "unsupported"
    | "rate-limited"
    | "unavailable"
    | "time"
    | "memory"
    | "stopped"
    | "defect";
  readonly message: string;
  /** Seconds to wait before the next try, where a server says so. */
  readonly after: number | null;
}
