/**
 * The base name of a path, whichever separator it uses.
 *
 * @module
 */

/**
 * The last part of a path, whichever separator it uses.
 *
 * @param path a path, a member's name or a URL's path
 */
export function baseName(path: string): string {
  const trimmed = path.replace(/[/\\]+$/u, "");
  return trimmed.slice(Math.max(trimmed.lastIndexOf("/"), trimmed.lastIndexOf("\\")) + 1);
}
