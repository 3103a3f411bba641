/**
 * bzip2: blocks that were sorted (Burrows and Wheeler), moved to front and Huffman-coded. There is no
 * specification but the program, https://sourceware.org/bzip2/; Joe Tsai wrote one down,
 * https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf
 *
 * A block is decoded at once: it needs all of its input, and four bytes of memory for each byte.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import type { ByteReader } from "./streaming/byte_reader.ts";
import { type DecodeStream, NOTHING, STEP_BYTES } from "./streaming/stream_decoder.ts";

const BLOCK_UNIT = 100_000;
const GROUP_SYMBOLS = 50;
const LONGEST_CODE = 20;
const MOST_TABLES = 6;
/** Pi and its square root, in decimal: how a block and the end of a stream begin. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
/** Input that is waited for before a block is tried, and again when it was too little. */
const FIRST_TRY_BYTES = 64 * 1024;
/**
 * Bytes of a compressed block: 900,000 symbols of 20 bits, and its tables. No file can have a longer one.
 * CWE-770.
 */
const LONGEST_BLOCK_BYTES = 2_500_000;

/** Decodes concatenated bzip2 streams, as `bzip2` and Python read them. */
export const decodeBzip2: DecodeStream = async function* (input, options) {
  for (let first = true;; first = false) {
    const there = await input.ensure(4);
    const level = (input.bytes[input.at + 3] ?? 0) - 0x30;
    const isHeader = there && (input.peek32() & 0xffffff) === 0x685a42 && level >= 1 && level <= 9;
    if (!isHeader) {
      if (first) throw there ? input.broken("it is no bzip2 stream") : input.cutOff();
      return;
    }
    input.at += 4;
    yield* stream(input, level * BLOCK_UNIT, options.mismatch);
    yield NOTHING;
  }
};

async function* stream(
  input: ByteReader,
  blockBytes: number,
  mismatch: (what: string) => void,
): AsyncGenerator<Uint8Array, void, void> {
  let bit = 0;
  let combined = 0;
  for (;;) {
    const part: Part = await nextPart(input, bit, blockBytes);
    input.at += Math.floor(part.bit / 8);
    bit = part.bit % 8;
    if (part.kind === "end") {
      if (bit > 0) input.at += 1;
      if (part.crc !== combined) mismatch("its checksum does not match what was decoded");
      return;
    }
    let crc = -1;
    for (const piece of expand(part)) {
      crc = blockCrc(piece, crc);
      yield piece;
    }
    crc = ~crc >>> 0;
    if (crc !== part.crc) mismatch("the checksum of a block does not match what was decoded");
    combined = (((combined << 1) | (combined >>> 31)) ^ part.crc) >>> 0;
  }
}

interface Block {
  readonly kind: "block";
  readonly crc: number;
  readonly origin: number;
  /** In the low byte the sorted block's last column; above it, later, where each byte is followed from. */
  readonly table: Uint32Array;
  readonly length: number;
  readonly counts: Uint32Array;
  /** Bits used, from the start of the byte that the part began in. */
  readonly bit: number;
}

type Part = Block | { readonly kind: "end"; readonly crc: number; readonly bit: number };

/** Reads a block or the end, with more and more input until it is enough. */
async function nextPart(input: ByteReader, bit: number, blockBytes: number): Promise<Part> {
  for (let requested = FIRST_TRY_BYTES;; requested = Math.min(requested * 4, LONGEST_BLOCK_BYTES)) {
    await input.ensure(requested);
    const bits = new Bits(input, bit);
    try {
      return readPart(bits, blockBytes);
    } catch (error) {
      if (!(error instanceof Starved)) throw error;
      if (input.final) throw input.cutOff();
      if (requested >= LONGEST_BLOCK_BYTES) throw bits.broken("a block has no end");
    }
  }
}

/** Thrown, and caught here, when a block needs more input than has arrived. */
class Starved extends Error {}

/** Bits of the input, the highest first. */
class Bits {
  readonly #input: ByteReader;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(input: ByteReader, skip: number) {
    this.#input = input;
    this.#at = input.at;
    this.read(skip);
  }

  /** Bits used since the byte that it began in. */
  get position(): number {
    return (this.#at - this.#input.at) * 8 - this.#count;
  }

  /** At most 24 bits. */
  read(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#input.end) throw new Starved();
      this.#held = (this.#held << 8) | (this.#input.bytes[this.#at++] as number);
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }

  broken(why: string): FormatError {
    const offset = this.#input.offset + Math.floor(this.position / 8);
    return new FormatError(`Cannot decompress: ${why}`, offset);
  }
}

function readPart(bits: Bits, blockBytes: number): Part {
  const magic = [bits.read(24), bits.read(24)];
  const crc = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
  if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
    return { kind: "end", crc, bit: bits.position };
  }
  if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1]) {
    throw bits.broken("neither a bzip2 block nor the end begins here");
  }
  if (bits.read(1) !== 0) {
    throw bits.broken("the bzip2 block is randomised, as no bzip2 since 0.9.5 writes it");
  }
  const origin = bits.read(24);
  const symbols = readUsedBytes(bits);
  const tableCount = bits.read(3);
  if (tableCount < 2 || tableCount > MOST_TABLES) throw bits.broken("it has no Huffman tables");
  const selectors = readSelectors(bits, tableCount);
  const tables: HuffmanCode[] = [];
  for (let at = 0; at < tableCount; at++) tables.push(readCode(bits, symbols.length + 2));
  const read = readSymbols(bits, symbols, selectors, tables, blockBytes);
  if (origin >= read.length) throw bits.broken("the bzip2 block's origin lies behind its end");
  return { kind: "block", crc, origin, ...read, bit: bits.position };
}

/** The bytes that occur, as a map of sixteen maps. */
function readUsedBytes(bits: Bits): Uint8Array {
  const used: number[] = [];
  const map = bits.read(16);
  for (let high = 0; high < 16; high++) {
    if ((map & (0x8000 >>> high)) === 0) continue;
    const row = bits.read(16);
    for (let low = 0; low < 16; low++) if (row & (0x8000 >>> low)) used.push(high * 16 + low);
  }
  if (used.length === 0) throw bits.broken("the bzip2 block uses no byte");
  return Uint8Array.from(used);
}

/** Which table each group of symbols uses, moved to front. */
function readSelectors(bits: Bits, tableCount: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw bits.broken("the bzip2 block has no selectors");
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const selectors = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    let index = 0;
    while (bits.read(1) === 1) {
      if (++index >= tableCount) throw bits.broken("a selector names no table");
    }
    const [table = 0] = order.splice(index, 1);
    order.unshift(table);
    selectors[at] = table;
  }
  return selectors;
}

/** A canonical code: for each length the last code and what to add for the symbol's rank. */
interface HuffmanCode {
  readonly shortest: number;
  readonly last: Int32Array;
  readonly bias: Int32Array;
  readonly ranked: Uint16Array;
}

function readCode(bits: Bits, symbolCount: number): HuffmanCode {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > LONGEST_CODE) throw bits.broken("a code length is impossible");
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const one of lengths) counts[one] = (counts[one] as number) + 1;
  const ranked = new Uint16Array(symbolCount);
  const last = new Int32Array(LONGEST_CODE + 1).fill(-1);
  const bias = new Int32Array(LONGEST_CODE + 1);
  let code = 0;
  let rank = 0;
  for (let bitCount = 1; bitCount <= LONGEST_CODE; bitCount++) {
    bias[bitCount] = rank - code;
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      if (lengths[symbol] === bitCount) ranked[rank++] = symbol;
    }
    code += counts[bitCount] as number;
    last[bitCount] = code - 1;
    code <<= 1;
  }
  return { shortest: Math.min(...lengths), last, bias, ranked };
}

function readSymbol(bits: Bits, code: HuffmanCode): number {
  let length = code.shortest;
  let value = bits.read(length);
  while (value > (code.last[length] as number)) {
    if (++length > LONGEST_CODE) throw bits.broken("a Huffman code does not exist");
    value = (value << 1) | bits.read(1);
  }
  const symbol = code.ranked[value + (code.bias[length] as number)];
  if (symbol === undefined) throw bits.broken("a Huffman code does not exist");
  return symbol;
}

/** Undoes the Huffman code, the run lengths of zeros and the moving to front. */
function readSymbols(
  bits: Bits,
  used: Uint8Array,
  selectors: Uint8Array,
  tables: readonly HuffmanCode[],
  blockBytes: number,
): Pick<Block, "table" | "length" | "counts"> {
  const end = used.length + 1;
  const front = used.slice();
  const counts = new Uint32Array(256);
  let table = new Uint32Array(Math.min(blockBytes, BLOCK_UNIT));
  let length = 0;
  let run = 0;
  let place = 1;
  const emit = (byte: number, count: number) => {
    if (count > blockBytes - length) throw bits.broken("the bzip2 block is too long");
    if (length + count > table.length) {
      const grown = new Uint32Array(Math.min(blockBytes, Math.max(length + count, length * 2)));
      grown.set(table);
      table = grown;
    }
    table.fill(byte, length, length + count);
    length += count;
    counts[byte] = (counts[byte] as number) + count;
  };
  for (const selector of selectors) {
    const code = tables[selector] as HuffmanCode;
    for (let at = 0; at < GROUP_SYMBOLS; at++) {
      const symbol = readSymbol(bits, code);
      if (symbol <= 1) {
        // Zeros are counted in a binary of the digits 1 and 2.
        run += place << symbol;
        place *= 2;
        if (run > blockBytes) throw bits.broken("a run is longer than its block");
        continue;
      }
      if (run > 0) emit(front[0] as number, run);
      run = 0;
      place = 1;
      if (symbol === end) return { table, length, counts };
      const index = symbol - 1;
      const byte = front[index] as number;
      front.copyWithin(1, 0, index);
      front[0] = byte;
      emit(byte, 1);
    }
  }
  throw bits.broken("the bzip2 block has no end");
}

/** Follows the permutation, and expands the runs of the first step. */
function* expand({ table, length, counts, origin }: Block): Generator<Uint8Array, void, void> {
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte] as number;
    counts[byte] = sum;
    sum += count;
  }
  for (let at = 0; at < length; at++) {
    const byte = (table[at] as number) & 0xff;
    const to = counts[byte] as number;
    counts[byte] = to + 1;
    table[to] = ((table[to] as number) & 0xff) | (at << 8);
  }
  let piece = new Uint8Array(STEP_BYTES + 256);
  let filled = 0;
  let next = (table[origin] as number) >>> 8;
  let previous = -1;
  let same = 0;
  for (let at = 0; at < length; at++) {
    const entry = table[next] as number;
    const byte = entry & 0xff;
    next = entry >>> 8;
    if (same === 4) {
      piece.fill(previous, filled, filled + byte);
      filled += byte;
      same = 0;
      previous = -1;
    } else {
      same = byte === previous ? same + 1 : 1;
      previous = byte;
      piece[filled++] = byte;
    }
    if (filled >= STEP_BYTES) {
      yield piece.subarray(0, filled);
      piece = new Uint8Array(STEP_BYTES + 256);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

/** CRC-32 with the highest bit first. */
function blockCrc(bytes: Uint8Array, crc: number): number {
  for (const byte of bytes) crc = (crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] as number);
  return crc;
}
