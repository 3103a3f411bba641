/**
 * Blosc 1, the compression of PyTables and of HDF5's filter 32001: blocks of one of several codecs,
 * their bytes shuffled by place in an element.
 * https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst, `blosc/blosc.c`, `blosc/blosclz.c`
 *
 * @module
 */

import { FormatError, LimitError } from "../core/errors.ts";

const HEADER_BYTES = 16;
/** `BLOSC_DOSHUFFLE`, `BLOSC_MEMCPYED`, `BLOSC_DOBITSHUFFLE`, and that blocks are not split. */
const FLAG = { shuffle: 1, copied: 2, bitShuffle: 4, unsplit: 16 } as const;
/** `MAX_SPLITS`: a block of elements of up to so many bytes is split into one stream a byte. */
const SPLITS = 16;
/** Largest distance of BloscLZ's short matches. */
const MAX_DISTANCE = 8191;

/** Codecs, by the three high bits of the flags. */
type BloscCodec = "blosclz" | "lz4" | "snappy" | "zlib" | "zstd";
const CODECS: readonly BloscCodec[] = ["blosclz", "lz4", "snappy", "zlib", "zstd"];

/** What decodes a stream of one of the codecs that are not Blosc's own. */
type StreamDecoder = (
  codec: "zlib" | "zstd",
  bytes: Uint8Array,
  size: number,
) => Promise<Uint8Array>;

/**
 * Decodes one chunk.
 *
 * @param most limit of the decoded size in bytes
 * @param decode for streams of zlib and Zstandard
 * @throws FormatError when it is malformed, or uses an unsupported codec or filter (Snappy, bit
 * shuffle)
 * @throws LimitError when it claims more than `most` bytes
 */
export async function decodeBlosc(
  chunk: Uint8Array,
  most: number,
  decode: StreamDecoder,
): Promise<Uint8Array> {
  if (chunk.length < HEADER_BYTES) throw new FormatError("A Blosc chunk is cut off", chunk.length);
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const flags = view.getUint8(2);
  const typeSize = Math.max(1, view.getUint8(3));
  const size = view.getUint32(4, true);
  const blockSize = view.getUint32(8, true);
  if (size > most) throw new LimitError("spoolBytes", `A Blosc chunk claims ${size} bytes`);
  if ((flags & FLAG.copied) !== 0) {
    if (chunk.length < HEADER_BYTES + size) throw new FormatError("A Blosc chunk is cut off");
    return chunk.slice(HEADER_BYTES, HEADER_BYTES + size);
  }
  const codec = CODECS[flags >> 5];
  if (codec === undefined || codec === "snappy" || (flags & FLAG.bitShuffle) !== 0) {
    throw new FormatError(`A Blosc chunk uses ${codec ?? "an unknown codec"} or a bit shuffle`);
  }
  if (size === 0) return new Uint8Array(0);
  const blocks = blockSize === 0 ? Infinity : Math.ceil(size / blockSize);
  if (HEADER_BYTES + 4 * blocks > chunk.length) throw new FormatError("A Blosc chunk is cut off");
  const output = new Uint8Array(size);
  for (let index = 0; index < blocks; index++) {
    const from = index * blockSize;
    const length = Math.min(blockSize, size - from);
    const split = (flags & FLAG.unsplit) === 0 && length === blockSize && typeSize <= SPLITS &&
      typeSize > 1 && length % typeSize === 0;
    const block = await decodeBlock(
      { chunk, at: view.getUint32(HEADER_BYTES + 4 * index, true), codec, decode },
      length,
      split ? typeSize : 1,
    );
    const plain = (flags & FLAG.shuffle) !== 0 && typeSize > 1 ? unshuffle(block, typeSize) : block;
    output.set(plain, from);
  }
  return output;
}

interface Block {
  readonly chunk: Uint8Array;
  readonly at: number;
  readonly codec: BloscCodec;
  readonly decode: StreamDecoder;
}

async function decodeBlock(
  { chunk, at, codec, decode }: Block,
  length: number,
  streams: number,
): Promise<Uint8Array> {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const output = new Uint8Array(length);
  const each = length / streams;
  let from = at;
  for (let stream = 0; stream < streams; stream++) {
    if (from + 4 > chunk.length) {
      throw new FormatError("A Blosc block lies outside its chunk", from);
    }
    const size = view.getInt32(from, true);
    from += 4;
    if (size < 0 || from + size > chunk.length) {
      throw new FormatError("A Blosc block lies outside its chunk", from);
    }
    const bytes = chunk.subarray(from, from + size);
    from += size;
    // What does not become shorter is stored as it is.
    output.set(
      size === each ? bytes : await decodeStream(codec, bytes, each, decode),
      stream * each,
    );
  }
  return output;
}

async function decodeStream(
  codec: BloscCodec,
  bytes: Uint8Array,
  size: number,
  decode: StreamDecoder,
): Promise<Uint8Array> {
  const output = codec === "blosclz"
    ? decodeBloscLz(bytes, size)
    : codec === "lz4"
    ? decodeLz4Block(bytes, size)
    : codec === "zlib" || codec === "zstd"
    ? await decode(codec, bytes, size)
    : undefined;
  if (output?.length !== size) {
    throw new FormatError("A Blosc block has another length than it says");
  }
  return output;
}

/** Gathers the bytes of each element, which stand apart by their place in it. */
export function unshuffle(bytes: Uint8Array, typeSize: number): Uint8Array {
  const elements = Math.floor(bytes.length / typeSize);
  const output = bytes.slice();
  for (let place = 0; place < typeSize; place++) {
    const from = place * elements;
    for (let element = 0; element < elements; element++) {
      output[element * typeSize + place] = bytes[from + element] ?? 0;
    }
  }
  return output;
}

/** Output of a decoder of matches and literals. */
class Window {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  literals(from: Uint8Array, start: number, length: number): void {
    if (this.at + length > this.bytes.length || start + length > from.length) this.#fail();
    this.bytes.set(from.subarray(start, start + length), this.at);
    this.at += length;
  }

  /** A match may reach into itself. */
  match(distance: number, length: number): void {
    if (distance < 1 || distance > this.at || this.at + length > this.bytes.length) this.#fail();
    for (let i = 0; i < length; i++, this.at++) {
      this.bytes[this.at] = this.bytes[this.at - distance] ?? 0;
    }
  }

  #fail(): never {
    throw new FormatError("A Blosc block leads outside of itself");
  }
}

/** `blosclz_decompress`: FastLZ with far matches. */
function decodeBloscLz(input: Uint8Array, size: number): Uint8Array {
  const window = new Window(size);
  let at = 0;
  const next = (): number => {
    const byte = input[at++];
    if (byte === undefined) throw new FormatError("A Blosc block is cut off");
    return byte;
  };
  let control = next() & 31;
  for (;;) {
    if (control < 32) {
      window.literals(input, at, control + 1);
      at += control + 1;
    } else {
      let length = (control >> 5) - 1;
      let offset = (control & 31) << 8;
      let code: number;
      if (length === 6) {
        do {
          code = next();
          length += code;
        } while (code === 255);
      }
      code = next();
      let distance = offset + code;
      if (code === 255 && offset === 31 << 8) {
        offset = next() << 8;
        distance = offset + next() + MAX_DISTANCE;
      }
      window.match(distance + 1, length + 3);
    }
    if (at >= input.length) break;
    control = next();
  }
  return window.bytes.subarray(0, window.at);
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function decodeLz4Block(input: Uint8Array, size: number): Uint8Array {
  const window = new Window(size);
  let at = 0;
  const next = (): number => {
    const byte = input[at++];
    if (byte === undefined) throw new FormatError("An LZ4 block is cut off");
    return byte;
  };
  const length = (start: number): number => {
    let sum = start;
    if (start === 15) {
      for (let more = 255; more === 255; sum += more) more = next();
    }
    return sum;
  };
  while (at < input.length) {
    const token = next();
    const literals = length(token >> 4);
    window.literals(input, at, literals);
    at += literals;
    if (at >= input.length) break;
    const distance = next() + next() * 256;
    window.match(distance, length(token & 15) + 4);
  }
  return window.bytes.subarray(0, window.at);
}
