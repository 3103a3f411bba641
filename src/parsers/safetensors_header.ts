/**
 * The header of a safetensors file: eight bytes of length, a JSON object of that length that names each
 * tensor's type, shape and place, and the bytes of the tensors, without gaps.
 * https://github.com/huggingface/safetensors#format
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  repeatedKeys,
  valuesOf,
} from "./json.ts";
import type { Source } from "../core/source.ts";

/** Bytes before the header. */
export const LENGTH_BYTES = 8;

/**
 * Bytes of a header; the library refuses longer ones: `MAX_HEADER_SIZE` in `safetensors/src/tensor.rs`.
 * CWE-770.
 */
export const HEADER_BYTES = 100_000_000;

/** Where the header keeps what is no tensor. */
export const METADATA = "__metadata__";

/** Bits of one element, `Dtype` in `safetensors/src/tensor.rs`. */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
};

/** One tensor; `anomalies` has what is wrong with it. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  /** Elements; undefined where the shape is none. */
  readonly count: bigint | undefined;
  /** From the start of the tensors' bytes; undefined where the header gives no place. */
  readonly begin: number | undefined;
  readonly end: number | undefined;
  readonly anomalies: readonly string[];
}

/** A parsed header. */
export interface SafetensorsHeader {
  /** Where the tensors' bytes begin. */
  readonly dataStart: number;
  readonly tensors: readonly TensorEntry[];
  readonly metadata: JsonValue | undefined;
  /** Names that stand in the header more than once. */
  readonly duplicates: readonly string[];
}

/**
 * The length that the first eight bytes give, little-endian; beyond 2^53 no longer exact.
 *
 * @param head at least eight bytes
 */
export function headerLength(head: Uint8Array): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
}

/**
 * Reads the header, and nothing of the tensors.
 *
 * @throws FormatError when there is none that could be read
 */
export async function readHeader(source: Source): Promise<SafetensorsHeader> {
  const start = (await source.read(0, LENGTH_BYTES)).slice();
  if (start.length < LENGTH_BYTES) throw new FormatError("It is shorter than its length field", 0);
  const length = headerLength(start);
  if (length > HEADER_BYTES) {
    throw new FormatError(`A header of ${length} bytes is longer than the library takes`, 0);
  }
  const bytes = (await source.read(LENGTH_BYTES, length)).slice();
  if (bytes.length < length) {
    throw new FormatError(`The header should have ${length} bytes, ${bytes.length} are there`, 0);
  }
  return parseHeader(bytes);
}

/**
 * Parses the JSON of a header.
 *
 * @throws FormatError when it is no JSON object; the offset counts from the start of the file
 */
function parseHeader(bytes: Uint8Array): SafetensorsHeader {
  if (bytes[0] !== 0x7b) throw new FormatError("The header begins with no {", LENGTH_BYTES);
  checkUtf8(bytes);
  const { value, error } = parseJson(bytes);
  if (error !== undefined) {
    const offset = LENGTH_BYTES + error.offset;
    throw new FormatError(`The header is no JSON: ${error.message}`, offset);
  }
  if (!isObject(value)) throw new FormatError("The header is no object", LENGTH_BYTES);
  const duplicates = new Set<string>();
  const tensorNames = new Set<string>();
  const tensors: TensorEntry[] = [];
  for (const [name, info] of value.members) {
    if (tensorNames.has(name)) duplicates.add(name);
    tensorNames.add(name);
    if (isObject(info)) {
      for (const key of repeatedKeys(info)) duplicates.add(`${name}.${key}`);
    }
    if (name !== METADATA) tensors.push(tensorOf(name, info));
  }
  return {
    dataStart: LENGTH_BYTES + bytes.length,
    tensors,
    metadata: valuesOf(value, METADATA)[0],
    duplicates: [...duplicates],
  };
}

function checkUtf8(bytes: Uint8Array): void {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError("The header is not UTF-8", LENGTH_BYTES);
  }
}

function tensorOf(name: string, info: JsonValue): TensorEntry {
  if (!isObject(info)) {
    const nothing = { dtype: "", count: undefined, begin: undefined, end: undefined };
    return { name, ...nothing, anomalies: ["is no object"] };
  }
  const anomalies: string[] = [];
  const [dtype] = valuesOf(info, "dtype");
  const [begin, end] = offsetsOf(info);
  const bits = typeof dtype === "string" && Object.hasOwn(BITS, dtype) ? BITS[dtype] : undefined;
  if (bits === undefined) {
    anomalies.push(`has the type ${JSON.stringify(dtype ?? null)}, which does not exist`);
  }
  const count = elements(info, anomalies);
  if (begin === undefined || end === undefined) anomalies.push("has no place");
  else if (end < begin) anomalies.push(`ends at ${end}, before it begins at ${begin}`);
  else if (
    bits !== undefined && count !== undefined && count * BigInt(bits) !== BigInt(end - begin) * 8n
  ) {
    const expected = count * BigInt(bits);
    anomalies.push(`takes ${expected / 8n} bytes by type and shape, but has ${end - begin}`);
  }
  for (const [key] of info.members) {
    if (!["dtype", "shape", "data_offsets"].includes(key)) anomalies.push(`has a field "${key}"`);
  }
  return { name, dtype: typeof dtype === "string" ? dtype : "", count, begin, end, anomalies };
}

function offsetsOf(info: JsonObject): [number | undefined, number | undefined] {
  const [offsets] = valuesOf(info, "data_offsets");
  if (!isArray(offsets) || offsets.items.length !== 2) return [undefined, undefined];
  const [begin, end] = offsets.items.map((value) => isCount(value) ? value : undefined);
  return [begin, end];
}

/** Elements by the shape; undefined when the shape is none. */
function elements(info: JsonObject, anomalies: string[]): bigint | undefined {
  const [shape] = valuesOf(info, "shape");
  if (!isArray(shape) || !shape.items.every(isCount)) {
    anomalies.push("has no shape");
    return undefined;
  }
  if (shape.items.includes(0)) return 0n;
  let count = 1n;
  for (const size of shape.items) {
    count *= BigInt(size);
    // A product of all that a header has room for would take hours.
    if (count >= 2n ** 63n) {
      anomalies.push("has more elements than a machine can count");
      return undefined;
    }
  }
  return count;
}

function isCount(value: JsonValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
