/**
 * The checksums of lz4 (XXH32) and zstandard (XXH64), incremental, with seed 0:
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 *
 * @module
 */

const P32 = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;

/** XXH32. */
export class XxHash32 {
  #a = (P32[0] + P32[1]) | 0;
  #b = P32[1] | 0;
  #c = 0;
  #d = -P32[0] | 0;
  #total = 0;
  readonly #rest = new Uint8Array(16);

  update(bytes: Uint8Array): void {
    eachStripe(bytes, this.#rest, this.#total, (stripe, at) => {
      this.#a = round32(this.#a, read32(stripe, at));
      this.#b = round32(this.#b, read32(stripe, at + 4));
      this.#c = round32(this.#c, read32(stripe, at + 8));
      this.#d = round32(this.#d, read32(stripe, at + 12));
    });
    this.#total += bytes.length;
  }

  digest(): number {
    let hash = this.#total >= 16
      ? rotate(this.#a, 1) + rotate(this.#b, 7) + rotate(this.#c, 12) + rotate(this.#d, 18)
      : P32[4];
    hash = (hash + this.#total) | 0;
    const rest = this.#rest.subarray(0, this.#total % 16);
    let at = 0;
    for (; at + 4 <= rest.length; at += 4) {
      hash = Math.imul(rotate((hash + Math.imul(read32(rest, at), P32[2])) | 0, 17), P32[3]);
    }
    for (; at < rest.length; at++) {
      hash = Math.imul(
        rotate((hash + Math.imul(rest[at] as number, P32[4])) | 0, 11),
        P32[0],
      );
    }
    hash = Math.imul(hash ^ (hash >>> 15), P32[1]);
    hash = Math.imul(hash ^ (hash >>> 13), P32[2]);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

/** Calls `take` for every complete stripe; the remainder stays in `rest`. */
function eachStripe(
  bytes: Uint8Array,
  rest: Uint8Array,
  before: number,
  take: (bytes: Uint8Array, at: number) => void,
): void {
  const size = rest.length;
  const held = before % size;
  let at = 0;
  if (held > 0) {
    at = Math.min(size - held, bytes.length);
    rest.set(bytes.subarray(0, at), held);
    if (held + at < size) return;
    take(rest, 0);
  }
  for (; at + size <= bytes.length; at += size) take(bytes, at);
  rest.set(bytes.subarray(at));
}

function round32(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, P32[1])) | 0, 13), P32[0]);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

/** A 64-bit number in two halves, changed in place: there is no other way to be fast. */
class Word {
  high: number;
  low: number;

  constructor(high: number, low: number) {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
    return this;
  }

  multiply(high: number, low: number): this {
    const a = this.low;
    this.high =
      (multiplyHigh(a >>> 0, low >>> 0) + Math.imul(this.high, low) + Math.imul(a, high)) | 0;
    this.low = Math.imul(a, low);
    return this;
  }

  rotate(bits: number): this {
    let { high, low } = this;
    if (bits >= 32) [high, low] = [low, high];
    const by = bits % 32;
    if (by > 0) {
      [high, low] = [(high << by) | (low >>> (32 - by)), (low << by) | (high >>> (32 - by))];
    }
    this.high = high;
    this.low = low;
    return this;
  }

  xor(high: number, low: number): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  /** XOR with itself shifted right. */
  fold(bits: number): this {
    const { high, low } = this;
    return bits >= 32
      ? this.xor(0, bits === 32 ? high : high >>> (bits - 32))
      : this.xor(high >>> bits, (low >>> bits) | (high << (32 - bits)));
  }

  round(high: number, low: number): this {
    const word = SCRATCH;
    word.high = high;
    word.low = low;
    word.multiply(...P64[1]);
    return this.add(word.high, word.low).rotate(31).multiply(...P64[0]);
  }
}

type Halves = readonly [high: number, low: number];

const P64: readonly [Halves, Halves, Halves, Halves, Halves] = [
  [0x9e3779b1, 0x85ebca87],
  [0xc2b2ae3d, 0x27d4eb4f],
  [0x165667b1, 0x9e3779f9],
  [0x85ebca77, 0xc2b2ae63],
  [0x27d4eb2f, 0x165667c5],
];
const SCRATCH = new Word(0, 0);

/** The upper 32 bits of a product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle % 0x10000);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) | 0;
}

/** XXH64. */
export class XxHash64 {
  readonly #lanes = [
    new Word(...P64[0]).add(...P64[1]),
    new Word(...P64[1]),
    new Word(0, 0),
    new Word(~P64[0][0], ~P64[0][1]).add(0, 1),
  ];
  #total = 0;
  readonly #rest = new Uint8Array(32);

  update(bytes: Uint8Array): void {
    eachStripe(bytes, this.#rest, this.#total, (stripe, at) => {
      for (const lane of this.#lanes) {
        lane.round(read32(stripe, at + 4), read32(stripe, at));
        at += 8;
      }
    });
    this.#total += bytes.length;
  }

  /** The lower 32 bits, which are all that zstandard keeps. */
  digestLow(): number {
    const hash = this.#merged().add(Math.floor(this.#total / 2 ** 32), this.#total | 0);
    const rest = this.#rest.subarray(0, this.#total % 32);
    let at = 0;
    for (; at + 8 <= rest.length; at += 8) {
      const word = new Word(0, 0).round(read32(rest, at + 4), read32(rest, at));
      hash.xor(word.high, word.low).rotate(27).multiply(...P64[0]).add(...P64[3]);
    }
    if (at + 4 <= rest.length) {
      const word = new Word(0, read32(rest, at)).multiply(...P64[0]);
      hash.xor(word.high, word.low).rotate(23).multiply(...P64[1]).add(...P64[2]);
      at += 4;
    }
    for (; at < rest.length; at++) {
      const word = new Word(0, rest[at] as number).multiply(...P64[4]);
      hash.xor(word.high, word.low).rotate(11).multiply(...P64[0]);
    }
    hash.fold(33).multiply(...P64[1]).fold(29).multiply(...P64[2]).fold(32);
    return hash.low >>> 0;
  }

  #merged(): Word {
    if (this.#total < 32) return new Word(...P64[4]);
    const hash = new Word(0, 0);
    [1, 7, 12, 18].forEach((bits, index) => {
      const lane = this.#lanes[index] as Word;
      const turned = new Word(lane.high, lane.low).rotate(bits);
      hash.add(turned.high, turned.low);
    });
    for (const lane of this.#lanes) {
      const word = new Word(0, 0).round(lane.high, lane.low);
      hash.xor(word.high, word.low).multiply(...P64[0]).add(...P64[3]);
    }
    return hash;
  }
}
