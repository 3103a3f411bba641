import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { TABLE_MAGIC } from "./sstable.ts";
import { readTensorBundle } from "./tensor_bundle.ts";

const SAMPLES = new URL("../../testdata/tf-checkpoint/", import.meta.url);

/** A table of one block; keys have a letter, the header has none. */
function bundle(...entries: readonly (readonly [key: string, value: readonly number[]])[]) {
  const u32 = (value: number) => [value, 0, 0, 0];
  const block = (items: readonly (readonly [string, readonly number[]])[]) => [
    ...items.flatMap(([key, value]) => [
      ...[0, key.length, value.length],
      ...new TextEncoder().encode(key),
      ...value,
    ]),
    ...[...u32(0), ...u32(1), 0, 0, 0, 0, 0],
  ];
  const data = block(entries);
  const index = block([["k", [0, data.length - 5]]]);
  const footer = [0, 0, data.length, index.length - 5];
  while (footer.length < 40) footer.push(0);
  return Uint8Array.from([...data, ...index, ...footer, ...TABLE_MAGIC]);
}

/** `BundleHeaderProto` of two shards. */
const HEADER = ["", [0x08, 2]] as const;

test("an index that TensorFlow wrote says how far its shard is read", () => {
  const read = (name: string) => new Uint8Array(readFileSync(new URL(`safe/${name}`, SAMPLES)));
  const { shards, tensors, ends } = readTensorBundle(read("model.ckpt.index"));
  assert.equal(shards, 1);
  assert.ok(tensors > 0);
  assert.equal(ends.get(0), read("model.ckpt.data-00000-of-00001").length);
});

test("of a shard the furthest byte counts; fields that are 0 are left out by protobuf", () => {
  const { shards, tensors, ends } = readTensorBundle(
    bundle(HEADER, ["a", [0x28, 8]], ["b", [0x18, 1, 0x20, 4, 0x28, 4]], ["c", [0x20, 2, 0x28, 1]]),
  );
  assert.deepEqual([shards, tensors, [...ends]], [2, 3, [[0, 8], [1, 8]]]);
});

test("a shard that does not exist, or a variable without a header, is malformed", () => {
  const wrong = [
    bundle(HEADER, ["a", [0x18, 2]]),
    bundle(["a", [0x28, 8]], HEADER),
    bundle(["a", [0x28, 8]]),
    bundle(HEADER, ["a", [0x28]]),
    bundle(HEADER, ["a", [0x3a, 9, 1]]),
    new Uint8Array(0),
  ];
  for (const [index, bytes] of wrong.entries()) {
    assert.throws(() => readTensorBundle(bytes), FormatError, String(index));
  }
});
