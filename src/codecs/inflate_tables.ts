/**
 * Huffman tables of deflate, RFC 1951 sections 3.2.2 and 3.2.7.
 *
 * @module
 */

/** Codes of up to `bits` bits are found at once, longer ones through a second table. */
export interface HuffmanTable {
  readonly bits: number;
  readonly mask: number;
  /**
   * `symbol << 4 | length`, 0 where no code is; negative: `~(start << 4 | bits)` of a second table.
   */
  readonly entries: Int32Array;
}

const FIRST_BITS = 10;

/**
 * The table for code lengths. A set that is over-subscribed is refused; one that is incomplete is
 * refused as zlib does, apart from a distance set of one code or none.
 *
 * @throws RangeError when the lengths make no prefix code
 */
export function decodeTable(lengths: Uint8Array, kind: string): HuffmanTable {
  const counts = new Uint16Array(16);
  let longest = 0;
  for (const length of lengths) {
    counts[length] = (counts[length] as number) + 1;
    if (length > longest) longest = length;
  }
  checkComplete(counts, longest, kind);
  const next = new Uint16Array(17);
  for (let length = 1, code = 0; length <= 15; length++) {
    next[length] = code;
    code = (code + (counts[length] as number)) << 1;
  }
  const bits = Math.min(FIRST_BITS, Math.max(longest, 1));
  const second = Math.max(0, longest - bits);
  const entries: number[] = new Array(1 << bits).fill(0);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const code = reverse(next[length] as number, length);
    next[length] = (next[length] as number) + 1;
    const entry = (symbol << 4) | length;
    if (length <= bits) {
      for (let at = code; at < 1 << bits; at += 1 << length) entries[at] = entry;
    } else {
      const first = code & ((1 << bits) - 1);
      let link = entries[first] as number;
      if (link === 0) {
        link = ~((entries.length << 4) | second);
        entries[first] = link;
        for (let i = 0; i < 1 << second; i++) entries.push(0);
      }
      const start = ~link >>> 4;
      for (let at = code >>> bits; at < 1 << second; at += 1 << (length - bits)) {
        entries[start + at] = entry;
      }
    }
  }
  return { bits, mask: (1 << bits) - 1, entries: Int32Array.from(entries) };
}

function checkComplete(counts: Uint16Array, longest: number, kind: string): void {
  let left = 1;
  for (let length = 1; length <= 15; length++) {
    left = left * 2 - (counts[length] as number);
    if (left < 0) throw new RangeError(`the ${kind} codes overlap`);
  }
  if (left > 0 && (kind === "code-length" || longest > 1) && longest > 0) {
    throw new RangeError(`the ${kind} codes are incomplete`);
  }
  if (longest === 0 && kind === "code-length") throw new RangeError(`there are no ${kind} codes`);
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let i = 0; i < length; i++) reversed |= ((code >>> i) & 1) << (length - 1 - i);
  return reversed;
}

/** The order in which the lengths of the code-length codes stand. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

/**
 * Reads the header of a dynamic block. As lenient as the most lenient loader (miniz): up to 288
 * literal and 32 distance codes, with or without an end-of-block code.
 *
 * @param take gives the next bits as a number
 * @throws RangeError when the header is wrong; whatever `take` throws
 */
export function readCodeLengths(
  take: (bits: number) => number,
): { literals: Uint8Array; distances: Uint8Array } {
  const literalCount = take(5) + 257;
  const distanceCount = take(5) + 1;
  const codeCount = take(4) + 4;
  const codeLengths = new Uint8Array(19);
  for (const symbol of ORDER.slice(0, codeCount)) codeLengths[symbol] = take(3);
  const table = decodeTable(codeLengths, "code-length");
  const lengths = new Uint8Array(literalCount + distanceCount);
  for (let at = 0; at < lengths.length;) {
    const symbol = readSymbol(table, take);
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) throw new RangeError("a repetition has nothing to repeat");
    const value = symbol === 16 ? lengths[at - 1] as number : 0;
    const repeat = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
    if (at + repeat > lengths.length) throw new RangeError("a repetition is too long");
    lengths.fill(value, at, at + repeat);
    at += repeat;
  }
  return { literals: lengths.slice(0, literalCount), distances: lengths.slice(literalCount) };
}

/** Bit by bit: only headers are read this way. */
function readSymbol(table: HuffmanTable, take: (bits: number) => number): number {
  let code = 0;
  for (let length = 1; length <= 7; length++) {
    code |= take(1) << (length - 1);
    const entry = table.entries[code & table.mask] as number;
    if ((entry & 15) === length) return entry >>> 4;
  }
  throw new RangeError("a code-length code does not exist");
}
