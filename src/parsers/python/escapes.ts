/**
 * Python's escapes of one character, in text and in bytes.
 * https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences
 *
 * @module
 */

/** Characters of a character's name in `\\N{…}`. The longest of Unicode 16 has 88. CWE-407. */
export const NAME_CHARACTERS = 256;

/** What stands for a backslash and this character; a line break vanishes. */
export const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
