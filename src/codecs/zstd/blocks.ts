/**
 * The compressed blocks of zstandard: literals and sequences, RFC 8878 section 3.1.1.3.
 *
 * @module
 */

import type { ByteReader } from "../streaming/byte_reader.ts";
import type { History } from "../streaming/history.ts";
import {
  BackwardBits,
  buildFse,
  type FseTable,
  type HuffmanCode,
  readFse,
  readHuffman,
  singleSymbol,
  TableError,
} from "./fse.ts";

/** Bytes of the literals of one block, at most. */
export const LITERALS_BYTES = 128 * 1024;

// Kinds of literals, and of the tables for sequences.
const RAW = 0;
const REPEATED_BYTE = 1;
const TREELESS = 3;
const PREDEFINED = 0;
const SINGLE = 1;
const CODED = 2;

/** Section 3.1.1.3.2.1.1: base value and extra bits of the codes from 16 (literals) and 32 (matches). */
const LITERAL_BASES = [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096]
  .concat([8192, 16384, 32768, 65536]);
const LITERAL_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BASES = [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051]
  .concat([4099, 8195, 16387, 32771, 65539]);
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/** A kind of number in a sequence: its predefined table and the bounds of a coded one. */
interface Kind {
  readonly predefined: FseTable;
  readonly mostLog: number;
  readonly mostSymbol: number;
}

/** Section 3.1.1.3.2.2: the predefined distributions. */
const LITERAL_LENGTHS: Kind = {
  predefined: buildFse(
    // deno-fmt-ignore -- as in the RFC
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
      -1, -1, -1, -1],
    6,
  ),
  mostLog: 9,
  mostSymbol: 35,
};
const MATCH_LENGTHS: Kind = {
  predefined: buildFse(
    // deno-fmt-ignore -- as in the RFC
    [1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
    6,
  ),
  mostLog: 9,
  mostSymbol: 52,
};
const OFFSETS: Kind = {
  predefined: buildFse(
    // deno-fmt-ignore -- as in the RFC
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    5,
  ),
  mostLog: 8,
  mostSymbol: 31,
};

/** Decodes the compressed blocks of one frame, which pass on tables and offsets. */
export class ZstdBlocks {
  readonly #history: History;
  readonly #literals: Uint8Array;
  #literalCount = 0;
  #huffman: HuffmanCode | undefined;
  #literalLengths: FseTable | undefined;
  #offsets: FseTable | undefined;
  #matchLengths: FseTable | undefined;
  #repeat: [number, number, number] = [1, 4, 8];

  /** @param literals room for the literals of one block, `LITERALS_BYTES`; frames may share it */
  constructor(history: History, literals: Uint8Array) {
    this.#history = history;
    this.#literals = literals;
  }

  /**
   * Decodes a block that is buffered completely and whose output fits.
   *
   * @param end where it ends in `input.bytes`
   * @param most limit of the decoded size in bytes
   * @throws FormatError when it contradicts itself
   */
  decode(input: ByteReader, end: number, most: number): void {
    const before = this.#history.position;
    try {
      const at = this.#readLiterals(input.bytes, input.at, end);
      this.#sequences(input.bytes, at, end, before + most);
    } catch (error) {
      if (error instanceof TableError) throw input.broken(error.message);
      throw error;
    }
  }

  /** Section 3.1.1.3.1; gives where the literals end. */
  #readLiterals(bytes: Uint8Array, from: number, end: number): number {
    const first = bytes[from] as number;
    const kind = first & 3;
    const format = (first >>> 2) & 3;
    const header = (length: number): number => {
      if (from + length > end) throw new TableError("a block's literals are cut off");
      let value = 0;
      for (let at = length - 1; at >= 0; at--) value = value * 256 + (bytes[from + at] as number);
      return value;
    };
    if (kind === RAW || kind === REPEATED_BYTE) {
      const length = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = Math.floor(header(length) / (length === 1 ? 8 : 16));
      const data = from + length;
      const used = kind === RAW ? size : 1;
      if (size > LITERALS_BYTES || data + used > end) {
        throw new TableError("a block's literals are cut off");
      }
      if (kind === RAW) this.#literals.set(bytes.subarray(data, data + size));
      else this.#literals.fill(bytes[data] as number, 0, size);
      this.#literalCount = size;
      return data + used;
    }
    const length = format < 2 ? 3 : format + 2;
    const width = format < 2 ? 10 : format === 2 ? 14 : 18;
    const value = Math.floor(header(length) / 16);
    const size = value % 2 ** width;
    const packed = Math.floor(value / 2 ** width);
    const data = from + length;
    if (size > LITERALS_BYTES || data + packed > end) {
      throw new TableError("a block's literals are cut off");
    }
    this.#coded(bytes, data, data + packed, size, format === 0 ? 1 : 4, kind === TREELESS);
    return data + packed;
  }

  #coded(
    bytes: Uint8Array,
    from: number,
    end: number,
    size: number,
    streams: 1 | 4,
    treeless: boolean,
  ): void {
    let at = from;
    if (!treeless) {
      const { code, used } = readHuffman(bytes, at, end);
      this.#huffman = code;
      at += used;
    }
    const code = this.#huffman;
    if (code === undefined) throw new TableError("literals refer to a table that is not there");
    this.#literalCount = size;
    if (streams === 1) {
      this.#stream(code, bytes, at, end, 0, size);
      return;
    }
    if (at + 6 > end) throw new TableError("a block's literals are cut off");
    const each = Math.ceil(size / 4);
    let start = at + 6;
    for (let stream = 0; stream < 4; stream++) {
      const jump = at + stream * 2;
      const stop = stream === 3
        ? end
        : start + (bytes[jump] as number) + (bytes[jump + 1] as number) * 256;
      if (stop > end) throw new TableError("a block's literals are cut off");
      const to = stream === 3 ? size : Math.min(size, each * (stream + 1));
      this.#stream(code, bytes, start, stop, Math.min(size, each * stream), to);
      start = stop;
    }
  }

  #stream(
    { log, symbols, lengths }: HuffmanCode,
    bytes: Uint8Array,
    from: number,
    end: number,
    outFrom: number,
    outEnd: number,
  ): void {
    const bits = new BackwardBits(bytes, from, end);
    const literals = this.#literals;
    for (let at = outFrom; at < outEnd; at++) {
      const value = bits.peek(log);
      literals[at] = symbols[value] as number;
      bits.left -= lengths[value] as number;
    }
    if (bits.left !== 0) throw new TableError("literals do not end where they should");
  }

  /** Section 3.1.1.3.2. */
  #sequences(bytes: Uint8Array, from: number, end: number, outEnd: number): void {
    const u8 = (at: number): number => {
      if (at >= end) throw new TableError("a block's sequences are cut off");
      return bytes[at] as number;
    };
    let at = from;
    let count = u8(at++);
    if (count >= 255) {
      count = u8(at) + u8(at + 1) * 256 + 0x7f00;
      at += 2;
    } else if (count >= 128) {
      count = (count - 128) * 256 + u8(at++);
    }
    if (count === 0) {
      this.#finish(0, outEnd);
      return;
    }
    const modes = u8(at++);
    const table = (kind: Kind, mode: number, previous: FseTable | undefined): FseTable => {
      if (mode === PREDEFINED) return kind.predefined;
      if (mode === SINGLE) {
        const symbol = u8(at++);
        if (symbol > kind.mostSymbol) throw new TableError("a sequence code does not exist");
        return singleSymbol(symbol);
      }
      if (mode === CODED) {
        const read = readFse(bytes, at, end, kind.mostLog, kind.mostSymbol);
        at += read.used;
        return read.table;
      }
      if (previous === undefined) {
        throw new TableError("sequences refer to a table that is not there");
      }
      return previous;
    };
    this.#literalLengths = table(LITERAL_LENGTHS, modes >>> 6, this.#literalLengths);
    this.#offsets = table(OFFSETS, (modes >>> 4) & 3, this.#offsets);
    this.#matchLengths = table(MATCH_LENGTHS, (modes >>> 2) & 3, this.#matchLengths);
    const bits = new BackwardBits(bytes, at, end);
    this.#finish(
      this.#execute(bits, count, outEnd, this.#literalLengths, this.#offsets, this.#matchLengths),
      outEnd,
    );
  }

  /** Runs the sequences; gives the literals that they used. */
  #execute(
    bits: BackwardBits,
    count: number,
    outEnd: number,
    literalLengths: FseTable,
    offsets: FseTable,
    matchLengths: FseTable,
  ): number {
    let literalState = bits.read(literalLengths.log);
    let offsetState = bits.read(offsets.log);
    let matchState = bits.read(matchLengths.log);
    let used = 0;
    for (let index = 0; index < count; index++) {
      const offsetCode = offsets.symbols[offsetState] as number;
      const offsetValue = 2 ** offsetCode + wide(bits, offsetCode);
      const matchCode = matchLengths.symbols[matchState] as number;
      const match = matchCode < 32
        ? matchCode + 3
        : (MATCH_BASES[matchCode - 32] as number) + bits.read(MATCH_BITS[matchCode - 32] as number);
      const literalCode = literalLengths.symbols[literalState] as number;
      const literals = literalCode < 16
        ? literalCode
        : (LITERAL_BASES[literalCode - 16] as number) +
          bits.read(LITERAL_BITS[literalCode - 16] as number);
      if (index < count - 1) {
        literalState = (literalLengths.bases[literalState] as number) +
          bits.read(literalLengths.bits[literalState] as number);
        matchState = (matchLengths.bases[matchState] as number) +
          bits.read(matchLengths.bits[matchState] as number);
        offsetState = (offsets.bases[offsetState] as number) +
          bits.read(offsets.bits[offsetState] as number);
      }
      if (bits.left < 0) throw new TableError("a block's sequences are cut off");
      const offset = this.#offset(offsetValue, literals);
      this.#put(used, literals, offset, match, outEnd);
      used += literals;
    }
    if (bits.left !== 0) throw new TableError("sequences do not end where they should");
    return used;
  }

  /** Section 3.1.1.5: the last three offsets can be meant. */
  #offset(value: number, literals: number): number {
    const repeat = this.#repeat;
    if (value > 3) {
      this.#repeat = [value - 3, repeat[0], repeat[1]];
      return value - 3;
    }
    const index = value - 1 + (literals === 0 ? 1 : 0);
    if (index === 0) return repeat[0];
    const offset = index === 3 ? repeat[0] - 1 : repeat[index] as number;
    if (offset === 0) throw new TableError("a match has no distance");
    this.#repeat = index === 1 ? [offset, repeat[0], repeat[2]] : [offset, repeat[0], repeat[1]];
    return offset;
  }

  #put(used: number, literals: number, offset: number, match: number, outEnd: number): void {
    const history = this.#history;
    const { position } = history;
    if (used + literals > this.#literalCount || position + literals + match > outEnd) {
      throw new TableError("a sequence is longer than its block");
    }
    const { bytes } = history;
    for (let at = 0; at < literals; at++) {
      bytes[position + at] = this.#literals[used + at] as number;
    }
    history.position = position + literals;
    if (offset > history.position) {
      throw new TableError("a match reaches back before the start of the window");
    }
    history.copy(offset, match);
  }

  /** The literals behind the last sequence. */
  #finish(used: number, outEnd: number): void {
    const history = this.#history;
    const rest = this.#literalCount - used;
    if (history.position + rest > outEnd) throw new TableError("a block is longer than allowed");
    history.append(this.#literals.subarray(used, this.#literalCount));
  }
}

/** Up to 31 bits. */
function wide(bits: BackwardBits, count: number): number {
  if (count <= 16) return bits.read(count);
  const high = bits.read(count - 16);
  return high * 65536 + bits.read(16);
}
