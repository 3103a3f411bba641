/**
 * Arrow's IPC files (Feather version 2) and streams: messages with FlatBuffers, each before its data.
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { FlatBuffer } from "../../parsers/flatbuffer.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { readUpTo } from "../../sources/read_all.ts";
import { sliceSource } from "../../sources/memory.ts";
import { isStream } from "./head.ts";
import { readMessage, schemaObservations } from "./schema.ts";

const MAGIC = ascii("ARROW1");
/** Before each message, in front of its length; files before Arrow 0.15 have the length alone. */
const CONTINUATION = 0xffffffff;
/** The magic number and its padding. */
const HEAD_BYTES = 8;
/** The length of the footer and the magic number behind it. */
const TAIL_BYTES = 4 + MAGIC.length;
/** Slots of `Footer`. */
const FOOTER = { schema: 1, dictionaries: 2, batches: 3 } as const;
/** Bytes of the structure `Block`: offset, length of the message with padding, length of the body. */
const BLOCK_BYTES = 24;
/** Most places outside of the file that are reported one by one. An intact file has none. CWE-779. */
const REPORTED = 20;

/** Arrow's files and streams. */
export const arrowFormat: Format = { id: "arrow", random: true, detect, scan };

function detect(sample: Sample): boolean {
  return isFile(sample) || isStream(sample);
}

/** Readers go by the magic number at the end; a file that was cut off has the one at its beginning. */
function isFile({ head, tail }: Sample): boolean {
  return startsWith(head, ascii("ARROW1\0\0")) ||
    (tail !== undefined && tail.length > TAIL_BYTES &&
      startsWith(tail.subarray(-MAGIC.length), MAGIC));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  // Which of the two a reader takes it for is up to the reader.
  if (isStream(context.sample)) yield* scanStream(source, 0, check);
  if (isFile(context.sample)) yield* scanFile(source, check);
}

async function* scanFile(
  source: Source,
  check: () => void,
): AsyncIterable<readonly Observation[]> {
  const size = source.size ?? 0;
  const tail = await readUpTo(source, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const length = tail.length === TAIL_BYTES
    ? new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
    : Infinity;
  const start = size - TAIL_BYTES - length;
  if (!startsWith(tail.subarray(4), MAGIC) || !(start >= HEAD_BYTES)) {
    // What a cut left begins with a stream, from which tools recover batches.
    yield* scanStream(source, HEAD_BYTES, check);
    throw new FormatError("Cannot read Arrow file: it has no footer", size);
  }
  const buffer = new FlatBuffer(sliceSource("footer", source, start, length), { check });
  const footer = await buffer.root();
  const schema = await footer.table(FOOTER.schema);
  if (schema === undefined) throw new FormatError("Cannot read Arrow file: it has no schema");
  yield await schemaObservations(schema);
  const odd: Observation[] = [];
  for (const slot of [FOOTER.dictionaries, FOOTER.batches]) {
    const blocks = await footer.vector(slot, BLOCK_BYTES);
    for (let index = 0; index < blocks.length; index++) {
      const at = blocks.at + BLOCK_BYTES * index;
      const offset = await buffer.uint(at, 8);
      const metadata = await buffer.uint(at + 8, 4);
      const body = await buffer.uint(at + 16, 8);
      if (offset >= HEAD_BYTES && offset + metadata + body <= start) continue;
      const detail = `a batch has ${
        metadata + body
      } bytes at ${offset}, before a footer at ${start}`;
      if (odd.length < REPORTED) odd.push({ type: "anomaly", rule: "arrow-place", detail });
    }
  }
  yield odd;
}

async function* scanStream(
  source: Source,
  from: number,
  check: () => void,
): AsyncIterable<readonly Observation[]> {
  const size = source.size ?? 0;
  let at = from;
  let isFirst = true;
  while (at < size) {
    check();
    const head = await readUpTo(source, at, 8);
    if (head.length < 8) throw new FormatError("Cannot read Arrow stream: it is cut off", at);
    const view = new DataView(head.buffer, head.byteOffset);
    const isOld = view.getUint32(0, true) !== CONTINUATION;
    const length = view.getUint32(isOld ? 0 : 4, true);
    const start = at + (isOld ? 4 : 8);
    if (length === 0) {
      yield await behindEnd(source, start);
      return;
    }
    if (start + length > size) throw new FormatError("Cannot read Arrow stream: it is cut off", at);
    const buffer = new FlatBuffer(sliceSource("message", source, start, length), { check });
    const { schema, bodyBytes } = await readMessage(buffer);
    if (schema !== undefined) yield await schemaObservations(schema);
    else if (isFirst) throw new FormatError("Cannot read Arrow stream: it has no schema", at);
    isFirst = false;
    at = start + length + bodyBytes;
    if (at > size) throw new FormatError("Cannot read Arrow stream: a body is cut off", start);
  }
}
