/**
 * Numbers that look random and are the same each time.
 *
 * @module
 */

/**
 * Gives a generator of numbers from 0 up to, not including, 1: mulberry32, 32 bits of state.
 *
 * @param seed any 32-bit number
 */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
