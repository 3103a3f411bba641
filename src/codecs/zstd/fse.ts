/**
 * The entropy tables of zstandard: finite state entropy and Huffman, RFC 8878 sections 4.1 and 4.2.
 *
 * @module
 */

/** Thrown for a table that contradicts itself; the decoder says where. */
export class TableError extends Error {}

/** For each state the symbol, the bits to read, and what to add to them for the next state. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A table that always gives one symbol. */
export function singleSymbol(symbol: number): FseTable {
  return {
    log: 0,
    symbols: Uint8Array.of(symbol),
    bits: Uint8Array.of(0),
    bases: Uint16Array.of(0),
  };
}

/**
 * Spreads symbols over a table, section 4.1.1.
 *
 * @param counts of states for each symbol; -1 for one that is "less than one"
 */
export function buildFse(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = counts.map((count) => count === -1 ? 1 : count);
  let high = size - 1;
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[high--] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  counts.forEach((count, symbol) => {
    for (let at = 0; at < count; at++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1); while (position > high);
    }
  });
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number;
    const count = next[symbol] as number;
    next[symbol] = count + 1;
    const width = log - (31 - Math.clz32(count));
    bits[state] = width;
    bases[state] = (count << width) - size;
  }
  return { log, symbols, bits, bases };
}

/**
 * Reads a table's counts, section 4.1.1.
 *
 * @param mostLog accuracy at most
 * @param mostSymbol the highest symbol that may occur
 * @returns the table and the bytes that it used
 * @throws TableError when it contradicts itself
 */
export function readFse(
  bytes: Uint8Array,
  from: number,
  end: number,
  mostLog: number,
  mostSymbol: number,
): { table: FseTable; used: number } {
  let bit = from * 8;
  const peek = (count: number): number => {
    let value = 0;
    for (let at = 0; at < count; at++) {
      const byte = (bit + at) >>> 3;
      if (byte < end) value |= (((bytes[byte] as number) >>> ((bit + at) & 7)) & 1) << at;
    }
    return value;
  };
  const read = (count: number): number => {
    const value = peek(count);
    bit += count;
    if (bit > end * 8) throw new TableError("an FSE table is cut off");
    return value;
  };
  const log = read(4) + 5;
  if (log > mostLog) throw new TableError("an FSE table is too large");
  const counts: number[] = [];
  let remaining = (1 << log) + 1;
  while (remaining > 1) {
    // Values below a threshold need one bit less.
    const width = 32 - Math.clz32(remaining);
    const small = (1 << width) - 1 - remaining;
    let value = peek(width - 1);
    if (value < small) {
      read(width - 1);
    } else {
      value = read(width);
      if (value >= 1 << (width - 1)) value -= small;
    }
    const count = value - 1;
    counts.push(count);
    remaining -= Math.abs(count);
    if (count === 0) {
      for (let repeat = 3; repeat === 3;) {
        repeat = read(2);
        for (let at = 0; at < repeat; at++) counts.push(0);
        if (counts.length > mostSymbol + 1) break;
      }
    }
    if (counts.length > mostSymbol + 1) throw new TableError("an FSE table has too many symbols");
  }
  if (remaining !== 1) throw new TableError("an FSE table does not add up");
  return { table: buildFse(counts, log), used: Math.ceil(bit / 8) - from };
}

/** Bits read from the end of a run of bytes to its start, section 4.1.2. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Bits before the position that have not been read; negative when too many were. */
  left: number;

  /** @throws TableError when the last byte has no mark */
  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1] as number : 0;
    if (last === 0) throw new TableError("a bit stream has no end mark");
    this.#bytes = bytes;
    this.#start = start;
    this.left = (end - start) * 8 - (Math.clz32(last) - 24) - 1;
  }

  /** At most 25 bits; zeros behind the start. */
  read(count: number): number {
    this.left -= count;
    return this.#at(this.left, count);
  }

  /** The same without going on. */
  peek(count: number): number {
    return this.#at(this.left - count, count);
  }

  #at(position: number, count: number): number {
    if (count === 0) return 0;
    let skip = 0;
    if (position < 0) {
      skip = -position;
      if (skip >= count) return 0;
      position = 0;
    }
    const byte = this.#start + (position >>> 3);
    const bytes = this.#bytes;
    const word = (bytes[byte] as number) | ((bytes[byte + 1] ?? 0) << 8) |
      ((bytes[byte + 2] ?? 0) << 16) | ((bytes[byte + 3] ?? 0) << 24);
    const width = count - skip;
    return ((word >>> (position & 7)) & ((1 << width) - 1)) << skip;
  }
}

/** A Huffman code as one table: symbol and length for each value of `log` bits. */
export interface HuffmanCode {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

const LONGEST_CODE = 11;
const WEIGHTS_LOG = 6;
const LONGEST_WEIGHT = 11;

/**
 * Reads a Huffman code, section 4.2.1.
 *
 * @returns the code and the bytes that it used
 * @throws TableError when it contradicts itself
 */
export function readHuffman(
  bytes: Uint8Array,
  from: number,
  end: number,
): { code: HuffmanCode; used: number } {
  if (from >= end) throw new TableError("a Huffman table is cut off");
  const header = bytes[from] as number;
  if (header >= 128) {
    const count = header - 127;
    const size = Math.ceil(count / 2);
    if (from + 1 + size > end) throw new TableError("a Huffman table is cut off");
    const weights = Array.from({ length: count }, (_, at) => {
      const byte = bytes[from + 1 + (at >> 1)] as number;
      return at % 2 === 0 ? byte >>> 4 : byte & 15;
    });
    return { code: buildHuffman(weights), used: 1 + size };
  }
  if (from + 1 + header > end) throw new TableError("a Huffman table is cut off");
  return { code: buildHuffman(codedWeights(bytes, from + 1, from + 1 + header)), used: 1 + header };
}

/** Weights in an FSE table of their own, with two states in turn. */
function codedWeights(bytes: Uint8Array, from: number, end: number): number[] {
  const { table, used } = readFse(bytes, from, end, WEIGHTS_LOG, LONGEST_WEIGHT);
  const bits = new BackwardBits(bytes, from + used, end);
  const states = [bits.read(table.log), bits.read(table.log)];
  if (bits.left < 0) throw new TableError("Huffman weights are cut off");
  const weights: number[] = [];
  for (let turn = 0;; turn ^= 1) {
    const state = states[turn] as number;
    weights.push(table.symbols[state] as number);
    states[turn] = (table.bases[state] as number) + bits.read(table.bits[state] as number);
    if (bits.left < 0) {
      weights.push(table.symbols[states[turn ^ 1] as number] as number);
      return weights;
    }
    if (weights.length > 254) throw new TableError("there are too many Huffman weights");
  }
}

/** The last weight is what is missing to a power of two. */
function buildHuffman(weights: number[]): HuffmanCode {
  let sum = 0;
  for (const weight of weights) sum += weight === 0 ? 0 : 2 ** (weight - 1);
  if (sum === 0) throw new TableError("a Huffman table is empty");
  const log = 32 - Math.clz32(sum);
  const missing = 2 ** log - sum;
  const last = Math.log2(missing);
  if (log > LONGEST_CODE || !Number.isInteger(last)) {
    throw new TableError("a Huffman table does not add up");
  }
  const all = [...weights, last + 1];
  const symbols = new Uint8Array(1 << log);
  const lengths = new Uint8Array(1 << log);
  let position = 0;
  for (let weight = 1; weight <= log; weight++) {
    all.forEach((one, symbol) => {
      if (one !== weight) return;
      const span = 1 << (weight - 1);
      symbols.fill(symbol, position, position + span);
      lengths.fill(log + 1 - weight, position, position + span);
      position += span;
    });
  }
  return { log, symbols, lengths };
}
