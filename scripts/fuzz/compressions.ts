/**
 * A pickle spread over compressed streams one behind the other, as decompressors put them together: xz
 * with stored chunks, LZMA of nothing but literals, gzip; with empty streams and padding between.
 * https://tukaani.org/xz/xz-file-format.txt; the LZMA specification of the LZMA SDK
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { crc32 } from "../../src/codecs/checksums/crc32.ts";
import { big, HARMFUL_PICKLES, HARMLESS_PICKLE, join, little } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

const checked = (bytes: Uint8Array): Uint8Array => join(bytes, little(4, crc32(bytes)));

/** An xz stream without a check, of one block with one stored chunk; of no block for nothing. */
export function xzStream(data: Uint8Array): Uint8Array {
  const flags = join([0, 0]);
  const header = join([0xfd], "7zXZ", [0], flags, little(4, crc32(flags)));
  const blockHeader = checked(join([2, 0, 0x21, 1, 0, 0, 0, 0]));
  const chunk = join([1], big(2, data.length - 1), data, [0]);
  const padded = join(chunk, new Uint8Array((4 - chunk.length % 4) % 4));
  const empty = data.length === 0;
  const records = empty
    ? [0]
    : join([1], multibyte(blockHeader.length + chunk.length), multibyte(data.length));
  const listed = join([0], records);
  const index = checked(join(listed, new Uint8Array((4 - listed.length % 4) % 4)));
  const footer = join(little(4, index.length / 4 - 1), flags);
  return join(
    header,
    empty ? [] : join(blockHeader, padded),
    index,
    little(4, crc32(footer)),
    footer,
    "YZ",
  );
}

/** A number in groups of seven bits, the lowest first. */
function multibyte(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest >>= 7) {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Uint8Array.from(bytes);
}

/** The range coder, with adaptive probabilities by name. */
class RangeEncoder {
  readonly #bytes: number[] = [];
  readonly #probabilities = new Map<string, number>();
  #low = 0;
  #range = 0xffff_ffff;
  #cache = 0;
  #pending = 1;

  bit(name: string, bit: number): void {
    const probability = this.#probabilities.get(name) ?? 1024;
    const bound = (this.#range >>> 11) * probability;
    if (bit === 0) this.#range = bound;
    else {
      this.#low += bound;
      this.#range -= bound;
    }
    const next = bit === 0
      ? probability + ((2048 - probability) >> 5)
      : probability - (probability >> 5);
    this.#probabilities.set(name, next);
    this.#normalise();
  }

  /** A number as a way down a tree, the highest bit first. */
  tree(name: string, bits: number, value: number): void {
    let node = 1;
    for (let at = bits - 1; at >= 0; at--) {
      const bit = (value >> at) & 1;
      this.bit(`${name}${node}`, bit);
      node = node * 2 + bit;
    }
  }

  /** Ones, each as likely as a zero. */
  ones(count: number): void {
    for (let at = 0; at < count; at++) {
      this.#range >>>= 1;
      this.#low += this.#range;
      this.#normalise();
    }
  }

  #normalise(): void {
    while (this.#range < 0x100_0000) {
      this.#range = (this.#range << 8) >>> 0;
      this.#shift();
    }
  }

  #shift(): void {
    if (this.#low < 0xff00_0000 || this.#low > 0xffff_ffff) {
      const carry = this.#low > 0xffff_ffff ? 1 : 0;
      for (let byte = this.#cache; this.#pending > 0; this.#pending--, byte = 0xff) {
        this.#bytes.push((byte + carry) & 0xff);
      }
      this.#cache = (this.#low >>> 24) & 0xff;
    }
    this.#pending++;
    this.#low = ((this.#low & 0x00ff_ffff) << 8) >>> 0;
  }

  finish(): Uint8Array {
    for (let at = 0; at < 5; at++) this.#shift();
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * An LZMA-alone stream of literals.
 *
 * @param dictionary stated in the header
 * @param marked whether the length is left to a mark at the end
 */
export function lzmaStream(data: Uint8Array, dictionary: number, marked: boolean): Uint8Array {
  const coder = new RangeEncoder();
  for (const byte of data) {
    coder.bit("match", 0);
    coder.tree("literal", 8, byte);
  }
  if (marked) {
    // A match of the shortest length at the greatest distance.
    coder.bit("match", 1);
    coder.bit("repeat", 0);
    coder.bit("length", 0);
    coder.tree("low", 3, 0);
    coder.tree("slot", 6, 63);
    coder.ones(26);
    coder.tree("align", 4, 15);
  }
  // Neither literal contexts nor positions count: properties 0.
  const size = marked ? little(8, -1) : little(8, data.length);
  return join([0], little(4, dictionary), size, coder.finish());
}

/** One stream of some kind. */
function stream(data: Uint8Array, dice: Dice, kind: string): Uint8Array {
  if (kind === "gzip") return new Uint8Array(gzipSync(data));
  if (dice.chance(1, 2)) return xzStream(data);
  const dictionary = dice.pick([0, 1, 4096, 6144, 65_536, 5, 0xffff_ffff]);
  return lzmaStream(data, dictionary, dice.chance(1, 2));
}

/** A pickle in pieces, each a stream of its own. */
export function splitCompression(dice: Dice): Generated {
  const pickle = dice.pick([...HARMFUL_PICKLES, HARMLESS_PICKLE]);
  const kind = dice.pick(["gzip", "lzma", "lzma"]);
  const pieces: Uint8Array[] = [];
  let from = 0;
  while (from < pickle.length) {
    const to = Math.min(pickle.length, from + 1 + dice.below(pickle.length));
    pieces.push(stream(pickle.subarray(from, to), dice, kind));
    if (dice.chance(1, 6)) pieces.push(stream(new Uint8Array(), dice, kind));
    if (dice.chance(1, 8)) pieces.push(new Uint8Array(dice.pick([1, 4, 8])));
    from = to;
  }
  const name = dice.pick(
    kind === "gzip" ? ["m.pkl.gz", "noname"] : ["m.pkl.xz", "m.joblib", "noname"],
  );
  return { name, bytes: join(...pieces) };
}
