/**
 * LZMA: the decoder behind `.lzma` files, xz, lzip and zip's method 14. Igor Pavlov, LZMA specification
 * (draft), in the LZMA SDK, https://www.7-zip.org/sdk.html
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { ByteReader } from "../streaming/byte_reader.ts";
import type { History } from "../streaming/history.ts";

/** Five bytes set up the range coder. */
export const RANGE_CODER_BYTES = 5;
/** A symbol reads at most 20 bytes. */
const SYMBOL_BYTES = 20;

// Where the probabilities of each kind begin.
const IS_MATCH = 0;
const IS_REP = IS_MATCH + (12 << 4);
const IS_REP_G0 = IS_REP + 12;
const IS_REP_G1 = IS_REP_G0 + 12;
const IS_REP_G2 = IS_REP_G1 + 12;
const IS_REP0_LONG = IS_REP_G2 + 12;
const POSITION_SLOT = IS_REP0_LONG + (12 << 4);
const POSITION_SPECIAL = POSITION_SLOT + (4 << 6);
const POSITION_ALIGN = POSITION_SPECIAL + 115;
const LENGTH = POSITION_ALIGN + 16;
const LENGTH_CODER = 2 + (16 << 3) * 2 + 256;
const REPEAT_LENGTH = LENGTH + LENGTH_CODER;
const LITERAL = REPEAT_LENGTH + LENGTH_CODER;

const HALF = 1024;

/** The three numbers that a stream is tuned with. */
export interface LzmaProperties {
  /** Bits of the previous byte that choose a literal's probabilities. */
  readonly lc: number;
  /** Bits of the position that do. */
  readonly lp: number;
  /** Bits of the position that choose a match's. */
  readonly pb: number;
}

/**
 * Reads the byte that holds all three.
 *
 * @returns undefined when there is no such byte
 */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

/** Why `decode` came back. */
type LzmaPause =
  /** It wrote all that was asked for. */
  | "full"
  /** It wants more input. */
  | "hungry"
  /** The stream said that it ends. */
  | "ended";

/** The state of one stream, decoded in steps. */
export class LzmaDecoder {
  readonly #history: History;
  #probabilities = new Uint16Array(0);
  #lc = 0;
  #literalMask = 0;
  #positionMask = 0;
  #dictionary: number;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  #range = 0;
  #code = 0;
  /** Bytes written since the dictionary was new. */
  #written = 0;
  /** Bytes of a match that did not fit into the last step. */
  #owed = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** @param dictionary bytes that matches may reach back */
  constructor(history: History, dictionary: number) {
    this.#history = history;
    this.#dictionary = dictionary;
  }

  /** Sets the properties, and the state as `resetState` does. */
  setProperties({ lc, lp, pb }: LzmaProperties): void {
    this.#lc = lc;
    this.#literalMask = (1 << lp) - 1;
    this.#positionMask = (1 << pb) - 1;
    this.#probabilities = new Uint16Array(LITERAL + (0x300 << (lc + lp)));
    this.resetState();
  }

  /** True once there are properties. */
  get ready(): boolean {
    return this.#probabilities.length > 0;
  }

  /** Forgets what was learnt. */
  resetState(): void {
    this.#probabilities.fill(HALF);
    this.#state = 0;
    this.#rep0 =
      this.#rep1 =
      this.#rep2 =
      this.#rep3 =
        0;
  }

  /** Forgets what was written. */
  resetDictionary(): void {
    this.#written = 0;
  }

  /** Takes note of bytes that were written without this coder. */
  wrote(count: number): void {
    this.#written += count;
  }

  /** Sets up the range coder with five bytes, which have arrived. */
  startRange(input: ByteReader): void {
    if (input.u8() !== 0) throw input.broken("the range coder does not begin with zero");
    const { bytes, at } = input;
    this.#range = 0xffffffff;
    this.#code = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
    input.at += 4;
  }

  /** True when the range coder is where the end of a stream leaves it. */
  get rangeIsAtEnd(): boolean {
    return this.#code === 0;
  }

  /** True when a match continues beyond the requested length. */
  get owes(): boolean {
    return this.#owed > 0;
  }

  /**
   * Decodes up to `room` bytes, for which there is room in the history.
   *
   * @param endOffset where in `input.bytes` the input of this step ends
   * @param final true when no input follows that
   * @throws FormatError when the stream is broken or its input at an end
   */
  decode(input: ByteReader, room: number, endOffset: number, final: boolean): LzmaPause {
    this.#bytes = input.bytes;
    this.#at = input.at;
    this.#end = endOffset;
    const history = this.#history;
    const stop = history.position + room;
    const safe = final ? endOffset : endOffset - SYMBOL_BYTES;
    try {
      this.#repay(stop);
      while (history.position < stop) {
        if (this.#at > safe) {
          if (final) throw input.cutOff();
          return "hungry";
        }
        if (this.#code >= this.#range) throw input.broken("the range coder is out of range");
        const before = history.position;
        const ended = this.#symbol(input, stop);
        if (this.#at > this.#end) {
          // What came from beyond the end is invented.
          history.position = before;
          this.#at = this.#end;
          throw input.cutOff();
        }
        this.#written += history.position - before;
        if (ended) return "ended";
      }
      return "full";
    } finally {
      input.at = Math.min(this.#at, this.#end);
    }
  }

  /**
   * Uses up the mark at the end, should one follow although the length is known; for both are allowed
   * together. Nothing can be decoded afterwards.
   */
  skipEndMark(input: ByteReader): void {
    const history = this.#history;
    const { at } = input;
    history.reserve(1);
    const { position } = history;
    this.#bytes = input.bytes;
    this.#at = at;
    this.#end = input.end;
    let ended = false;
    try {
      ended = this.#code < this.#range && this.#symbol(input, history.position + 1);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    history.position = position;
    input.at = ended && this.#at <= input.end ? this.#at : at;
  }

  #bit(index: number): 0 | 1 {
    const probabilities = this.#probabilities;
    const probability = probabilities[index] as number;
    const bound = (this.#range >>> 11) * probability;
    let bit: 0 | 1;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + ((2048 - probability) >>> 5);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      probabilities[index] = probability - (probability >>> 5);
      bit = 1;
    }
    if (this.#range < 0x1000000) {
      this.#range *= 256;
      this.#code = this.#code * 256 + (this.#bytes[this.#at++] ?? 0);
    }
    return bit;
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let count = bits; count > 0; count--) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let at = 0; at < bits; at++) {
      const bit = this.#bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << at;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let count = bits; count > 0; count--) {
      this.#range = Math.floor(this.#range / 2);
      value *= 2;
      if (this.#code >= this.#range) {
        this.#code -= this.#range;
        value += 1;
      }
      if (this.#range < 0x1000000) {
        this.#range *= 256;
        this.#code = this.#code * 256 + (this.#bytes[this.#at++] ?? 0);
      }
    }
    return value;
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + 2 + (positionState << 3), 3);
    if (this.#bit(base + 1) === 0) return 10 + this.#tree(base + 130 + (positionState << 3), 3);
    return 18 + this.#tree(base + 258, 8);
  }

  /** One literal or match; true for the end mark. */
  #symbol(input: ByteReader, stop: number): boolean {
    const positionState = this.#written & this.#positionMask;
    const state = this.#state;
    if (this.#bit(IS_MATCH + (state << 4) + positionState) === 0) {
      this.#literal();
      return false;
    }
    let length: number;
    if (this.#bit(IS_REP + state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(LENGTH, positionState);
      this.#rep0 = this.#distance(length);
      this.#state = state < 7 ? 7 : 10;
      if (this.#rep0 === 0xffffffff) return true;
    } else {
      length = this.#repeat(state, positionState);
    }
    const distance = this.#rep0 + 1;
    if (distance > this.#written || distance > Math.max(this.#dictionary, 4096)) {
      input.at = Math.min(this.#at, this.#end);
      throw input.broken("a match reaches back before the start of the dictionary");
    }
    const now = Math.min(length, stop - this.#history.position);
    this.#history.copy(distance, now);
    this.#owed = length - now;
    return false;
  }

  /** Writes what is left of a match. */
  #repay(stop: number): void {
    if (this.#owed === 0) return;
    const now = Math.min(this.#owed, stop - this.#history.position);
    this.#history.copy(this.#rep0 + 1, now);
    this.#written += now;
    this.#owed -= now;
  }

  #literal(): void {
    const history = this.#history;
    const { bytes, position } = history;
    const previous = this.#written > 0 ? bytes[position - 1] as number : 0;
    const context = ((this.#written & this.#literalMask) << this.#lc) +
      (previous >>> (8 - this.#lc));
    const base = LITERAL + 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7 && this.#rep0 < this.#written) {
      let match = bytes[position - this.#rep0 - 1] as number;
      while (symbol < 0x100) {
        const expected = (match >>> 7) & 1;
        match <<= 1;
        const bit = this.#bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    bytes[position] = symbol;
    history.position = position + 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #distance(length: number): number {
    const slot = this.#tree(POSITION_SLOT + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const high = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return high + this.#reverseTree(POSITION_SPECIAL + high - slot, bits);
    return high + this.#direct(bits - 4) * 16 + this.#reverseTree(POSITION_ALIGN, 4);
  }

  /** One of the last four distances again; gives the length. */
  #repeat(state: number, positionState: number): number {
    if (this.#bit(IS_REP_G0 + state) === 0) {
      if (this.#bit(IS_REP0_LONG + (state << 4) + positionState) === 0) {
        this.#state = state < 7 ? 9 : 11;
        return 1;
      }
    } else {
      let distance: number;
      if (this.#bit(IS_REP_G1 + state) === 0) {
        distance = this.#rep1;
      } else {
        if (this.#bit(IS_REP_G2 + state) === 0) {
          distance = this.#rep2;
        } else {
          distance = this.#rep3;
          this.#rep3 = this.#rep2;
        }
        this.#rep2 = this.#rep1;
      }
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
    }
    this.#state = state < 7 ? 8 : 11;
    return this.#length(REPEAT_LENGTH, positionState);
  }
}
