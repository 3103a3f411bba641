/**
 * How MessagePack is recognised.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";

/** Names under which MessagePack travels: nothing in its bytes is a signature. */
const NAMES = /(?:\.(?:msgpack|mpk|msgp|flax)|(?:^|\/)checkpoint(?:_\d+)?)$/iu;

/** spaCy's tables, `spacy/lookups.py`: an empty map where a pipeline has none. */
const LOOKUPS = /(?:^|\/)lookups(?:_extra)?\.bin$/iu;

/**
 * Whether a file may be MessagePack: a map, or a list, that is not empty, under a name of MessagePack's.
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function mayBeMessagePack({ name, head, size }: Sample): boolean {
  const [first = 0] = head;
  if (LOOKUPS.test(name) && (first === 0x80 ? size === 1 : isMap(first))) return true;
  const long = first >= 0xdc && first <= 0xdf;
  return NAMES.test(name) && head.length > 1 &&
    (long || first > 0x80 && first < 0xa0 && first !== 0x90);
}

/** A map of at least one item. */
function isMap(first: number): boolean {
  return first > 0x80 && first < 0x90 || first === 0xde || first === 0xdf;
}
