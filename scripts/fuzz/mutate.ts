/**
 * Mutates the bytes of a sample, as faulty tools, disks and attackers do.
 *
 * @module
 */

import { big, BOUNDARIES, join, little } from "./bytes.ts";
import type { Dice } from "./dice.ts";

/** No case grows beyond this. */
const MOST_BYTES = 1 << 20;

type Mutation = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array;

/** A place near the ends as often as in the middle: that is where headers and directories are. */
function place(bytes: Uint8Array, dice: Dice): number {
  const near = 1 << dice.below(11);
  if (dice.chance(1, 3)) return Math.min(bytes.length, dice.below(near));
  if (dice.chance(1, 3)) return Math.max(0, bytes.length - dice.below(near));
  return dice.below(bytes.length + 1);
}

function span(bytes: Uint8Array, dice: Dice): [number, number] {
  const from = place(bytes, dice);
  return [from, Math.min(bytes.length, from + 1 + dice.below(1 << dice.below(12)))];
}

function replaced(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const from = Math.max(0, Math.min(at, copy.length));
  copy.set(by.subarray(0, copy.length - from), from);
  return copy;
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, dice) {
    const at = Math.min(place(bytes, dice), bytes.length - 1);
    return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << dice.below(8))));
  },
  function setByte(bytes, dice) {
    return replaced(bytes, place(bytes, dice), Uint8Array.of(dice.below(256)));
  },
  function boundary(bytes, dice) {
    const width = dice.pick([1, 2, 4, 8]);
    const write = dice.chance(2, 3) ? little : big;
    return replaced(bytes, place(bytes, dice), write(width, dice.pick(BOUNDARIES)));
  },
  function nearby(bytes, dice) {
    const at = Math.min(place(bytes, dice), bytes.length - 1);
    const by = Uint8Array.of((bytes[at] ?? 0) + dice.pick([-2, -1, 1, 2, 16]));
    return replaced(bytes, at, by);
  },
  function remove(bytes, dice) {
    const [from, to] = span(bytes, dice);
    return join(bytes.subarray(0, from), bytes.subarray(to));
  },
  function duplicate(bytes, dice) {
    const [from, to] = span(bytes, dice);
    const times = 1 + dice.below(dice.chance(1, 8) ? 200 : 3);
    const block = bytes.subarray(from, to);
    const copies = Array.from({ length: times }, () => block);
    return join(bytes.subarray(0, to), ...copies, bytes.subarray(to));
  },
  function insert(bytes, dice) {
    const at = place(bytes, dice);
    return join(bytes.subarray(0, at), dice.bytes(1 + dice.below(16)), bytes.subarray(at));
  },
  function move(bytes, dice) {
    const [from, to] = span(bytes, dice);
    const rest = join(bytes.subarray(0, from), bytes.subarray(to));
    const at = dice.below(rest.length + 1);
    return join(rest.subarray(0, at), bytes.subarray(from, to), rest.subarray(at));
  },
  function spliceOther(bytes, dice, other) {
    return join(bytes.subarray(0, place(bytes, dice)), other.subarray(place(other, dice)));
  },
  function insertOther(bytes, dice, other) {
    const at = place(bytes, dice);
    const [from, to] = span(other, dice);
    return join(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at));
  },
  function append(bytes, _dice, other) {
    return join(bytes, other);
  },
  function truncate(bytes, dice) {
    return bytes.slice(0, place(bytes, dice));
  },
  function zero(bytes, dice) {
    const [from, to] = span(bytes, dice);
    return replaced(bytes, from, new Uint8Array(to - from));
  },
];

/**
 * One to eight mutations, mostly few.
 *
 * @param other a second sample, for splices
 */
export function mutate(bytes: Uint8Array, dice: Dice, other: Uint8Array): Uint8Array {
  let mutated = bytes;
  const times = 1 + dice.below(1 << dice.below(4));
  for (let at = 0; at < times; at++) {
    mutated = dice.pick(MUTATIONS)(mutated, dice, other).subarray(0, MOST_BYTES);
  }
  return mutated;
}
