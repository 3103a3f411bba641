/**
 * Paths that lead out of the folder that they are looked up in.
 *
 * @module
 */

/** True for a path that is absolute, in a user's home, an address, or climbs out. CWE-22 */
export function leavesFolder(path: string): boolean {
  return /^(?:[\\/~]|[A-Za-z]:|[A-Za-z][\w+.-]*:\/\/)/u.test(path) ||
    path.split(/[\\/]/u).includes("..");
}
