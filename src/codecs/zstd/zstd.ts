/**
 * zstandard, RFC 8878. Dictionaries are not part of a file and cannot be had.
 *
 * @module
 */

import type { ByteReader } from "../streaming/byte_reader.ts";
import { History } from "../streaming/history.ts";
import { skipFrame } from "../streaming/skippable_frame.ts";
import {
  type DecoderOptions,
  type DecodeStream,
  NOTHING,
  stepping,
} from "../streaming/stream_decoder.ts";
import { XxHash64 } from "../checksums/xxhash.ts";
import { LITERALS_BYTES, ZstdBlocks } from "./blocks.ts";

const FRAME = 0xfd2fb528;
/** Frames with 16 magic numbers, to be skipped. */
const SKIPPABLE = 0x184d2a50;
/** Bytes of a block: `Block_Maximum_Size`, RFC 8878 3.1.1.2.4. CWE-770. */
const BLOCK_BYTES = 128 * 1024;

const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;

/** Decodes concatenated zstandard frames. */
export const decodeZstd: DecodeStream = async function* (input, options) {
  const literals = new Uint8Array(LITERALS_BYTES);
  for (let first = true;; first = false) {
    if (!await input.ensure(4)) {
      if (first) throw input.cutOff();
      return;
    }
    yield NOTHING;
    const magic = input.peek32();
    if (magic === FRAME) yield* frame(input, literals, options);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) await skipFrame(input);
    else if (first) throw input.broken("it is no zstandard frame");
    else return;
  }
};

interface FrameHeader {
  readonly window: number;
  readonly contentSize: number | undefined;
  readonly checksum: boolean;
}

async function frameHeader(input: ByteReader): Promise<FrameHeader> {
  await input.need(6);
  input.at += 4;
  const descriptor = input.u8();
  const single = (descriptor & 0x20) !== 0;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  if (descriptor & 8) throw input.broken("the zstandard frame uses a reserved bit");
  await input.need((single ? 0 : 1) + dictionaryBytes + sizeBytes);
  let window = 0;
  if (!single) {
    const byte = input.u8();
    const base = 2 ** (10 + (byte >>> 3));
    window = base + (base / 8) * (byte & 7);
  }
  if (input.take(dictionaryBytes).some((byte) => byte !== 0)) {
    throw input.broken("the zstandard frame needs a dictionary");
  }
  let contentSize: number | undefined;
  if (sizeBytes > 0) {
    const bytes = input.take(sizeBytes);
    contentSize = bytes.reduceRight((value, byte) => value * 256 + byte, 0);
    if (sizeBytes === 2) contentSize += 256;
  }
  return {
    window: single ? contentSize ?? 0 : window,
    contentSize,
    checksum: (descriptor & 4) !== 0,
  };
}

async function* frame(
  input: ByteReader,
  literals: Uint8Array,
  options: DecoderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { window, contentSize, checksum } = await frameHeader(input);
  const history = new History(window, options.memory);
  const blocks = new ZstdBlocks(history, literals);
  const most = Math.min(BLOCK_BYTES, Math.max(window, 1024));
  const hash = checksum ? new XxHash64() : undefined;
  let produced = 0;
  for (let last = false; !last;) {
    await input.need(3);
    const header = input.u8() | (input.u8() << 8) | (input.u8() << 16);
    last = (header & 1) === 1;
    for await (const piece of block(input, history, blocks, header, most)) {
      hash?.update(piece);
      produced += piece.length;
      yield piece;
    }
  }
  if (contentSize !== undefined && contentSize !== produced) {
    options.mismatch("its length does not match what was decoded");
  }
  if (hash === undefined) return;
  await input.need(4);
  if (input.u32() !== hash.digestLow()) {
    options.mismatch("its checksum does not match what was decoded");
  }
}

async function* block(
  input: ByteReader,
  history: History,
  blocks: ZstdBlocks,
  header: number,
  most: number,
): AsyncGenerator<Uint8Array, void, void> {
  const type = (header >>> 1) & 3;
  const size = header >>> 3;
  if (size > BLOCK_BYTES) throw input.broken("a zstandard block is too long");
  if (type === REPEATED) {
    await input.need(1);
    history.reserve(size);
    const byte = input.u8();
    history.repeat(byte, size);
    yield history.take();
    return;
  }
  const complete = await input.ensure(size);
  const there = Math.min(size, input.available);
  if (type === RAW) {
    history.reserve(there);
    history.append(input.bytes.subarray(input.at, input.at + there));
    input.at += there;
    yield history.take();
    if (!complete) throw input.cutOff();
    return;
  }
  if (type !== COMPRESSED) throw input.broken("a zstandard block has a reserved type");
  if (!complete) throw input.cutOff();
  yield* stepping(history, most, () => {
    blocks.decode(input, input.at + size, most);
    input.at += size;
  });
}
