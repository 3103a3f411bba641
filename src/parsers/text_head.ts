/**
 * The first field of protobuf's text, by which formats know their messages.
 *
 * @module
 */

import { latin1 } from "./bytes.ts";
import { blankEnd } from "./text_blank.ts";

const NAME = /^[A-Za-z_]\w*$/u;
/** Letters of a name; no schema has a longer one. */
const NAME_LETTERS = 128;

/**
 * The name of the first field. White space and comments may stand before it and behind it.
 *
 * @param head the beginning of a text
 * @returns "cut" when it ends before that; undefined for text of another kind
 */
export function firstField(head: Uint8Array): { readonly name: string } | "cut" | undefined {
  const from = blankEnd(head, 0);
  let to = from;
  while (to < head.length && to - from <= NAME_LETTERS && isLetter(head[to]!)) to++;
  const name = latin1(head.subarray(from, to), NAME_LETTERS);
  if (from < head.length && !NAME.test(name)) return undefined;
  const next = blankEnd(head, to);
  if (next === head.length) return "cut";
  return ":{<[".includes(String.fromCharCode(head[next]!)) ? { name } : undefined;
}

function isLetter(byte: number): boolean {
  return byte === 0x5f || (byte >= 0x30 && byte <= 0x39) ||
    ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
}
