/**
 * ExecuTorch's programs (`.pte`) and data files (`.ptd`): a FlatBuffer, a header in it that says where the
 * segments behind it are, and the segments: weights and what compilers of backends made.
 *
 * Schema: `schema/program.fbs`, `extension/flat_tensor/serialize/flat_tensor.fbs` of ExecuTorch. How it is
 * loaded: `runtime/executor/program.cpp`, `method.cpp`, `tensor_parser_portable.cpp`. The runtime verifies
 * nothing of it unless it is built so.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { FlatBuffer } from "../../parsers/flatbuffer.ts";
import { behindLast } from "../../parsers/trailing.ts";
import { sliceSource } from "../../sources/memory.ts";
import { readUpTo } from "../../sources/read_all.ts";
import { Segments } from "./segments.ts";
import { ProgramWalk } from "./walk.ts";

/** Where a header lies, and the most bytes that it has. */
const HEADER_AT = 8;
const HEADER_BYTES = 48;

/** Programs. */
export const executorchFormat: Format = {
  id: "executorch",
  random: true,
  detect: ({ head }: Sample) => startsWith(head, ascii("ET12"), 4),
  scan: scanProgram,
};

/** Data files. */
export const executorchDataFormat: Format = {
  id: "executorch-data",
  random: true,
  detect: ({ head }: Sample) => startsWith(head, ascii("FT01"), 4),
  scan: scanData,
};

async function* scanProgram(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const size = source.size ?? 0;
  const header = await headerOf(source, "eh00");
  // Without one, all of the file is the program.
  const bytes = header === undefined ? size : wordAt(header, 8);
  const base = header === undefined ? 0 : wordAt(header, 16);
  if (bytes > size) {
    throw new FormatError(`Cannot read program: it claims ${bytes} of ${size} bytes`, HEADER_AT);
  }
  const buffer = new FlatBuffer(sliceSource("program", source, 0, bytes), { check });
  const walk = new ProgramWalk(buffer, new Segments(source, base), check);
  yield* walk.scan();
  // Without a header the file does not say where the program ends.
  const end = header === undefined ? buffer.end : buffer.size;
  yield await behindLast(source, Math.max(end, walk.segments.end));
}

async function* scanData(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const size = source.size ?? 0;
  const header = await headerOf(source, "FH01");
  if (header === undefined) throw new FormatError("Cannot read data file: it has no header", 8);
  const at = wordAt(header, 8);
  const bytes = wordAt(header, 16);
  if (at + bytes > size) {
    throw new FormatError(`Cannot read data file: ${bytes} bytes at ${at} lie outside`, HEADER_AT);
  }
  // The offset in the file's first word counts from its beginning.
  const buffer = new FlatBuffer(sliceSource("data", source, 0, at + bytes), { check });
  const segments = new Segments(source, wordAt(header, 24));
  const root = await buffer.root();
  await segments.read(root, 1);
  let index = 0;
  for await (const named of root.tables(2)) {
    const key = await named.text(0) ?? "";
    segments.check(await named.uint(1, 4), `data ${index++}, "${key.slice(0, 200)}",`);
    const layout = await named.table(2);
    if (layout === undefined) continue;
    const sizes = await layout.ints(1, 32);
    const order = await layout.vector(2, 1);
    if (sizes.some((each) => each < 0) || order.length !== (await layout.vector(1, 4)).length) {
      segments.anomaly("executorch-size", `"${key.slice(0, 200)}" of shape [${sizes.join(", ")}]`);
    }
  }
  yield segments.take();
  yield await behindLast(source, Math.max(at + bytes, segments.end));
}

/** The header, from its magic number on; undefined where there is none. */
async function headerOf(source: Source, magic: string): Promise<Uint8Array | undefined> {
  const bytes = await readUpTo(source, HEADER_AT, HEADER_BYTES);
  if (!startsWith(bytes, ascii(magic))) return undefined;
  if (bytes.length < HEADER_BYTES) throw new FormatError("Cannot read header: it is cut off", 8);
  return bytes;
}

/** An unsigned number of 64 bits; above 2^53 it is rounded. */
function wordAt(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true));
}
