/**
 * How Torch7's objects are recognised: the file has no signature of its own, only the type of its root.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { latin1 } from "../../parsers/bytes.ts";

/** Types of objects: `File.lua` of https://github.com/torch/torch7. */
export const TYPE = {
  nil: 0,
  number: 1,
  text: 2,
  table: 3,
  object: 4,
  boolean: 5,
  function: 6,
  oldClosure: 7,
  closure: 8,
} as const;

/** Names that Torch7's programs give their files. */
const NAMES = /\.(?:t7|t7b|th7)$/iu;
/** Bytes of a key or a class that tell an object from other numbers. */
const LOOK_BYTES = 64;

/** How a file is written; undefined for what is no object. */
type Torch7Notation = "binary" | "text";

/**
 * How a file is written. Under a name of Torch7's the type of the root is enough; elsewhere what follows it must
 * look like a class, a first key or bytecode.
 */
export function mayBeTorch7({ name, head }: Sample): Torch7Notation | undefined {
  const named = NAMES.test(name);
  if (head.length >= 8 && (head[0] ?? 9) <= TYPE.closure && isZero(head, 1, 4)) {
    if (named && head[0] !== TYPE.nil) return "binary";
    return isRoot(head) ? "binary" : undefined;
  }
  const start = latin1(head, LOOK_BYTES);
  if (named && /^\s*[1-8]\s/u.test(start)) return "text";
  return /^(?:4\n1\n\d{1,3}\n(?:V \d+\n\d{1,3}\n)?[A-Za-z_]\w*\.\w|3\n1\n\d+\n(?:1\n1\n|2\n\d{1,3}\n[ -~])|8\n1\n\d+\n.L(?:ua|J))/u
      .test(start)
    ? "text"
    : undefined;
}

/** The beginning of an object, table or function with the index 1. */
function isRoot(head: Uint8Array): boolean {
  if (head.length < 20) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const type = head[0];
  const length = view.getUint32(8, true);
  if (view.getUint32(4, true) !== 1 || length === 0) return false;
  const start = latin1(head.subarray(12), LOOK_BYTES);
  if (type === TYPE.object) {
    const text = start.slice(0, length);
    return length < LOOK_BYTES && (/^V \d+$/u.test(text) || /^[A-Za-z_]\w*\.[\w.]+$/u.test(text));
  }
  if (type === TYPE.closure || type === TYPE.oldClosure) return start.startsWith("\x1bL");
  if (type !== TYPE.table) return false;
  const key = view.getUint32(12, true);
  if (key === TYPE.number) return view.getUint32(16, true) === 0;
  const characters = view.getUint32(16, true);
  const text = latin1(head.subarray(20), Math.min(characters, LOOK_BYTES));
  return key === TYPE.text && characters > 0 && characters < 1024 && /^[ -~]+$/u.test(text);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  return bytes.subarray(from, to).every((byte) => byte === 0);
}
