/**
 * MXNet's parameters: arrays, dense or sparse, and their names. They hold no code.
 * `NDArray::Load` and `NDArray::LegacyLoad`, `src/ndarray/ndarray.cc` of https://github.com/apache/mxnet
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { isParameters } from "./head.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** Bytes of the magic number and the reserved word. */
const HEADER_BYTES = 16;
/** First words of an array: with shapes of 64 bits, with kinds of storage, with shapes of NumPy. */
const MAGIC = { shapes64: 0xf993fac8, kinds: 0xf993fac9, numpy: 0xf993faca } as const;
/** Arrays of numbers beside the data of an array, by its kind of storage: dense, of rows, of CSR. */
const AUXILIARY = [0, 1, 2];
/** Bytes of an element by its type: `mshadow/base.h`. */
const ELEMENT_BYTES = [4, 8, 2, 1, 4, 1, 8, 1, 2, 2, 4, 8, 2];
/** Dimensions of an array. NumPy has 64 at most. CWE-770. */
const DIMENSIONS = 64;

/** MXNet's parameters. */
export const mxnetParamsFormat: Format = {
  id: "mxnet-params",
  random: false,
  detect: isParameters,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline() });
  await cursor.skip(HEADER_BYTES);
  yield [];
  const arrays = await cursor.u64();
  // Each has a first word at least.
  if (arrays * 4 > (cursor.left ?? Infinity)) {
    throw new FormatError(`Cannot read parameters: there are ${arrays} arrays`, HEADER_BYTES);
  }
  if (arrays > context.limits.values) {
    throw new LimitError("values", `Cannot read ${arrays} arrays`);
  }
  for (let index = 0; index < arrays; index++) await readArray(cursor);
  const names = await cursor.u64();
  if (names !== 0 && names !== arrays) {
    throw new FormatError(`Cannot read parameters: ${names} names for ${arrays} arrays`);
  }
  for (let index = 0; index < names; index++) await cursor.skip(await cursor.u64());
  yield await behindEnd(source, cursor.offset);
}

async function readArray(cursor: SourceCursor): Promise<void> {
  const at = cursor.offset;
  const magic = await cursor.u32();
  const hasKind = magic === MAGIC.kinds || magic === MAGIC.numpy;
  const kind = hasKind ? await cursor.i32() : 0;
  const auxiliary = AUXILIARY[Math.max(0, kind)];
  if (kind < -1 || auxiliary === undefined) {
    throw new FormatError(`Cannot read array: there is no kind ${kind} of storage`, at);
  }
  const stored = auxiliary > 0 ? await readShape(cursor) : undefined;
  const shape = magic === MAGIC.shapes64 || hasKind
    ? await readShape(cursor)
    : await dimensions(cursor, magic, false);
  // An array that was never given a shape has nothing behind it.
  if (shape === undefined || (shape.length === 0 && magic !== MAGIC.numpy)) return;
  // Where it was: kind of device and its number.
  await cursor.skip(8);
  const bytes = elementBytes(await cursor.i32(), at);
  const others: number[] = [];
  for (let index = 0; index < auxiliary; index++) {
    const width = elementBytes(await cursor.i32(), at);
    others.push(sizeOf(await readShape(cursor) ?? [], at) * width);
  }
  await cursor.skip(sizeOf(stored ?? shape, at) * bytes);
  for (const length of others) await cursor.skip(length);
}

/** Dimensions of 64 bits behind their number; undefined where the number is -1. */
async function readShape(cursor: SourceCursor): Promise<readonly number[] | undefined> {
  const count = await cursor.i32();
  return count === -1 ? undefined : await dimensions(cursor, count, true);
}

async function dimensions(
  cursor: SourceCursor,
  count: number,
  wide: boolean,
): Promise<readonly number[]> {
  if (count < 0 || count > DIMENSIONS) {
    throw new FormatError(`Cannot read shape: it has ${count} dimensions`, cursor.offset);
  }
  const sizes: number[] = [];
  while (sizes.length < count) sizes.push(await (wide ? cursor.i64() : cursor.u32()));
  return sizes;
}

function elementBytes(type: number, at: number): number {
  const bytes = ELEMENT_BYTES[type];
  if (bytes === undefined) throw new FormatError(`Cannot read array: there is no type ${type}`, at);
  return bytes;
}

function sizeOf(shape: readonly number[], at: number): number {
  if (shape.some((size) => size < 0)) {
    throw new FormatError(`Cannot read array of shape [${shape.join(", ")}]`, at);
  }
  return shape.reduce((product, size) => product * size, 1);
}
