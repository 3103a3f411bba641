import assert from "node:assert/strict";
import { test } from "node:test";
import { readHnswHeader } from "./hnsw_header.ts";

/** `saveIndex`: 10 of 100 vectors of 4 floats, M = 16. */
function header(change: (view: DataView) => void = () => {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(96));
  const size = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  const [links, vector] = [4 + 4 * 32, 16];
  [0, 100, 10, links + vector + 8, links + vector, links].forEach((value, at) =>
    size(8 * at, value)
  );
  view.setInt32(48, 1, true);
  view.setUint32(52, 3, true);
  [16, 32, 16].forEach((value, at) => size(56 + 8 * at, value));
  view.setFloat64(80, 1 / Math.log(16), true);
  size(88, 200);
  change(view);
  return new Uint8Array(view.buffer);
}

test("a header as hnswlib writes it is read, Chroma's behind its version", () => {
  const expected = { elements: 10, mostElements: 100, elementBytes: 156, links: 16 };
  assert.deepEqual(readHnswHeader(header(), false), expected);
  const persisted = new Uint8Array(100);
  persisted.set(header(), 4);
  assert.deepEqual(readHnswHeader(persisted, true), expected);
  assert.equal(readHnswHeader(persisted, false), undefined);
  const empty = header((view) => view.setBigUint64(16, 0n, true));
  assert.equal(readHnswHeader(empty, false)?.elements, 0);
});

test("a header that is cut off, or whose numbers contradict one another, is none", () => {
  for (let length = 0; length < 96; length++) {
    assert.equal(readHnswHeader(header().subarray(0, length), false), undefined);
  }
  const wrong: readonly ((view: DataView) => void)[] = [
    (view) => view.setBigUint64(0, 1n, true),
    (view) => view.setBigUint64(16, 101n, true),
    (view) => view.setBigUint64(8, 1n << 41n, true),
    (view) => view.setBigUint64(24, 157n, true),
    (view) => view.setBigUint64(32, 1n << 40n, true),
    (view) => view.setBigUint64(40, 136n, true),
    (view) => view.setInt32(48, -2, true),
    (view) => view.setInt32(48, 100, true),
    (view) => view.setUint32(52, 10, true),
    (view) => view.setBigUint64(56, 33n, true),
    (view) => view.setBigUint64(72, 17n, true),
    (view) => view.setFloat64(80, 0, true),
    (view) => view.setFloat64(80, NaN, true),
  ];
  for (const [index, change] of wrong.entries()) {
    assert.equal(readHnswHeader(header(change), false), undefined, String(index));
  }
});
