/**
 * Paths of members as a file system would find them.
 *
 * @module
 */

/** A path without empty parts, `.` and `..`; what leads out of the archive begins at its root. */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
