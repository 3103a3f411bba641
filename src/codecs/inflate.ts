/**
 * Inflate, RFC 1951, as a state machine that never waits and never grows: input is pushed in,
 * output is taken out in chunks of 64 KiB at most.
 *
 * Why not the platform's `DecompressionStream`: a loader runs what was decoded before a stream
 * breaks, and the platform's stream drops that output when it meets the error; it also refuses
 * bytes behind the end and does not say where the end was, which zip members of unknown length
 * and gzip members in a row need. This one gives all output before its error, and counts.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { decodeTable, type HuffmanTable, readCodeLengths } from "./inflate_tables.ts";

const WINDOW_BYTES = 32 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** The longest match. */
const MATCH_BYTES = 258;
/** Room for a whole dynamic header: 17 + 19·3 + 320·14 bits. */
const HEADER_BYTES = 576;
/** A length and distance pair has at most 48 bits; two bytes lie in the bit buffer at most. */
const SYMBOL_BYTES = 8;

type State = "block" | "stored" | "symbols" | "done";

// Base values and extra bits of length codes 257… and distance codes 0… (RFC 1951 section 3.2.5).
const LENGTH_BASE = Uint16Array.of(
  ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115],
  ...[131, 163, 195, 227, 258],
);
const LENGTH_EXTRA = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
);
const DISTANCE_BASE = Uint16Array.of(
  ...[1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537],
  ...[2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577],
);
const DISTANCE_EXTRA = Uint8Array.of(
  ...[0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12],
  ...[13, 13],
);

let fixed: { literals: HuffmanTable; distances: HuffmanTable } | undefined;

/** The tables of block type 1 (RFC 1951 section 3.2.6). */
function fixedTables(): { literals: HuffmanTable; distances: HuffmanTable } {
  if (fixed === undefined) {
    const lengths = new Uint8Array(288).fill(8);
    lengths.fill(9, 144, 256).fill(7, 256, 280);
    fixed = {
      literals: decodeTable(lengths, "literal"),
      distances: decodeTable(new Uint8Array(32).fill(5), "distance"),
    };
  }
  return fixed;
}

/** A deflate stream being decoded. */
export class Inflater {
  #state: State = "block";
  #input = new Uint8Array(0);
  #at = 0;
  #final = false;
  #bits = 0;
  #bitCount = 0;
  /** Input bytes before `#input`. */
  #before = 0;
  readonly #out = new Uint8Array(WINDOW_BYTES + CHUNK_BYTES + MATCH_BYTES);
  /** End of what is decoded, and of what was handed out, in `#out`. */
  #end = 0;
  #given = 0;
  /** Bytes handed out and slid away; with `#end` the reach of a distance. */
  #slid = 0;
  #lastBlock = false;
  #starved = false;
  #storedLeft = 0;
  #literals: HuffmanTable = fixedTables().literals;
  #distances: HuffmanTable = fixedTables().distances;
  #fault: FormatError | undefined;

  /** True once the last block has ended and all output was taken. */
  get ended(): boolean {
    return this.#state === "done" && this.#given === this.#end;
  }

  /** True once the stream turned out to be cut off. */
  get starved(): boolean {
    return this.#starved;
  }

  /** Input bytes used up, whole bytes counted; at the end, the length of the deflate stream. */
  get consumed(): number {
    return this.#before + this.#at - (this.#bitCount >> 3);
  }

  /** Bytes handed out so far. */
  get produced(): number {
    return this.#slid + this.#given;
  }

  /**
   * Adds input.
   *
   * @param final true when no more will come
   */
  push(input: Uint8Array, final: boolean): void {
    const rest = this.#input.subarray(this.#at);
    if (rest.length === 0) {
      this.#input = input.slice();
    } else {
      const joined = new Uint8Array(rest.length + input.length);
      joined.set(rest);
      joined.set(input, rest.length);
      this.#input = joined;
    }
    this.#before += this.#at;
    this.#at = 0;
    this.#final = final;
  }

  /** Bytes pushed but not used: what follows the stream, once it has ended. */
  rest(): Uint8Array {
    return this.#input.subarray(this.#at - (this.#bitCount >> 3));
  }

  /**
   * The next output, a copy that is the caller's; undefined when more input is needed or the
   * stream has ended.
   *
   * @throws FormatError when the stream is corrupt or cut off, once all output before is taken;
   * the offset counts from the start of the stream
   */
  take(): Uint8Array | undefined {
    if (this.#fault === undefined) {
      try {
        this.#run();
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        this.#fault = error;
      }
    }
    if (this.#end > this.#given) {
      const chunk = this.#out.slice(this.#given, this.#end);
      this.#given = this.#end;
      this.#slide();
      return chunk;
    }
    if (this.#fault !== undefined) throw this.#fault;
    return undefined;
  }

  #slide(): void {
    const drop = this.#end - WINDOW_BYTES;
    if (drop < WINDOW_BYTES) return;
    this.#out.copyWithin(0, drop, this.#end);
    this.#slid += drop;
    this.#end -= drop;
    this.#given -= drop;
  }

  /** Decodes until a chunk is full or input runs short. */
  #run(): void {
    for (;;) {
      if (this.#end - this.#given >= CHUNK_BYTES || this.#state === "done") return;
      if (this.#end >= WINDOW_BYTES + CHUNK_BYTES) return;
      if (this.#state === "block") {
        if (this.#short(HEADER_BYTES)) return;
        this.#block();
      } else if (this.#state === "stored") {
        if (!this.#stored()) return;
      } else if (!this.#symbols()) {
        return;
      }
    }
  }

  /** True when fewer than `bytes` are at hand and more may come. */
  #short(bytes: number): boolean {
    return !this.#final && this.#input.length - this.#at < bytes;
  }

  #cutOff(): FormatError {
    this.#starved = true;
    return this.#fail("the stream is cut off");
  }

  #fail(why: string): FormatError {
    return new FormatError(`Cannot inflate: ${why}`, this.consumed);
  }

  #need(count: number): void {
    while (this.#bitCount < count) {
      const byte = this.#input[this.#at];
      if (byte === undefined) throw this.#cutOff();
      this.#bits |= byte << this.#bitCount;
      this.#bitCount += 8;
      this.#at++;
    }
  }

  readonly #take = (count: number): number => {
    this.#need(count);
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  };

  #block(): void {
    this.#lastBlock = this.#take(1) === 1;
    const type = this.#take(2);
    if (type === 0) {
      this.#take(this.#bitCount & 7);
      const length = this.#take(16);
      // The complement's 16 bits and the length's make 32; taken one after the other.
      const complement = this.#take(16);
      if ((length ^ complement) !== 0xffff) throw this.#fail("a stored block's length is wrong");
      this.#storedLeft = length;
      this.#state = "stored";
    } else if (type === 1) {
      ({ literals: this.#literals, distances: this.#distances } = fixedTables());
      this.#state = "symbols";
    } else if (type === 2) {
      this.#dynamic();
      this.#state = "symbols";
    } else {
      throw this.#fail("block type 3 does not exist");
    }
  }

  #dynamic(): void {
    try {
      const { literals, distances } = readCodeLengths(this.#take);
      this.#literals = decodeTable(literals, "literal");
      this.#distances = decodeTable(distances, "distance");
    } catch (error) {
      if (error instanceof RangeError) throw this.#fail(error.message);
      throw error;
    }
  }

  #endBlock(): void {
    this.#state = this.#lastBlock ? "done" : "block";
    if (!this.#lastBlock) return;
    // Give whole bytes back, so that what follows the stream is not lost.
    this.#at -= this.#bitCount >> 3;
    this.#bits = 0;
    this.#bitCount = 0;
  }

  #stored(): boolean {
    // Whole bytes that wait in the bit buffer come first.
    while (this.#storedLeft > 0 && this.#bitCount >= 8) {
      this.#out[this.#end++] = this.#take(8);
      this.#storedLeft--;
    }
    const room = WINDOW_BYTES + CHUNK_BYTES - this.#end;
    const count = Math.min(this.#storedLeft, room, this.#input.length - this.#at);
    this.#out.set(this.#input.subarray(this.#at, this.#at + count), this.#end);
    this.#at += count;
    this.#end += count;
    this.#storedLeft -= count;
    if (this.#storedLeft === 0) {
      this.#endBlock();
      return true;
    }
    if (count === room) return true;
    if (this.#final) throw this.#cutOff();
    return false;
  }

  /** Decodes symbols of one block; false when input runs short. */
  #symbols(): boolean {
    const input = this.#input;
    const out = this.#out;
    const literals = this.#literals;
    const distances = this.#distances;
    const limit = WINDOW_BYTES + CHUNK_BYTES;
    const safe = input.length - SYMBOL_BYTES;
    while (this.#end < limit) {
      if (this.#at > safe && this.#short(SYMBOL_BYTES)) return false;
      let symbol = this.#symbol(literals);
      if (symbol < 256) {
        out[this.#end++] = symbol;
        continue;
      }
      if (symbol === 256) {
        this.#endBlock();
        return true;
      }
      symbol -= 257;
      const base = LENGTH_BASE[symbol];
      if (base === undefined) throw this.#fail("a length code does not exist");
      this.#copy(base + this.#take(LENGTH_EXTRA[symbol] as number), this.#symbol(distances));
    }
    return true;
  }

  #copy(length: number, code: number): void {
    const base = DISTANCE_BASE[code];
    if (base === undefined) throw this.#fail("a distance code does not exist");
    const distance = base + this.#take(DISTANCE_EXTRA[code] as number);
    const out = this.#out;
    let to = this.#end;
    if (distance > to) throw this.#fail("a distance reaches before the start");
    let from = to - distance;
    if (distance >= length && length > 16) {
      out.copyWithin(to, from, from + length);
    } else {
      for (const end = to + length; to < end;) out[to++] = out[from++] as number;
    }
    this.#end += length;
  }

  #symbol(table: HuffmanTable): number {
    let bits = this.#bits;
    let count = this.#bitCount;
    while (count < 15 && this.#at < this.#input.length) {
      bits |= (this.#input[this.#at++] as number) << count;
      count += 8;
    }
    let entry = table.entries[bits & table.mask] as number;
    if (entry < 0) {
      const sub = ~entry;
      entry = table
        .entries[(sub >>> 4) + ((bits >>> table.bits) & ((1 << (sub & 15)) - 1))] as number;
    }
    const length = entry & 15;
    this.#bits = bits;
    this.#bitCount = count;
    if (length === 0) throw this.#fail("a code does not exist");
    if (length > count) throw this.#cutOff();
    this.#bits = bits >>> length;
    this.#bitCount = count - length;
    return entry >>> 4;
  }
}
