/**
 * lz4: the frame format, which joblib and the `lz4` tool write, and the legacy frame of Linux kernels.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
 *
 * @module
 */

import type { ByteReader } from "./streaming/byte_reader.ts";
import { History } from "./streaming/history.ts";
import {
  type DecoderOptions,
  type DecodeStream,
  NOTHING,
  stepping,
} from "./streaming/stream_decoder.ts";
import { skipFrame } from "./streaming/skippable_frame.ts";
import { XxHash32 } from "./checksums/xxhash.ts";

const FRAME = 0x184d2204;
const LEGACY = 0x184c2102;
/** Frames with 16 magic numbers, to be skipped. */
const SKIPPABLE = 0x184d2a50;

const WINDOW_BYTES = 64 * 1024;
const LEGACY_BLOCK_BYTES = 8 * 1024 * 1024;
/** Legacy blocks that do not shrink are up to this much longer: LZ4_compressBound. */
const LEGACY_STORED_BYTES = LEGACY_BLOCK_BYTES + Math.ceil(LEGACY_BLOCK_BYTES / 255) + 16;
const SHORTEST_MATCH = 4;
const STORED_BIT = 0x80000000;

// Bits of the frame's flags.
const INDEPENDENT = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY_ID = 0x01;

/** Decodes concatenated lz4 frames. */
export const decodeLz4: DecodeStream = async function* (input, options) {
  for (let first = true;; first = false) {
    if (!await input.ensure(4)) {
      if (first) throw input.cutOff();
      return;
    }
    yield NOTHING;
    const magic = input.peek32();
    if (magic === FRAME) {
      yield* frame(input, options);
    } else if (magic === LEGACY) {
      yield* legacyFrame(input, options);
    } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      await skipFrame(input);
    } else if (first) {
      throw input.broken("it is no lz4 frame");
    } else {
      return;
    }
  }
};

interface FrameHeader {
  readonly flags: number;
  readonly blockBytes: number;
  readonly contentSize: number | undefined;
}

async function frameHeader(input: ByteReader, options: DecoderOptions): Promise<FrameHeader> {
  await input.need(7);
  input.at += 4;
  const from = input.at;
  const flags = input.u8();
  const block = (input.u8() >>> 4) & 7;
  if (flags >>> 6 !== 1) throw input.broken(`lz4 frames of version ${flags >>> 6} do not exist`);
  if (block < 4) throw input.broken("the lz4 frame has no valid block size");
  if (flags & DICTIONARY_ID) throw input.broken("the lz4 frame needs a dictionary");
  const length = 2 + (flags & CONTENT_SIZE ? 8 : 0);
  input.at = from;
  await input.need(length + 1);
  const descriptor = input.take(length);
  const hash = new XxHash32();
  hash.update(descriptor);
  if (((hash.digest() >>> 8) & 0xff) !== input.u8()) {
    options.mismatch("the checksum of its header does not match");
  }
  const view = new DataView(descriptor.buffer);
  const contentSize = flags & CONTENT_SIZE
    ? view.getUint32(2, true) + view.getUint32(6, true) * 2 ** 32
    : undefined;
  return { flags, blockBytes: 1 << (8 + 2 * block), contentSize };
}

async function* frame(
  input: ByteReader,
  options: DecoderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { flags, blockBytes, contentSize } = await frameHeader(input, options);
  const history = new History(WINDOW_BYTES, options.memory);
  const hash = flags & CONTENT_CHECKSUM ? new XxHash32() : undefined;
  let produced = 0;
  for (;;) {
    await input.need(4);
    const word = input.u32();
    if (word === 0) break;
    const length = word & ~STORED_BIT;
    if (length > blockBytes) throw input.broken("an lz4 block is longer than its frame allows");
    if (flags & INDEPENDENT) history.clear();
    for await (const piece of block(input, history, length, word >= STORED_BIT, blockBytes)) {
      hash?.update(piece);
      produced += piece.length;
      yield piece;
    }
    if (flags & BLOCK_CHECKSUM) {
      await input.need(4);
      input.at += 4;
    }
  }
  if (contentSize !== undefined && contentSize !== produced) {
    options.mismatch("its length does not match what was decoded");
  }
  if (hash !== undefined) {
    if (!await input.ensure(4)) throw input.cutOff();
    if (input.u32() !== hash.digest()) {
      options.mismatch("its checksum does not match what was decoded");
    }
  }
}

/** Blocks of 8 MiB until the input ends or another frame begins; nothing marks the end. */
async function* legacyFrame(
  input: ByteReader,
  options: DecoderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  input.at += 4;
  const history = new History(0, options.memory);
  while (await input.ensure(4)) {
    const length = input.peek32();
    if (length > LEGACY_STORED_BYTES) return;
    input.at += 4;
    history.clear();
    yield* block(input, history, length, false, LEGACY_BLOCK_BYTES);
  }
  if (input.available > 0) throw input.cutOff();
}

/** One block; of one that is cut off what there is of it. */
async function* block(
  input: ByteReader,
  history: History,
  length: number,
  stored: boolean,
  most: number,
): AsyncGenerator<Uint8Array, void, void> {
  const complete = await input.ensure(length);
  const end = input.at + Math.min(length, input.available);
  yield* stepping(history, most, () => {
    if (stored) history.append(input.bytes.subarray(input.at, end));
    else decodeBlock(input, end, complete, history, history.position + most);
    input.at = end;
  });
  if (!complete) throw input.cutOff();
}

/** Sequences of literals and matches. */
function decodeBlock(
  input: ByteReader,
  end: number,
  complete: boolean,
  history: History,
  outEnd: number,
): void {
  const { bytes } = input;
  let at = input.at;
  const fail = (why: string) => {
    input.at = at;
    return complete ? input.broken(why) : input.cutOff();
  };
  const extended = (length: number): number => {
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= end) throw fail("a length in an lz4 block has no end");
      byte = bytes[at++] as number;
    }
    return length;
  };
  while (at < end) {
    const token = bytes[at++] as number;
    let literals = token >>> 4;
    if (literals === 15) literals = extended(literals);
    const there = Math.min(literals, end - at);
    if (history.position + there > outEnd) throw fail("an lz4 block expands too far");
    history.append(bytes.subarray(at, at + there));
    at += there;
    if (there < literals) throw fail("an lz4 block ends within its literals");
    if (at === end && complete) return;
    if (at + 2 > end) throw fail("an lz4 block ends within a match");
    const distance = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    at += 2;
    let length = (token & 15) + SHORTEST_MATCH;
    if (length === 15 + SHORTEST_MATCH) length = extended(length);
    if (distance === 0 || distance > history.position) {
      throw fail("an lz4 match reaches back before the start");
    }
    if (history.position + length > outEnd) throw fail("an lz4 block expands too far");
    history.copy(distance, length);
  }
}
