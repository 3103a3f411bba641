/**
 * How CNTK's dictionaries are recognised: a version, then an entry of a key and a value with a version and a type.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";

/** Versions that there are of a dictionary, and types of values: `CNTK.proto`. */
const VERSIONS = 2;
const LAST_TYPE = 11;
/** Letters of a first key; a longer one would not fit into a length of one byte. */
const KEY_LETTERS = 64;

/** True for the beginning of a dictionary with a first entry. */
export function isDictionary({ head, hint }: Sample): boolean {
  const [version, number = 0, entry, , key, letters = 0] = head;
  if (hint !== undefined || version !== 0x08 || number < 1 || number > VERSIONS) return false;
  if (entry !== 0x12) return false;
  // The entry's length may take more than one byte.
  const at = (head[3] ?? 0) < 128 ? 4 : head.subarray(3, 8).findIndex((byte) => byte < 128) + 4;
  const length = at === 4 ? letters : head[at + 1] ?? 0;
  if ((at === 4 ? key : head[at]) !== 0x0a || length === 0 || length > KEY_LETTERS) return false;
  const name = head.subarray(at + 2, at + 2 + length);
  if (!name.every((byte) => byte > 0x20 && byte < 0x7f)) return false;
  // The value, its length, then its version and its type.
  const value = at + 2 + length;
  let inside = value + 1;
  while ((head[inside] ?? 0) >= 128) inside++;
  return head[value] === 0x12 && head[inside + 1] === 0x08 && head[inside + 3] === 0x10 &&
    (head[inside + 4] ?? 255) <= LAST_TYPE;
}
