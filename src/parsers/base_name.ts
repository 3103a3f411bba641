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
  let end = path.length;
  while (end > 0 && isSeparator(path.charCodeAt(end - 1))) end--;
  let start = end;
  while (start > 0 && !isSeparator(path.charCodeAt(start - 1))) start--;
  return path.slice(start, end);
}

function isSeparator(code: number): boolean {
  return code === 0x2f || code === 0x5c;
}
