/**
 * fastText's models, `.bin` and the quantized `.ftz`: arguments, dictionary, two matrices. They hold no
 * code. `FastText::loadModel`, `Dictionary::load`, `QuantMatrix::load`, `ProductQuantizer::load` of
 * https://github.com/facebookresearch/fastText.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { startsWith } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** `FASTTEXT_FILEFORMAT_MAGIC_INT32`, 793712314. */
const MAGIC = [0xba, 0x16, 0x4f, 0x2f];
/** `FASTTEXT_VERSION` is 12; 11 has no matrix of n-grams for classifiers. */
const VERSIONS = [11, 12];
/** `Args::load`: twelve words and a double, the first word being the dimension. */
const ARGUMENT_BYTES = 12 * 4 + 8;
/** Numbers of a vector; real models have 300 at most. CWE-770. */
const DIMENSIONS = 1_000_000;
/** Words of a dictionary. The largest real one has 4 million. CWE-770. */
const WORDS = 100_000_000;
/** Bytes of a word; fastText reads words of any length. No real word is known to have a thousand. CWE-770. */
const WORD_BYTES = 1 << 20;
/** Centroids of a product quantizer: `ksub_`. */
const CENTROIDS = 256;

/** fastText models. */
export const fasttextFormat: Format = { id: "fasttext", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  if (!startsWith(head, MAGIC)) return false;
  if (head.length < 12) return true;
  // The dimension, which is no length of anything that follows.
  const dimension = new DataView(head.buffer, head.byteOffset, head.byteLength).getInt32(8, true);
  return dimension > 0 && dimension <= DIMENSIONS;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline() });
  await cursor.skip(4);
  const version = await cursor.i32();
  if (!VERSIONS.includes(version)) throw new FormatError(`Unknown version ${version}`, 4);
  await cursor.skip(ARGUMENT_BYTES);
  await dictionary(cursor);
  const quantized = await flag(cursor);
  await (quantized ? quantizedMatrix(cursor) : matrix(cursor));
  const outputQuantized = await flag(cursor);
  await (quantized && outputQuantized ? quantizedMatrix(cursor) : matrix(cursor));
  yield await behindEnd(source, cursor.offset);
}

async function flag(cursor: SourceCursor): Promise<boolean> {
  const value = await cursor.u8();
  if (value > 1) throw new FormatError(`Cannot read a flag: it is ${value}`, cursor.offset - 1);
  return value === 1;
}

async function counted(cursor: SourceCursor, what: string, most: number): Promise<number> {
  const at = cursor.offset;
  const count = await cursor.i32();
  if (count < 0 || count > most) throw new FormatError(`Cannot read ${count} ${what}`, at);
  return count;
}

async function dictionary(cursor: SourceCursor): Promise<void> {
  const at = cursor.offset;
  const size = await counted(cursor, "words", WORDS);
  const words = await counted(cursor, "words", WORDS);
  const labels = await counted(cursor, "labels", WORDS);
  if (words + labels !== size) {
    throw new FormatError(`Cannot read dictionary: ${words} and ${labels} are not ${size}`, at);
  }
  await cursor.skip(8);
  const pruned = await cursor.i64();
  for (let index = 0; index < size; index++) {
    await cursor.until(0, WORD_BYTES);
    await cursor.skip(8);
    const kind = await cursor.u8();
    if (kind > 1) throw new FormatError(`Invalid kind ${kind} of a word`, cursor.offset - 1);
  }
  if (pruned > WORDS) throw new FormatError(`Cannot read ${pruned} pruned words`, at);
  await cursor.skip(Math.max(0, pruned) * 8);
}

/** Rows and columns, then numbers of 32 bits. */
async function matrix(cursor: SourceCursor): Promise<void> {
  const [rows, columns] = await matrixShape(cursor);
  await cursor.skip(rows * columns * 4);
}

async function matrixShape(cursor: SourceCursor): Promise<[number, number]> {
  const at = cursor.offset;
  const rows = await cursor.i64();
  const columns = await cursor.i64();
  if (rows < 0 || columns < 0) throw new FormatError(`Invalid shape ${rows}x${columns}`, at);
  return [rows, columns];
}

async function quantizedMatrix(cursor: SourceCursor): Promise<void> {
  const normalized = await flag(cursor);
  const [rows] = await matrixShape(cursor);
  const codes = await counted(cursor, "codes", 2 ** 31 - 1);
  await cursor.skip(codes);
  const pieces = await quantizer(cursor);
  if (rows * pieces !== codes) {
    throw new FormatError(`Cannot read ${codes} codes of ${rows} rows`, cursor.offset);
  }
  if (!normalized) return;
  await cursor.skip(rows);
  await quantizer(cursor);
}

/** Gives the number of parts that a vector is cut into. */
async function quantizer(cursor: SourceCursor): Promise<number> {
  const dimension = await counted(cursor, "dimensions", 1 << 20);
  const pieces = await counted(cursor, "parts", 1 << 20);
  await cursor.skip(8);
  await cursor.skip(dimension * CENTROIDS * 4);
  return pieces;
}
