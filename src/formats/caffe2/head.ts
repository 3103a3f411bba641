/**
 * How Caffe2's networks are recognised: a message has no signature, but its first operator has a form of its own.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { fieldsOf, WIRE } from "../../parsers/protobuf.ts";

/** Fields of `NetDef`: `caffe2/proto/caffe2.proto` of https://github.com/pytorch/pytorch. */
export const NET = { name: 1, operator: 2, type: 3, argument: 6 } as const;
/** Fields of `OperatorDef`. */
export const OPERATOR = {
  input: 1,
  output: 2,
  name: 3,
  type: 4,
  argument: 5,
  gradient: 9,
} as const;
/** Fields of operators are below this. */
const OPERATOR_FIELDS = 15;
/** Tags of a network's first field: its name, or an operator. */
const FIRST = [0x0a, 0x12];

/** True for the beginning of a network with an operator. */
export function isNet({ head, hint, size }: Sample): boolean {
  const [first = 0] = head;
  if (hint !== undefined || !FIRST.includes(first)) return false;
  try {
    for (const field of fieldsOf(head, Math.max(size ?? 0, head.length))) {
      const { number, type, start, end } = field;
      if (type !== WIRE.bytes) return false;
      if (number === NET.operator) return isOperator(head.subarray(start, end), end - start);
      if (number !== NET.name || !isText(head.subarray(start, end))) return false;
    }
  } catch {
    return false;
  }
  return false;
}

/** True for an operator's fields: texts and its arguments. Caffe's layers have numbers among them. */
function isOperator(bytes: Uint8Array, length: number): boolean {
  let isTyped = false;
  for (const { number, type, start, end } of fieldsOf(bytes, length)) {
    const expected = number === OPERATOR.gradient ? WIRE.varint : WIRE.bytes;
    if (type !== expected || number >= OPERATOR_FIELDS) return false;
    if (end > bytes.length) return isTyped;
    const content = bytes.subarray(start, end);
    if (number === OPERATOR.type) {
      if (!/^(?:[A-Za-z_][\w.:-]{0,200})?$/u.test(latin1(content, content.length))) return false;
      isTyped = true;
    } else if (number < OPERATOR.type && !isText(content)) return false;
  }
  return isTyped;
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}
