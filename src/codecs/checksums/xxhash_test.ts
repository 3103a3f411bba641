import assert from "node:assert/strict";
import { test } from "node:test";
import { XxHash32, XxHash64 } from "./xxhash.ts";

/** `bytes((i * 7) % 251 for i in range(100))`. */
const DATA = Uint8Array.from({ length: 100 }, (_, at) => (at * 7) % 251);

/** Length, XXH32 and the lower half of XXH64, by python-xxhash 4.1.0. */
const EXPECTED: readonly (readonly [length: number, h32: number, h64: number])[] = [
  [0, 0x02cc5d05, 0x51d8e999],
  [3, 0x14744175, 0x5a6209ab],
  [15, 0x8807d6b2, 0xe360882f],
  [16, 0xb59b7e13, 0xc0a31fbc],
  [31, 0xdc5b7443, 0xb1e722b7],
  [32, 0xd7f70f45, 0x31a8c629],
  [33, 0xe5b60f32, 0xf8d65b94],
  [63, 0x2ae99ad5, 0x2dcebcfd],
  [64, 0x6507d430, 0x5af9d022],
  [100, 0xb0582dae, 0xb2f23a05],
];

test("both hashes are those of the reference for every length of a rest", () => {
  for (const [length, h32, h64] of EXPECTED) {
    const [small, large] = [new XxHash32(), new XxHash64()];
    small.update(DATA.subarray(0, length));
    large.update(DATA.subarray(0, length));
    assert.deepEqual([small.digest(), large.digestLow()], [h32, h64], String(length));
  }
});

test("pieces that end within a stripe give the same hash", () => {
  for (const step of [1, 5, 16, 31, 33, 99]) {
    const [small, large] = [new XxHash32(), new XxHash64()];
    for (let at = 0; at < DATA.length; at += step) {
      small.update(DATA.subarray(at, at + step));
      large.update(DATA.subarray(at, at + step));
    }
    assert.deepEqual([small.digest(), large.digestLow()], [0xb0582dae, 0xb2f23a05], String(step));
  }
});
