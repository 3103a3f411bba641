/**
 * How MessagePack is recognised.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";

/** Names under which MessagePack travels: nothing in its bytes is a signature. */
const NAMES = /(?:\.(?:msgpack|mpk|msgp|flax)|(?:^|\/)checkpoint(?:_\d+)?)$/iu;

/**
 * Whether a file may be MessagePack: a map, or a list, that is not empty, under a name of MessagePack's.
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function mayBeMessagePack({ name, head }: Sample): boolean {
  const [first = 0] = head;
  const long = first >= 0xdc && first <= 0xdf;
  return NAMES.test(name) && (long || first > 0x80 && first < 0xa0 && first !== 0x90);
}
