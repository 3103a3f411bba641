/**
 * Seeded pseudo-random numbers: the same on every machine and under every runtime.
 *
 * @module
 */

import { type Arbitrary, sample } from "fast-check";

/** A generator of pseudo-random numbers: sfc32 of PractRand, 128 bits of state. */
export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param words the seed: numbers and texts, in order */
  constructor(...words: readonly (number | string)[]) {
    const text = words.join("\0");
    [this.#a, this.#b, this.#c] = [hash(text, 1), hash(text, 2), hash(text, 3)];
    for (let at = 0; at < 12; at++) this.word();
  }

  /** 32 bits, as an unsigned number. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 up to, but not including, `bound`; 0 when there is nothing to choose. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.word() % bound;
  }

  /** True in `times` of `of` cases. */
  chance(times: number, of: number): boolean {
    return this.below(of) < times;
  }

  /**
   * One of several.
   *
   * @throws RangeError when there are none
   */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("Cannot pick from an empty list");
    return from[this.below(from.length)] as T;
  }

  /** Bytes without meaning. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() & 0xff);
  }

  /** The value of fast-check's arbitrary for the next random number. */
  sample<T>(arbitrary: Arbitrary<T>): T {
    return sample(arbitrary, { seed: this.word() | 0, numRuns: 1 })[0] as T;
  }
}

/** FNV-1a over UTF-16 units, finished as in MurmurHash3. */
function hash(text: string, salt: number): number {
  let state = 0x811c9dc5 ^ salt;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}
