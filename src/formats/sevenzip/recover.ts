/**
 * What is left of a 7-Zip archive that lost its directory, which stands at its end: the packed streams
 * from byte 32 on, one behind the other (7zFormat.txt, "SignatureHeader"). Which method made them is
 * lost as well, so it is recognised by how they begin. Names and sizes are gone; a block's members run into
 * one another.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { type Codec, type DecodedSource, decompress, tryInflate } from "../../codecs/decompress.ts";
import { FormatError } from "../../core/errors.ts";
import { sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import type { FormatContext } from "../../core/format.ts";

const START_HEADER_BYTES = 32;
/**
 * Streams that are looked for one behind the other; solid archives have few. No intact archive needs any.
 * CWE-834.
 */
const STREAMS = 64;
/**
 * Bytes decoded to find where a stream ends, beyond those that were scanned; more hides no directory. No
 * intact archive needs any. CWE-409.
 */
const DRAIN_BYTES = 256 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const HEAD_BYTES = 16 * 1024;
/** Noise inflates to less than this before it breaks, but for one case in thousands. */
const INFLATED_BYTES = 64;
/** Each block of bzip2 begins so, behind a digit for its size. */
const BZIP2_MAGIC = ascii("BZh");

/**
 * Hands on what can be decoded, each stream under its place and method, and the bytes as they are.
 *
 * @param size of the source
 */
export async function* recover(
  source: Source,
  size: number,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  if (size <= START_HEADER_BYTES) return;
  // Members that were only stored lie there as they are.
  const rest = size - START_HEADER_BYTES;
  const stored = `(stored at ${START_HEADER_BYTES})`;
  yield [entry(sliceSource(stored, source, START_HEADER_BYTES, rest), stored)];
  let at: number | undefined = START_HEADER_BYTES;
  for (let count = 0; count < STREAMS && at !== undefined && at < size; count++) {
    context.checkDeadline();
    const codec = codecOf((await source.read(at, HEAD_BYTES)).slice());
    if (codec === undefined) return;
    const part = `(${codec} at ${at})`;
    const decoded = decompress(part, source, codec, {
      offset: at,
      length: size - at,
      ratio: context.limits.ratio,
      spend: (bytes) => context.spendExpanded(bytes),
    });
    if (await decodesEnough(decoded)) yield [entry(decoded, part)];
    at = await endOf(decoded, at, context);
  }
}

/** Pickles may begin anywhere in it; what else it is shows at its beginning. */
function entry(source: Source, part: string): Observation {
  return { type: "entry", source, part, hint: HINT.picklesWithin };
}

/** How a stream begins; undefined when it is like none of these. */
function codecOf(head: Uint8Array): Codec | undefined {
  const [first = 0xff] = head;
  if (startsWith(head, BZIP2_MAGIC)) return "bzip2";
  // LZMA2 begins with a chunk that starts a dictionary, stored or coded; LZMA with a zero.
  if (first === 0x01 || (first >= 0xe0 && lookLikeChunk(head))) return "lzma2";
  if (first === 0x00) return "lzma-bare";
  const { output, failed } = tryInflate(head, CHUNK_BYTES);
  return !failed || output.length >= INFLATED_BYTES ? "deflate" : undefined;
}

/** Behind control byte and sizes stand the properties, then the range coder's zero. */
function lookLikeChunk(head: Uint8Array): boolean {
  return (head[5] ?? 0xff) < 9 * 5 * 5 && (head[6] ?? 0) === 0;
}

/** False when a stream breaks at once. */
async function decodesEnough(decoded: DecodedSource): Promise<boolean> {
  try {
    return (await decoded.read(0, 1)).length > 0;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Where the stream behind begins; undefined when that cannot be determined. */
async function endOf(
  decoded: DecodedSource,
  start: number,
  context: FormatContext,
): Promise<number | undefined> {
  const from = decoded.progress().produced;
  for (let at = from; at < from + DRAIN_BYTES && decoded.error === undefined; at += CHUNK_BYTES) {
    context.checkDeadline();
    if ((await decoded.read(at, CHUNK_BYTES)).length < CHUNK_BYTES) break;
  }
  const { error } = decoded;
  if (error !== undefined && !(error instanceof FormatError)) throw error;
  const { ended, consumed } = decoded.progress();
  return ended ? start + consumed : undefined;
}
