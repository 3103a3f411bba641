/**
 * xz: LZMA2 in blocks with checksums. https://tukaani.org/xz/xz-file-format.txt, version 1.2.1;
 * LZMA2 as in xz's `lzma2_decoder.c`.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { branchFilter, deltaFilter, type Filter } from "./branch_filters.ts";
import type { ByteReader } from "../streaming/byte_reader.ts";
import { crc32 } from "../checksums/crc32.ts";
import { Crc64 } from "../checksums/crc64.ts";
import { History } from "../streaming/history.ts";
import { LzmaDecoder, lzmaProperties, RANGE_CODER_BYTES } from "./lzma.ts";
import {
  type DecoderOptions,
  type DecodeStream,
  STEP_BYTES,
  stepping,
} from "../streaming/stream_decoder.ts";

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const STREAM_HEADER_BYTES = 12;
const STREAM_FOOTER_BYTES = 12;
/** Bytes of the check after each block, by its id. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const CRC32_CHECK = 1;
const CRC64_CHECK = 4;

const DELTA = 0x03;
const LZMA2 = 0x21;
/** Filters before LZMA2 at most. */
const MOST_FILTERS = 4;

// Control bytes of LZMA2 chunks.
const END_OF_CHUNKS = 0x00;
const STORED_NEW_DICTIONARY = 0x01;
const STORED = 0x02;

/** Decodes one xz stream. */
export const decodeXz: DecodeStream = async function* (input, options) {
  const there = await input.ensure(STREAM_HEADER_BYTES);
  if (!there) throw input.cutOff();
  if (!MAGIC.every((byte, at) => input.bytes[input.at + at] === byte)) {
    throw input.broken("it is no xz stream");
  }
  yield* stream(input, options);
};

async function* stream(
  input: ByteReader,
  options: DecoderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const header = input.take(STREAM_HEADER_BYTES);
  const check = (header[7] ?? 0) & 0x0f;
  if (crc32(header.subarray(6, 8)) !== u32(header, 8)) {
    options.mismatch("the checksum of its header does not match");
  }
  for (;;) {
    await input.need(1);
    if (input.bytes[input.at] === 0) break;
    yield* block(input, check, options);
  }
  await skipIndex(input);
  await input.need(STREAM_FOOTER_BYTES);
  const footer = input.take(STREAM_FOOTER_BYTES);
  if (crc32(footer.subarray(4, 10)) !== u32(footer, 0) || footer[10] !== 0x59) {
    options.mismatch("the checksum of its footer does not match");
  }
}

/** What a block header says. */
interface BlockHeader {
  readonly filters: readonly Filter[];
  readonly dictionary: number;
}

async function* block(
  input: ByteReader,
  check: number,
  options: DecoderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { filters, dictionary } = await blockHeader(input, options);
  const start = input.offset;
  const sum = checker(check);
  for await (const piece of filtered(lzma2(input, dictionary, options.memory), filters)) {
    sum?.update(piece);
    yield piece;
  }
  await input.need((4 - (input.offset - start) % 4) % 4);
  input.at += (4 - (input.offset - start) % 4) % 4;
  const size = CHECK_BYTES[check] ?? 0;
  await input.need(size);
  const stated = input.take(size);
  if (sum !== undefined && !sum.equals(stated)) {
    options.mismatch("its checksum does not match what was decoded");
  }
}

async function blockHeader(input: ByteReader, options: DecoderOptions): Promise<BlockHeader> {
  await input.need(1);
  const size = ((input.bytes[input.at] as number) + 1) * 4;
  await input.need(size);
  const offset = input.offset;
  const bytes = input.take(size);
  if (crc32(bytes.subarray(0, size - 4)) !== u32(bytes, size - 4)) {
    options.mismatch("the checksum of a block's header does not match");
  }
  const header = new HeaderReader(bytes.subarray(0, size - 4), offset);
  header.u8();
  const flags = header.u8();
  if (flags & 0x40) header.number();
  if (flags & 0x80) header.number();
  const count = (flags & 3) + 1;
  const filters: Filter[] = [];
  for (let at = 1; at <= count && at <= MOST_FILTERS; at++) {
    const id = header.number();
    const properties = header.bytes(header.number());
    if (id === LZMA2 && at === count) {
      return { filters: filters.reverse(), dictionary: dictionaryOf(properties[0] ?? 41) };
    }
    const filter = id === DELTA
      ? deltaFilter((properties[0] ?? 0) + 1)
      : branchFilter(id, properties.length >= 4 ? u32(properties, 0) : 0);
    if (filter === undefined) throw header.broken(`its filter ${id} cannot be undone`);
    filters.push(filter);
  }
  throw header.broken("its last filter is not LZMA2");
}

/** 2^n or 2^n + 2^(n-1) from 4 KiB on. */
function dictionaryOf(bits: number): number {
  return bits >= 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
}

class HeaderReader {
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  #at = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw this.broken("a block's header is too short");
    return byte;
  }

  /** Seven bits a byte, the lowest first. */
  number(): number {
    let value = 0;
    for (let place = 1;; place *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * place;
      if (byte < 128) return value;
    }
  }

  bytes(length: number): Uint8Array {
    const from = this.#at;
    if (length > this.#bytes.length - from) throw this.broken("a block's header is too short");
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  broken(why: string): FormatError {
    return new FormatError(`Cannot decompress xz: ${why}`, this.#offset);
  }
}

async function* filtered(
  pieces: AsyncGenerator<Uint8Array, void, void>,
  filters: readonly Filter[],
): AsyncGenerator<Uint8Array, void, void> {
  if (filters.length === 0) {
    yield* pieces;
    return;
  }
  const through = (piece: Uint8Array, last: boolean): Uint8Array =>
    filters.reduce((bytes, filter) => filter(bytes, last), piece);
  for await (const piece of pieces) {
    const bytes = through(piece, false);
    if (bytes.length > 0) yield bytes;
  }
  const rest = through(new Uint8Array(0), true);
  if (rest.length > 0) yield rest;
}

/** A stream that lost what was said of it: what 7-Zip uses at its ninth level. */
const DEFAULT_DICTIONARY_BYTES = 64 * 1024 * 1024;

/** Decodes LZMA2 without any container, up to its end. */
export const decodeLzma2: DecodeStream = (input, { memory }) =>
  lzma2(input, DEFAULT_DICTIONARY_BYTES, memory);

/** The chunks of an LZMA2 stream up to their end. */
async function* lzma2(
  input: ByteReader,
  dictionary: number,
  memory: number,
): AsyncGenerator<Uint8Array, void, void> {
  const history = new History(dictionary, memory);
  const decoder = new LzmaDecoder(history, dictionary);
  let needsDictionary = true;
  for (;;) {
    await input.need(1);
    const control = input.u8();
    if (control === END_OF_CHUNKS) return;
    if (control > STORED && control < 0x80) throw input.broken("an LZMA2 chunk has no type");
    const resets = control === STORED_NEW_DICTIONARY || control >= 0xe0;
    if (resets) decoder.resetDictionary();
    else if (needsDictionary) {
      throw input.broken("the first LZMA2 chunk does not start a dictionary");
    }
    needsDictionary = false;
    yield* control < 0x80
      ? storedChunk(input, history, decoder)
      : codedChunk(input, history, decoder, control);
  }
}

async function* storedChunk(
  input: ByteReader,
  history: History,
  decoder: LzmaDecoder,
): AsyncGenerator<Uint8Array, void, void> {
  await input.need(2);
  const size = input.u8() * 256 + input.u8() + 1;
  const complete = await input.ensure(size);
  const there = Math.min(size, input.available);
  history.reserve(there);
  history.append(input.bytes.subarray(input.at, input.at + there));
  input.at += there;
  decoder.wrote(there);
  yield history.take();
  if (!complete) throw input.cutOff();
}

async function* codedChunk(
  input: ByteReader,
  history: History,
  decoder: LzmaDecoder,
  control: number,
): AsyncGenerator<Uint8Array, void, void> {
  await input.need(4);
  let remaining = (control & 0x1f) * 0x10000 + input.u8() * 256 + input.u8() + 1;
  const packed = input.u8() * 256 + input.u8() + 1;
  if (control >= 0xc0) {
    await input.need(1);
    const properties = lzmaProperties(input.u8());
    if (properties === undefined || properties.lc + properties.lp > 4) {
      throw input.broken("its LZMA properties do not exist");
    }
    decoder.setProperties(properties);
  } else if (control >= 0xa0) {
    decoder.resetState();
  }
  if (!decoder.ready) throw input.broken("the first LZMA2 chunk has no properties");
  // At most 64 KiB: once it is here, nothing needs to wait.
  const complete = await input.ensure(packed);
  if (packed < RANGE_CODER_BYTES || input.available < RANGE_CODER_BYTES) throw input.cutOff();
  const end = Math.min(input.at + packed, input.end);
  decoder.startRange(input);
  while (remaining > 0) {
    const room = Math.min(remaining, STEP_BYTES);
    const pieces = stepping(history, room, () => {
      if (decoder.decode(input, room, end, true) === "ended") {
        throw input.broken("an LZMA2 chunk ends before its size");
      }
    });
    for (const piece of pieces) {
      remaining -= piece.length;
      yield piece;
    }
  }
  if (decoder.owes) throw input.broken("a match is longer than its LZMA2 chunk");
  if (!complete) throw input.cutOff();
  if (input.at !== end || !decoder.rangeIsAtEnd) {
    throw input.broken("an LZMA2 chunk does not end where it should");
  }
}

/** Steps over the index: the sizes of the blocks, which have been read. */
async function skipIndex(input: ByteReader): Promise<void> {
  const start = input.offset;
  input.at += 1;
  const number = async (): Promise<number> => {
    let value = 0;
    for (let place = 1;; place *= 128) {
      await input.need(1);
      const byte = input.u8();
      value += (byte & 0x7f) * place;
      if (byte < 128) return value;
      if (place > 2 ** 56) throw input.broken("a number in the xz index has no end");
    }
  };
  const count = await number();
  for (let at = 0; at < count; at++) {
    await number();
    await number();
  }
  const padding = (4 - (input.offset - start) % 4) % 4;
  await input.need(padding + 4);
  input.at += padding + 4;
}

interface Checker {
  update(bytes: Uint8Array): void;
  equals(stated: Uint8Array): boolean;
}

/** Undefined for no check, and for SHA-256, which no loader's default writes. */
function checker(id: number): Checker | undefined {
  if (id === CRC64_CHECK) return new Crc64();
  if (id !== CRC32_CHECK) return undefined;
  let crc = 0;
  return {
    update: (bytes) => void (crc = crc32(bytes, crc)),
    equals: (stated) => u32(stated, 0) === crc,
  };
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at, true);
}
