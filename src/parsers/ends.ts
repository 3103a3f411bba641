/**
 * The ends of texts, found in one pass: a regular expression that is anchored at the end only, as `/ +$/`,
 * tries every place of a long run again (CWE-1333).
 *
 * @module
 */

/**
 * A text without the characters of a set at its end.
 *
 * @param text any text
 * @param characters each one UTF-16 unit
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/**
 * The longest end of a text in which a pattern matches every UTF-16 unit.
 *
 * @param text any text
 * @param unit without the flags `g` and `y`
 */
export function endOf(text: string, unit: RegExp): string {
  let start = text.length;
  while (start > 0 && unit.test(text.charAt(start - 1))) start--;
  return text.slice(start);
}
