/**
 * Vectors in word2vec's formats: the number of words and dimensions as text, then each word with its
 * numbers, as floats of 32 bits or as text. They hold no code. `InitNet` and `TrainModel` of
 * https://code.google.com/archive/p/word2vec, and gensim/models/keyedvectors.py,
 * `_load_word2vec_format`.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1, looksLikeText } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

const HEADER = /^([1-9]\d{0,8}) ([1-9]\d{0,4})\n/u;
/** Bytes of a word; the longest in real files has some hundred. CWE-770. */
const WORD_BYTES = 4096;
/** Bytes of a number in text. `%f` of a 32-bit float has 47 at most. CWE-770. */
const NUMBER_BYTES = 64;
const READ_BYTES = 1 << 20;
const LINE_FEED = 0x0a;
const SPACE = 0x20;

/** A number as word2vec and numpy write it. */
const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+|nan|inf)(?:e[+-]?\d+)?$/iu;

/** Word vectors. */
export const word2vecFormat: Format = { id: "word2vec", random: false, detect, scan };

interface Header {
  readonly words: number;
  readonly dimensions: number;
  /** Where the first word begins. */
  readonly start: number;
}

function headerOf(head: Uint8Array): Header | undefined {
  const found = HEADER.exec(latin1(head, 16));
  if (found === null) return undefined;
  return { words: Number(found[1]), dimensions: Number(found[2]), start: found[0].length };
}

function detect({ head }: Sample): boolean {
  const header = headerOf(head);
  return header !== undefined && (isText(head, header) || isBinary(head, header));
}

/** A first line of a word and its numbers, as far as it is at hand. */
function isText(head: Uint8Array, { dimensions, start }: Header): boolean {
  if (!looksLikeText(head)) return false;
  const [line = "", ...rest] = new TextDecoder().decode(head.subarray(start)).split("\n", 2);
  const numbers = line.trimEnd().split(" ").slice(1);
  if (numbers.length === 0 || numbers.length > dimensions) return false;
  if (rest.length > 0 && numbers.length !== dimensions) return false;
  return numbers.slice(0, rest.length > 0 ? undefined : -1).every((it) => NUMBER.test(it));
}

/** A word, a space, and floats that a vector may have. */
function isBinary(head: Uint8Array, { dimensions, start }: Header): boolean {
  const space = head.indexOf(SPACE, start);
  if (space <= start || space > start + WORD_BYTES || looksLikeText(head)) return false;
  const word = head.subarray(start, space);
  if (!looksLikeText(word)) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const there = Math.min(dimensions, Math.floor((head.length - space - 1) / 4), 64);
  for (let at = 0; at < there; at++) {
    const number = Math.abs(view.getFloat32(space + 1 + 4 * at, true));
    if (!(number < 1e6)) return false;
  }
  return there > 0;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const header = headerOf(context.sample.head);
  if (header === undefined) return;
  if (isText(context.sample.head, header)) {
    yield await scanText(source, header, () => context.checkDeadline());
    return;
  }
  const cursor = new SourceCursor(source, {
    check: () => context.checkDeadline(),
    window: READ_BYTES,
  });
  await cursor.skip(header.start);
  for (let index = 0; index < header.words; index++) {
    await cursor.until(SPACE, WORD_BYTES);
    await cursor.skip(4 * header.dimensions);
  }
  // The first implementation writes a line feed behind each vector, and so behind the last.
  const end = cursor.offset;
  const [next] = await source.read(end, 1);
  yield await behindEnd(source, next === LINE_FEED ? end + 1 : end);
}

/** Counts the lines, and the numbers of each. */
async function scanText(
  source: Source,
  { words, dimensions, start }: Header,
  check: () => void,
): Promise<readonly Observation[]> {
  let lines = 0;
  let fields = 0;
  let length = 0;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let at = start;;) {
    check();
    const bytes = (await source.read(at, READ_BYTES)).slice();
    try {
      decoder.decode(bytes, { stream: bytes.length > 0 });
    } catch {
      throw new FormatError("Cannot read word vectors: they are no UTF-8", at);
    }
    if (bytes.length === 0) break;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === SPACE) [fields, length] = [fields + (length > 0 ? 1 : 0), 0];
      else if (byte === LINE_FEED) {
        fields += length > 0 ? 1 : 0;
        if (fields !== dimensions + 1) {
          const why = `word ${lines + 1} has ${fields - 1} numbers, not ${dimensions}`;
          throw new FormatError(`Cannot read word vectors: ${why}`, at + index);
        }
        [lines, fields, length] = [lines + 1, 0, 0];
      } else if (++length > (fields === 0 ? WORD_BYTES : NUMBER_BYTES)) {
        throw new FormatError("Cannot read word vectors: a field is too long", at + index);
      }
    }
    at += bytes.length;
  }
  if (length > 0 || fields > 0) {
    throw new FormatError("Cannot read word vectors: the last line has no end");
  }
  if (lines !== words) {
    throw new FormatError(`Cannot read word vectors: ${words} are declared, ${lines} are there`);
  }
  return [];
}
