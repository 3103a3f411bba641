/**
 * What a scan saw of the file system, for those who looked at it before: a path may lead to another file by then.
 *
 * @module
 */

/** Learns what a scan looks at. */
export interface Witness {
  /**
   * A file was opened, or what a folder lists was looked at.
   *
   * @param version of a file as `keyOf` has it, of a folder "folder"; undefined for all else, and where it could
   *   not be looked at
   */
  looked(path: string, version: string | undefined): void;
  /** A folder was listed. */
  listed(path: string, names: readonly string[]): void;
}
