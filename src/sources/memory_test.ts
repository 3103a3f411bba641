import { strict as assert } from "node:assert";
import { test } from "node:test";
import { SourceError } from "../core/errors.ts";
import { blobSource, bytesSource, sliceSource } from "./memory.ts";

const BYTES = Uint8Array.from({ length: 20 }, (_, index) => index);

test("bytes are read at any offset and end where they end", async () => {
  const source = bytesSource("a", BYTES);
  assert.equal(source.size, 20);
  assert.deepEqual([...await source.read(5, 3)], [5, 6, 7]);
  assert.deepEqual([...source.readSync?.(18, 10) ?? []], [18, 19]);
  assert.equal((await source.read(25, 3)).length, 0);
});

test("a Blob is read like bytes", async () => {
  const source = blobSource("a", new Blob([BYTES]));
  assert.equal(source.size, 20);
  assert.deepEqual([...await source.read(18, 10)], [18, 19]);
  assert.equal((await source.read(25, 3)).length, 0);
});

test("a slice is a window on its parent, cut to what there is", async () => {
  const slice = sliceSource("b", bytesSource("a", BYTES), 10, 100);
  assert.equal(slice.size, 10);
  assert.deepEqual([...await slice.read(0, 2)], [10, 11]);
  assert.deepEqual([...slice.readSync?.(8, 100) ?? []], [18, 19]);
  const inner = sliceSource("c", slice, 2, 3);
  assert.deepEqual([...await inner.read(0, 100)], [12, 13, 14]);
  assert.equal((await inner.read(3, 100)).length, 0);
  assert.equal((await inner.read(50, 100)).length, 0);
  assert.equal(sliceSource("d", bytesSource("a", BYTES), 50, 5).size, 0);
});

test("a slice of a source that cannot be read at once cannot either", () => {
  assert.equal(sliceSource("b", blobSource("a", new Blob([BYTES])), 0, 5).readSync, undefined);
});

test("ranges that are none are refused", async () => {
  const ranges: [number, number][] = [[-1, 1], [0, -1], [0.5, 1], [0, Infinity], [NaN, 1]];
  const source = bytesSource("a", BYTES);
  const blob = blobSource("a", new Blob([BYTES]));
  for (const [offset, length] of ranges) {
    assert.throws(() => source.readSync?.(offset, length), SourceError);
    assert.throws(() => sliceSource("b", source, offset, length), SourceError);
    await assert.rejects(() => blob.read(offset, length), SourceError);
  }
});
