import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { hdf5Format } from "./mod.ts";
import { run } from "../testing/scan.ts";
import { FormatError } from "../../core/errors.ts";
import { GlobalHeaps } from "./heap.ts";

/** A file with a collection at `at`, its objects as pairs of index and size. */
function file(at: number, objects: readonly (readonly [number, bigint])[]): Uint8Array {
  const bytes = new Uint8Array(at + 4096);
  const view = new DataView(bytes.buffer);
  bytes.set([0x47, 0x43, 0x4f, 0x4c, 1], at);
  view.setBigUint64(at + 8, 4096n, true);
  let here = at + 16;
  for (const [index, size] of objects) {
    view.setUint16(here, index, true);
    view.setBigUint64(here + 8, size, true);
    here += index === 0 ? Number(size) : 16 + Math.ceil(Number(size) / 8) * 8;
  }
  return bytes;
}

function check(bytes: Uint8Array, from = 0, to = bytes.length, lengths = 8): void {
  const copy = (at: number, length: number) => bytes.subarray(at, at + length);
  new GlobalHeaps(lengths, copy).check(bytes.subarray(from, to), from);
}

const honest = [[1, 6n], [2, 10n], [0, 4024n]] as const;

test("collections whose objects lead to their end are let through", () => {
  check(file(0, honest));
  check(file(100, honest));
});

test("an object that leads to itself, or past the collection, is refused", () => {
  const lies: readonly (readonly [number, bigint])[][] = [
    [[0, 0n]],
    [[1, 6n], [0, 0n]],
    [[0, 8n]],
    // Of these a library of 32 bits keeps 0, and -16, which with the header is 0.
    [[0, 0x7400_0000_0000_0000n]],
    [[1, 0xffff_fff0n]],
    [[1, 0xffff_ffffn]],
    [[1, 5000n]],
  ];
  for (const objects of lies) {
    const bytes = file(64, objects.slice(0, -1));
    const last = objects.at(-1) ?? [0, 0n];
    const at = 64 + 16 + (objects.length > 1 ? 24 : 0);
    new DataView(bytes.buffer).setUint16(at, last[0], true);
    new DataView(bytes.buffer).setBigUint64(at + 8, last[1], true);
    assert.throws(() => check(bytes), FormatError, String(objects));
  }
});

test("a signature that is read in two pieces is seen all the same", () => {
  const bytes = file(100, []);
  for (let from = 96; from <= 104; from++) {
    assert.throws(() => check(bytes, from), FormatError, String(from));
  }
});

test("lengths of two bytes are read as such, and cut collections are the library's business", () => {
  const bytes = file(0, honest);
  assert.throws(() => check(file(0, [[0, 0n]]), 0, 4096, 2), FormatError);
  for (let end = 0; end < 64; end++) check(bytes.subarray(0, end));
});

test("collections in one another cost no more than a bound", () => {
  // Each is an object of 16 bytes to those before it, and none is wrong by itself.
  const bytes = new Uint8Array(1 << 16);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 16) {
    bytes.set([0x47, 0x43, 0x4f, 0x4c, 1], at);
    view.setUint32(at + 8, 0, true);
  }
  for (let at = 0; at + 32 <= bytes.length; at += 32) view.setUint32(at + 8, 1 << 20, true);
  assert.throws(() => check(bytes), FormatError);
  for (let at = 0; at < bytes.length; at += 16) view.setUint32(at + 8, 16, true);
  check(bytes);
});

test("a model whose heap leads nowhere ends incomplete", async () => {
  const bytes = new Uint8Array(
    readFileSync(new URL("../../../testdata/keras/safe/dense.h5", import.meta.url)),
  );
  const at = bytes.findIndex((_, index) =>
    [0x47, 0x43, 0x4f, 0x4c].every((byte, offset) => bytes[index + offset] === byte)
  );
  assert.ok(at > 0);
  bytes.fill(0, at + 16, at + 32);
  const { error, unread } = await run(hdf5Format, bytes, { name: "m.h5" });
  assert.ok(error !== undefined || unread);
});
