import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { branchFilter, deltaFilter, type Filter } from "./branch_filters.ts";

/**
 * Machine code, and the same behind the filter, by Python's `lzma`: packed with the filter and LZMA2,
 * unpacked with LZMA2 alone.
 */
const X86 = "55e81000000090909090909090e9f0ffffff0f0f0fe800010200e8e8e80000000000c3c3c3c3c3c3c3c3";
const CODE: readonly (readonly [id: number, start: number, plain: string, filtered: string])[] = [
  [
    0x04,
    0,
    X86,
    "55e81600000090909090909090e9020000000f0f0fe81a010200e807e90000000000c3c3c3c3c3c3c3c3",
  ],
  [
    0x04,
    4096,
    X86,
    "55e81610000090909090909090e9021000000f0f0fe81a110200e807f90000000000c3c3c3c3c3c3c3c3",
  ],
  [0x05, 0, "48000101600000004bfffff14e800020", "48000101600000004bfffff94e800020"],
  [0x07, 0, "00482de9100000ebfeffffeb0088bde8", "00482de9130000eb020000eb0088bde8"],
  [0x08, 0, "00b500f010f8fff7feff00bd", "00b500f013f800f003f800bd"],
  [0x09, 0, "40000010010000007fffffff81c7e008", "40000010010000004000000181c7e008"],
];

/** Everything that a filter gives for input in pieces of so many bytes. */
function undone(filter: Filter, filtered: Uint8Array, step: number): string {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < filtered.length; at += step) {
    parts.push(filter(filtered.subarray(at, at + step), at + step >= filtered.length).slice());
  }
  return Buffer.concat(parts).toString("hex");
}

test("machine code is what it was before liblzma's filter, in pieces of any length", () => {
  for (const [id, start, plain, filtered] of CODE) {
    const bytes = new Uint8Array(Buffer.from(filtered, "hex"));
    for (const step of [1, 2, 3, 5, 7, 16, bytes.length]) {
      const filter = branchFilter(id, start);
      assert.ok(filter !== undefined);
      assert.equal(undone(filter, bytes, step), plain, `${id} in pieces of ${step}`);
    }
  }
});

test("filters that are not known here are refused, and not taken for none", () => {
  // IA-64, ARM64 and RISC-V, https://tukaani.org/xz/xz-file-format.txt 5.3.2.
  for (const id of [0x06, 0x0a, 0x0b, 0x03, 0]) assert.equal(branchFilter(id, 0), undefined);
});

test("the delta filter adds the byte so many before", () => {
  // By Python's `lzma`, `dist=3`.
  const filtered = new Uint8Array(Buffer.from("010203090a0b0a0a0a", "hex"));
  for (const step of [1, 2, 4, 9]) {
    assert.equal(undone(deltaFilter(3), filtered, step), "0102030a0c0e141618");
  }
  assert.equal(undone(deltaFilter(1), Uint8Array.of(200, 100), 2), "c82c");
});
