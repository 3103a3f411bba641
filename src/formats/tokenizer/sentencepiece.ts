/**
 * sentencepiece's models: protobuf of pieces with scores, and how text is normalized. They hold no
 * code. https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { charsmapAnomaly } from "./charsmap.ts";
import { fieldsOf, WIRE, type WireField } from "../../parsers/protobuf.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a model. The largest real one has 5 MiB. CWE-770. */
const MODEL_BYTES = 256 * 1024 * 1024;

/** Fields of `ModelProto`; users' extensions begin at 200. */
const MODEL = { piece: 1, trainer: 2, normalizer: 3, test: 4, denormalizer: 5 } as const;
const EXTENSIONS = 200;
/** Fields of `SentencePiece`. */
const PIECE = { text: 1, score: 2, type: 3 } as const;
/** Kinds of a piece: normal, unknown, control, user-defined, unused, byte. */
const LAST_TYPE = 6;
const USER_DEFINED = 4;
/**
 * Bytes of a piece: release 0.2.3 refuses 8,192, earlier ones go as deep into the stack as a piece has characters
 * (https://github.com/google/sentencepiece/issues/1263). Trained ones have at most 512 characters. CWE-674
 */
const PIECE_BYTES = 8191;
/** Symbols of the user's that begin with one another: length of the array of `PrefixMatcher::PrefixMatch`. */
const SYMBOLS = 64;
/** Long pieces that are reported one by one. CWE-779. */
const REPORTED = 10;
/** `NormalizerSpec.precompiled_charsmap`. */
const CHARSMAP = 2;

/** sentencepiece's models. */
export const sentencepieceFormat: Format = { id: "sentencepiece", random: false, detect, scan };

/** A piece of a text and a score. */
function detect({ head }: Sample): boolean {
  if (head[0] !== 0x0a || head[2] !== 0x0a) return false;
  const length = head[1];
  const text = head[3];
  if (length === undefined || text === undefined || text + 7 > length) return false;
  return head[4 + text] === 0x15 && length === text + 7 + (head[4 + text + 5] === 0x18 ? 2 : 0);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, MODEL_BYTES, "a sentencepiece model", check);
  const fields = new Set<number>();
  const symbols: string[] = [];
  let long = 0;
  yield [];
  for (const field of fieldsOf(bytes)) {
    const { number, type, offset, cut } = field;
    fields.add(number);
    if (cut) throw new FormatError(`Cannot read field ${number}: it is cut off`, offset);
    const known = number <= MODEL.denormalizer || number >= EXTENSIONS;
    if (!known || type !== WIRE.bytes) {
      throw new FormatError(`Cannot read sentencepiece model: it has the field ${number}`, offset);
    }
    if (number === MODEL.piece) {
      const { text, type: kind } = readPiece(bytes, field);
      if (text.length > PIECE_BYTES && ++long <= REPORTED) {
        yield [anomaly("sentencepiece-piece", `A piece has ${text.length} bytes`, offset)];
      }
      if (kind === USER_DEFINED) symbols.push(latin1(text, text.length));
    } else if (number === MODEL.normalizer || number === MODEL.denormalizer) {
      const detail = normalizerAnomaly(bytes, field);
      if (detail !== undefined) yield [anomaly("sentencepiece-charsmap", detail, offset)];
    }
  }
  const nested = nestedSymbols(symbols);
  if (nested !== undefined) yield [anomaly("sentencepiece-piece", nested, 0)];
  // Trainers write both, behind the pieces: a file without them was cut between two fields.
  if (!fields.has(MODEL.trainer) || !fields.has(MODEL.normalizer)) {
    throw new FormatError(
      "Cannot read sentencepiece model: it ends behind the pieces",
      bytes.length,
    );
  }
}

/** A piece's text and kind. */
interface Piece {
  readonly text: Uint8Array;
  readonly type: number;
}

/** @throws FormatError for what is no piece */
function readPiece(bytes: Uint8Array, { start, end }: WireField): Piece {
  let text: Uint8Array | undefined;
  let kind = 0;
  const piece = bytes.subarray(start, end);
  for (const { number, type, value, start: from, end: to, cut } of fieldsOf(piece)) {
    const right = number === PIECE.text
      ? type === WIRE.bytes
      : number === PIECE.score
      ? type === WIRE.fixed32
      : number === PIECE.type
      ? type === WIRE.varint && value >= 1 && value <= LAST_TYPE
      : number >= EXTENSIONS;
    if (!right || cut) throw new FormatError(`Cannot read piece: its field ${number}`, start);
    if (number === PIECE.text) text = piece.subarray(from, to);
    if (number === PIECE.type) kind = value;
  }
  if (text === undefined) throw new FormatError("Cannot read piece: it has no text", start);
  return { text, type: kind };
}

/** More pieces of the user's that begin with one another than the array of matches holds. */
function nestedSymbols(symbols: readonly string[]): string | undefined {
  const known = new Set(symbols);
  for (const symbol of symbols) {
    let matches = 0;
    for (let length = 1; length <= symbol.length; length++) {
      if (known.has(symbol.slice(0, length)) && ++matches > SYMBOLS) {
        return `More than ${SYMBOLS} symbols of the user's begin with one another`;
      }
    }
  }
  return undefined;
}

/** What is wrong with the table of characters of a normalizer. */
function normalizerAnomaly(bytes: Uint8Array, { start, end }: WireField): string | undefined {
  const message = bytes.subarray(start, end);
  for (const { number, type, start: from, end: to, cut } of fieldsOf(message)) {
    if (cut) throw new FormatError("Cannot read normalizer: it is cut off", start);
    if (number !== CHARSMAP || type !== WIRE.bytes) continue;
    const detail = charsmapAnomaly(message.subarray(from, to), start + from);
    if (detail !== undefined) return detail;
  }
  return undefined;
}

function anomaly(rule: string, detail: string, offset: number): Observation {
  return { type: "anomaly", rule, detail, offset };
}
