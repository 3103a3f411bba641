/**
 * The plain wrappings of LZMA: `.lzma` files (LZMA-alone), lzip, and what zip's method 14 holds.
 * LZMA specification (draft) of the LZMA SDK; https://www.nongnu.org/lzip/manual/lzip_manual.html,
 * "File format"; APPNOTE.TXT 5.8.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import { ByteReader } from "../streaming/byte_reader.ts";
import { crc32 } from "../checksums/crc32.ts";
import { History } from "../streaming/history.ts";
import { LzmaDecoder, type LzmaProperties, lzmaProperties, RANGE_CODER_BYTES } from "./lzma.ts";
import { type DecodeStream, STEP_BYTES, stepping } from "../streaming/stream_decoder.ts";

/** Properties, dictionary, length. */
const HEADER_BYTES = 13;

/** Decodes a `.lzma` file: properties, dictionary, length or all ones for a mark at the end. */
export const decodeLzmaAlone: DecodeStream = async function* (input, options) {
  await input.need(HEADER_BYTES);
  const properties = propertiesOf(input);
  const dictionary = input.u32();
  const low = input.u32();
  const high = input.u32();
  const marked = low === 0xffffffff && high === 0xffffffff;
  const size = marked ? Infinity : low + high * 2 ** 32;
  yield* body(input, properties, dictionary, size, options.memory);
};

/** Output of noise breaks off long before: nearly every match in it reaches back too far. */
const DETECTION_BYTES = 4096;

/**
 * True when bytes begin as a `.lzma` file, which has no magic number: a byte of properties, the
 * dictionary's size, the length or all ones, data. As liblzma has it (`alone_decoder.c`, "picky"): the
 * size is 2^n, 2^n + 2^(n-1) or 0, the length below 256 GiB. It is also tried, unless it begins as
 * every compressor writes it by default, which is as good as a magic number.
 *
 * @param head as much as there is, of the first few KiB
 */
export function isLzmaAlone(head: Uint8Array): boolean {
  if (head.length <= HEADER_BYTES || (head[0] ?? 255) >= 9 * 5 * 5) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const dictionary = view.getUint32(1, true);
  const low = view.getUint32(5, true);
  const high = view.getUint32(9, true);
  const unknown = low === 0xffffffff && high === 0xffffffff;
  // The range coder's first byte is always zero.
  if (!isDictionarySize(dictionary) || !(unknown || high < 64) || head[HEADER_BYTES] !== 0) {
    return false;
  }
  const defaultProperties = head[0] === 0x5d;
  if (low === 0 && high === 0) return defaultProperties || isEmptyBeforeAnother(head);
  return defaultProperties && (dictionary & 0xffff) === 0 && dictionary > 0 ||
    tryLzmaAlone(head, unknown ? Infinity : low + high * 2 ** 32);
}

/** What says that it is empty has nothing to be tried, and a run of zeros says that: another must follow. */
function isEmptyBeforeAnother(head: Uint8Array): boolean {
  const end = HEADER_BYTES + RANGE_CODER_BYTES;
  if (head.length <= end || head.subarray(HEADER_BYTES, end).some((byte) => byte !== 0)) {
    return false;
  }
  return streamKind(head.subarray(end)) !== undefined;
}

const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const LZIP_MAGIC = [0x4c, 0x5a, 0x49, 0x50];

/** Which kind of stream bytes begin, of those that liblzma's decoder tells apart by itself. */
export function streamKind(head: Uint8Array): "xz" | "lzip" | "lzma" | undefined {
  const begins = (magic: readonly number[]) => magic.every((byte, at) => head[at] === byte);
  if (begins(XZ_MAGIC)) return "xz";
  if (begins(LZIP_MAGIC)) return "lzip";
  // `lzma_lzma_lclppb_decode`: tables of more contexts are refused, which would cost megabytes each.
  const properties = lzmaProperties(head[0] ?? 255);
  const few = properties !== undefined && properties.lc + properties.lp <= 4;
  return few && isLzmaAlone(head) ? "lzma" : undefined;
}

function isDictionarySize(size: number): boolean {
  if (size === 0 || size === 0xffffffff) return true;
  const top = 2 ** Math.floor(Math.log2(size));
  return size === top || size === top + top / 2;
}

/**
 * Decodes the start of a stream of `size` bytes as a trial; false when it is broken, which being cut off
 * is not. Noise gives a few bytes too, but does not leave the coder as an end leaves it.
 */
function tryLzmaAlone(bytes: Uint8Array, size: number): boolean {
  const input = new ByteReader(bytesSource("", bytes), 0, bytes.length);
  input.bytes = bytes;
  input.end = bytes.length;
  const properties = lzmaProperties(input.u8());
  if (properties === undefined || bytes.length < HEADER_BYTES + RANGE_CODER_BYTES) return false;
  input.at = HEADER_BYTES;
  const history = new History(DETECTION_BYTES, DETECTION_BYTES);
  const decoder = new LzmaDecoder(history, DETECTION_BYTES);
  decoder.setProperties(properties);
  try {
    decoder.startRange(input);
    history.reserve(DETECTION_BYTES);
    const ended =
      decoder.decode(input, Math.min(size, DETECTION_BYTES), input.end, true) === "ended";
    if (ended || size > DETECTION_BYTES || decoder.rangeIsAtEnd) return true;
    const { at } = input;
    decoder.skipEndMark(input);
    // joblib detects these files by two bytes, and older versions of liblzma do not check the end.
    return input.at > at || (bytes[0] === 0x5d && bytes[1] === 0);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return input.starved;
  }
}

/** Decodes a zip member of method 14: a version, the length of the properties, then as above. */
export const decodeLzmaZip: DecodeStream = async function* (input, options) {
  await input.need(9);
  input.at += 2;
  const length = input.u8() + input.u8() * 256;
  if (length !== 5) throw input.broken(`LZMA properties of ${length} bytes do not exist`);
  const properties = propertiesOf(input);
  const dictionary = input.u32();
  // The zip flags say whether an end marker or the member's size ends the stream; here both do.
  yield* body(input, properties, dictionary, options.size ?? Infinity, options.memory);
};

/** A stream that lost what was said of it: what 7-Zip uses by default, at its ninth level. */
const DEFAULT_PROPERTIES: LzmaProperties = { lc: 3, lp: 0, pb: 2 };
const DEFAULT_DICTIONARY_BYTES = 64 * 1024 * 1024;

/** Decodes LZMA without any container, up to a mark at its end or to where it breaks. */
export const decodeBareLzma: DecodeStream = (input, { memory }) =>
  body(input, DEFAULT_PROPERTIES, DEFAULT_DICTIONARY_BYTES, Infinity, memory);

/** Decodes one lzip member. */
export const decodeLzip: DecodeStream = async function* (input, options) {
  await input.need(6);
  if (input.peek32() !== 0x50495a4c) throw input.broken("it is no lzip file");
  input.at += 4;
  const version = input.u8();
  if (version !== 1) throw input.broken(`lzip files of version ${version} do not exist`);
  const coded = input.u8();
  const base = 2 ** (coded & 0x1f);
  const dictionary = base - (base / 16) * (coded >>> 5);
  let crc = 0;
  let size = 0;
  for await (const piece of body(input, DEFAULT_PROPERTIES, dictionary, Infinity, options.memory)) {
    crc = crc32(piece, crc);
    size += piece.length;
    yield piece;
  }
  await input.need(20);
  if (input.u32() !== crc || input.u32() + input.u32() * 2 ** 32 !== size) {
    options.mismatch("its checksum does not match what was decoded");
  }
  input.at += 8;
};

function propertiesOf(input: ByteReader): LzmaProperties {
  const properties = lzmaProperties(input.u8());
  if (properties === undefined) throw input.broken("its LZMA properties do not exist");
  return properties;
}

async function* body(
  input: ByteReader,
  properties: LzmaProperties,
  dictionary: number,
  size: number,
  memory: number,
): AsyncGenerator<Uint8Array, void, void> {
  await input.need(RANGE_CODER_BYTES);
  const history = new History(Math.max(dictionary, 4096), memory);
  const decoder = new LzmaDecoder(history, dictionary);
  decoder.setProperties(properties);
  decoder.startRange(input);
  let ended = false;
  for (let remaining = size; remaining > 0 && !ended;) {
    await input.ensure(STEP_BYTES / 4);
    const room = Math.min(remaining, STEP_BYTES);
    const pieces = stepping(history, room, () => {
      ended = decoder.decode(input, room, input.end, input.final) === "ended";
    });
    for (const piece of pieces) {
      remaining -= piece.length;
      yield piece;
    }
  }
  if (!ended) decoder.skipEndMark(input);
}
