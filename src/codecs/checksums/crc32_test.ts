import assert from "node:assert/strict";
import { test } from "node:test";
import { adler32, crc32 } from "./crc32.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
/** `bytes(i % 251 for i in range(1003))`. */
const PATTERN = Uint8Array.from({ length: 1003 }, (_, at) => at % 251);

test("the CRC-32 of the catalogue's check value and what zlib computes are met", () => {
  assert.equal(crc32(ascii("123456789")), 0xcbf43926);
  assert.equal(crc32(PATTERN), 0xafcbd1ae);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("a CRC-32 over pieces of any length is that of the whole", () => {
  for (const cut of [0, 1, 2, 3, 4, 5, 1000, 1003]) {
    assert.equal(crc32(PATTERN.subarray(cut), crc32(PATTERN.subarray(0, cut))), 0xafcbd1ae);
  }
});

test("Adler-32 is zlib's, also where its sums would overflow", () => {
  assert.equal(adler32(ascii("Wikipedia")), 0x11e60398);
  assert.equal(adler32(new Uint8Array(100_000).fill(255)), 0x149a302c);
  assert.equal(adler32(new Uint8Array(0)), 1);
  assert.equal(adler32(ascii("pedia"), adler32(ascii("Wiki"))), 0x11e60398);
});
