/**
 * A tensor of ONNX in a file of its own, as test data beside a model are (`input_0.pb`): one TensorProto.
 * Protobuf does not say which message it holds, so only what can be nothing else is taken for one: a
 * file that is all at hand, whose fields are a tensor's, each written as the `onnx` package writes it,
 * with as many numbers as its dimensions say. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @module
 */

import { fieldsOf, WIRE, type WireField } from "../../parsers/protobuf.ts";
import { FormatError } from "../../core/errors.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Sample } from "../../core/format.ts";
import { hasRightType, SCHEMA } from "./schema.ts";

const DIMS = 1;
const DATA_TYPE = 2;
const SEGMENT = 3;
const STRINGS = 6;
const INT64S = 7;
const RAW = 9;
/** TensorProto.DataType; 0 is undefined. */
const NEWEST_TYPE = 26;
/** Bits of an element in `raw_data`, by data type, of those whose width is sure. */
const BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
};

/** True for a file that is a TensorProto and nothing else, read to its end. */
export function isTensorFile({ name, head, size }: Sample): boolean {
  if (!/\.pb$/iu.test(baseName(name)) || size === undefined || size !== head.length) return false;
  const fields = fieldsIn(head);
  if (fields === undefined || !fields.every((field) => isOfTensor(field, head))) return false;
  const types = fields.filter(({ number }) => number === DATA_TYPE);
  const [type] = types;
  if (type === undefined || types.length > 1 || type.value < 1 || type.value > NEWEST_TYPE) {
    return false;
  }
  const count = fields.filter(({ number }) => number === DIMS)
    .reduce((product, { value }) => product * value, 1);
  return hasAsMany(head, fields, count, type.value);
}

/** All fields of a message; undefined where it is none. */
function fieldsIn(bytes: Uint8Array): readonly WireField[] | undefined {
  try {
    return [...fieldsOf(bytes, bytes.length)];
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Dimensions one by one, and no numbers that are a graph with nodes to who reads a model. */
function isOfTensor(field: WireField, head: Uint8Array): boolean {
  const row = SCHEMA.tensor[field.number];
  if (row === undefined || field.cut || !hasRightType(row, field.type)) return false;
  if (field.number === DIMS) return field.type === WIRE.varint && field.value >= 0;
  if (field.number === SEGMENT) return false;
  if (field.number !== INT64S || field.type !== WIRE.bytes) return true;
  const inside = fieldsIn(head.subarray(field.start, field.end));
  return inside === undefined || inside.every(({ type }) => type !== WIRE.bytes);
}

/** Whether the numbers or texts are as many as the dimensions say. */
function hasAsMany(
  head: Uint8Array,
  fields: readonly WireField[],
  count: number,
  type: number,
): boolean {
  const raw = fields.filter(({ number }) => number === RAW);
  const [only] = raw;
  if (only !== undefined) {
    const bits = BITS[type];
    const bytes = only.end - only.start;
    return raw.length === 1 && (bits === undefined ? bytes <= count : bytes * 8 === count * bits);
  }
  const texts = fields.filter(({ number }) => number === STRINGS);
  if (type === 8) return texts.length === count;
  const values = fields.filter(({ number }) => VALUES.has(number));
  const numbers = values.reduce((sum, field) => sum + numbersIn(field, head), 0);
  // Complex numbers have two parts; of types narrower than a byte several share a number.
  return numbers === count || numbers === count * 2 ||
    (BITS[type] === undefined && numbers > 0 && numbers <= count);
}

/**
 * Numbers in a field: one, or as many as are packed in it; NaN when the length is no multiple of an
 * element's.
 */
function numbersIn({ type, number, start, end }: WireField, head: Uint8Array): number {
  if (type !== WIRE.bytes) return 1;
  const width = WIDTHS[number];
  if (width !== undefined) return (end - start) % width === 0 ? (end - start) / width : NaN;
  // A varint ends with a byte below 0x80.
  if ((head[end - 1] ?? 0) >= 0x80) return NaN;
  return head.subarray(start, end).reduce((sum, byte) => sum + (byte < 0x80 ? 1 : 0), 0);
}

/** Bytes of the packed numbers that have a width: floats and doubles. */
const WIDTHS: Readonly<Record<number, number>> = { 4: 4, 10: 8 };

/** Fields of numbers. */
const VALUES = new Set([4, 5, INT64S, 10, 11]);
