/**
 * sentencepiece's models: protobuf of pieces with scores, and how text is normalized. They hold no
 * code. https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto; the table of
 * characters is `PrecompiledCharsMap` of src/normalizer.cc.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { fieldsOf, WIRE, type WireField } from "../../parsers/protobuf.ts";
import { readWhole } from "../../sources/read_all.ts";

/** Bytes of a model. The largest real one has 5 MiB. CWE-770. */
const MODEL_BYTES = 256 * 1024 * 1024;

/** Fields of `ModelProto`; users' extensions begin at 200. */
const MODEL = { piece: 1, trainer: 2, normalizer: 3, test: 4, denormalizer: 5 } as const;
const EXTENSIONS = 200;
/** Fields of `SentencePiece`. */
const PIECE = { text: 1, score: 2, type: 3 } as const;
/** Kinds of a piece: normal, unknown, control, user-defined, unused, byte. */
const LAST_TYPE = 6;
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
  const bytes = await readWhole(source, MODEL_BYTES, "a sentencepiece model", check);
  const fields = new Set<number>();
  yield [];
  for (const field of fieldsOf(bytes)) {
    const { number, type, offset, cut } = field;
    fields.add(number);
    if (cut) throw new FormatError(`Cannot read field ${number}: it is cut off`, offset);
    const known = number <= MODEL.denormalizer || number >= EXTENSIONS;
    if (!known || type !== WIRE.bytes) {
      throw new FormatError(`Cannot read sentencepiece model: it has the field ${number}`, offset);
    }
    if (number === MODEL.piece) checkPiece(bytes, field);
    else if (number === MODEL.normalizer || number === MODEL.denormalizer) {
      checkNormalizer(bytes, field);
    }
  }
  // Trainers write both, behind the pieces: a file without them was cut between two fields.
  if (!fields.has(MODEL.trainer) || !fields.has(MODEL.normalizer)) {
    throw new FormatError(
      "Cannot read sentencepiece model: it ends behind the pieces",
      bytes.length,
    );
  }
}

function checkPiece(bytes: Uint8Array, { start, end }: WireField): void {
  let text = false;
  for (const { number, type, value, cut } of fieldsOf(bytes.subarray(start, end))) {
    const right = number === PIECE.text
      ? type === WIRE.bytes
      : number === PIECE.score
      ? type === WIRE.fixed32
      : number === PIECE.type
      ? type === WIRE.varint && value >= 1 && value <= LAST_TYPE
      : number >= EXTENSIONS;
    if (!right || cut) throw new FormatError(`Cannot read piece: its field ${number}`, start);
    text ||= number === PIECE.text;
  }
  if (!text) throw new FormatError("Cannot read piece: it has no text", start);
}

/** A trie of the size that stands before it, then texts that each end with a zero. */
function checkNormalizer(bytes: Uint8Array, { start, end }: WireField): void {
  const message = bytes.subarray(start, end);
  for (const { number, type, start: from, end: to, cut } of fieldsOf(message)) {
    if (cut) throw new FormatError("Cannot read normalizer: it is cut off", start);
    if (number !== CHARSMAP || type !== WIRE.bytes || from === to) continue;
    const map = message.subarray(from, to);
    const at = start + from;
    if (map.length < 4) throw new FormatError("Cannot read table of characters: it is cut off", at);
    const trie = new DataView(map.buffer, map.byteOffset, map.byteLength).getUint32(0, true);
    if (trie === 0 || trie % 4 !== 0 || 4 + trie > map.length) {
      throw new FormatError(`Cannot read table of characters: its trie has ${trie} bytes`, at);
    }
    if (map.length > 4 + trie && map.at(-1) !== 0) {
      throw new FormatError("Cannot read table of characters: its last text has no end", at);
    }
  }
}
