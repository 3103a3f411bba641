/**
 * Parameters of Paddle (`.pdiparams`, `__params__`, or one file a parameter): tensors one after the other, each
 * with its levels of nesting and a description of its own, to the end of the file. They have no names and hold
 * no code. `paddle/fluid/framework/lod_tensor.cc` and `tensor_util.cc` of https://github.com/PaddlePaddle/Paddle
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { fieldsOf, packedVarints, WIRE } from "../../parsers/protobuf.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { parametersOf } from "./counted.ts";

const NAMED = /(?:\.pdiparams|(?:^|\/)__params__)$/iu;
/** Levels of nesting. Real parameters have none, real data two. CWE-770. */
const LEVELS = 16;
/** Bytes of a description: one number for each dimension. CWE-770. */
const DESCRIPTION_BYTES = 1024;
/** Tensors of one file. The largest real model has 3,000. CWE-770. */
const TENSORS = 1_000_000;
/** Elements of one tensor: the runtime counts them in 63 bits. */
const ELEMENTS = 2 ** 53;

/** Fields of `VarType.TensorDesc`. */
const DESCRIPTION = { type: 1, dimensions: 2 } as const;

/** Bytes of an element, by `VarType.Type`. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 19: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16 },
  ...{ 32: 1, 33: 1, 36: 2, 37: 4, 38: 8 },
};

/** Paddle's parameters. */
export const paddleParamsFormat: Format = { id: "paddle-params", random: false, detect, scan };

/** By its name, or by a first tensor whose description is one. */
function detect({ name, head }: Sample): boolean {
  if (NAMED.test(name)) return head.length > 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 20 || view.getUint32(0, true) !== 0) return false;
  const levels = view.getBigUint64(4, true);
  if (levels > LEVELS) return false;
  let at = 12;
  for (let level = 0; level < Number(levels); level++) {
    if (at + 8 > head.length) return false;
    const bytes = view.getBigUint64(at, true);
    if (bytes % 8n !== 0n || bytes > head.length) return false;
    at += 8 + Number(bytes);
  }
  if (at + 8 > head.length || view.getUint32(at, true) !== 0) return false;
  const size = view.getInt32(at + 4, true);
  if (size < 2 || size > DESCRIPTION_BYTES || at + 8 + size > head.length) return false;
  try {
    describe(head.subarray(at + 8, at + 8 + size), at + 8);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline(), window: 4096 });
  let count = 0;
  for (; !await cursor.atEnd(); count++) {
    if (count === TENSORS) {
      throw new FormatError(
        `Cannot read parameters: there are more than ${TENSORS}`,
        cursor.offset,
      );
    }
    await tensor(cursor);
  }
  yield [];
  const wanted = context.folder === undefined ? undefined : await parametersOf(context.folder);
  if (wanted !== undefined && wanted > count) {
    throw new FormatError(
      `Cannot read parameters: the program has ${wanted}, the file ${count}`,
      cursor.offset,
    );
  }
}

/** @throws FormatError for what Paddle refuses, and for what it would read out of bounds */
async function tensor(cursor: SourceCursor): Promise<void> {
  const at = cursor.offset;
  const invalid = (why: string): FormatError =>
    new FormatError(`Cannot read the tensor at ${at}: ${why}`, at);
  if (await cursor.u32() !== 0) throw invalid("its version is unknown");
  const levels = await cursor.u64();
  if (levels > LEVELS) throw invalid(`it has ${levels} levels`);
  for (let level = 0; level < levels; level++) {
    const bytes = await cursor.u64();
    if (bytes % 8 !== 0) throw invalid(`a level of it has ${bytes} bytes`);
    await cursor.skip(bytes);
  }
  if (await cursor.u32() !== 0) throw invalid("the version of its data is unknown");
  const size = await cursor.u32();
  if (size > DESCRIPTION_BYTES) throw invalid(`its description has ${size} bytes`);
  const from = cursor.offset;
  const { elements, elementBytes } = describe((await cursor.bytes(size)).slice(), from);
  await cursor.skip(elements * elementBytes);
}

/** What a description says; throws FormatError where it is none. */
function describe(
  bytes: Uint8Array,
  offset: number,
): { readonly elements: number; readonly elementBytes: number } {
  const invalid = (why: string): FormatError =>
    new FormatError(`Cannot read the description at ${offset}: ${why}`, offset);
  let elementBytes: number | undefined;
  const dimensions: number[] = [];
  for (const { number, type, value, start, end } of fieldsOf(bytes)) {
    if (number === DESCRIPTION.type && type === WIRE.varint) {
      elementBytes = ELEMENT_BYTES[value];
      if (elementBytes === undefined) throw invalid(`there is no type ${value}`);
    } else if (number === DESCRIPTION.dimensions && type === WIRE.varint) dimensions.push(value);
    else if (number === DESCRIPTION.dimensions && type === WIRE.bytes) {
      dimensions.push(...packedVarints(bytes.subarray(start, end), DESCRIPTION_BYTES));
    } else throw invalid(`its field ${number} is unknown`);
  }
  if (elementBytes === undefined) throw invalid("it has no type");
  const elements = dimensions.reduce((count, size) => size < 0 ? NaN : count * size, 1);
  if (!(elements <= ELEMENTS)) throw invalid(`its shape is ${dimensions.join(", ")}`);
  return { elements, elementBytes };
}
