/**
 * `weight.bin` of a Core ML package: a header, then blobs that each have a record before them, all at
 * multiples of 64 bytes. It holds no code. `mlmodel/src/MILBlob/Blob/StorageFormat.hpp` of
 * https://github.com/apple/coremltools.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

const ALIGNMENT = 64;
/** `BlobMetadataDefaultSentinel`. */
const SENTINEL = 0xdeadbeef;
const VERSION = 2;
/** Blobs of a file. The largest real model has 2,000. CWE-770. */
const BLOBS = 1_000_000;

/** Weights of Core ML. */
export const coremlWeightsFormat: Format = {
  id: "coreml-weights",
  random: false,
  detect,
  scan,
};

/** Count and version, then zeros up to the first record. */
function detect({ head }: Sample): boolean {
  if (head.length < ALIGNMENT + 4) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(4, true) === VERSION && view.getUint32(0, true) <= BLOBS &&
    head.subarray(8, ALIGNMENT).every((byte) => byte === 0) &&
    (view.getUint32(0, true) === 0 || view.getUint32(ALIGNMENT, true) === SENTINEL);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline(), window: 4096 });
  const count = await cursor.u32();
  await cursor.skip(4);
  for (let index = 0; index < count; index++) {
    await cursor.skip((ALIGNMENT - cursor.offset % ALIGNMENT) % ALIGNMENT);
    const at = cursor.offset;
    if (await cursor.u32() !== SENTINEL) {
      throw new FormatError(`Cannot read blob ${index}: no record is at ${at}`, at);
    }
    await cursor.skip(4);
    const size = await cursor.u64();
    const offset = await cursor.u64();
    if (offset !== at + ALIGNMENT) {
      throw new FormatError(`Cannot read blob ${index}: it lies at ${offset}`, at);
    }
    await cursor.skip(ALIGNMENT - 24 + size);
  }
  yield await behindEnd(source, cursor.offset);
}
