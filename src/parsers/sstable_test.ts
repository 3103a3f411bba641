import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { TABLE_MAGIC, tableEntries } from "./sstable.ts";

/** Entries as shared length, rest of the key, value. */
type Written = readonly (readonly [shared: number, own: string, value: readonly number[]])[];

const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
const u32 = (value: number): number[] => [value & 255, value >> 8 & 255, value >> 16 & 255, 0];

/** A block with one restart, and its trailer. */
function block(entries: Written, compression = 0): number[] {
  const bytes = entries.flatMap(([shared, own, value]) => [
    ...[shared, own.length, value.length],
    ...ascii(own),
    ...value,
  ]);
  return [...bytes, ...u32(0), ...u32(1), compression, 0, 0, 0, 0];
}

/** A table of blocks, https://github.com/google/leveldb/blob/main/doc/table_format.md */
function table(...blocks: readonly (readonly number[])[]): Uint8Array {
  const bytes: number[] = [];
  const handles = blocks.map((one) => {
    const handle = [bytes.length, one.length - 5];
    bytes.push(...one);
    return handle;
  });
  const index = block(handles.map((handle, at) => [0, String(at), handle]));
  const at = bytes.length;
  bytes.push(...index);
  const footer = [0, 0, at, index.length - 5];
  while (footer.length < 40) footer.push(0);
  return Uint8Array.from([...bytes, ...footer, ...TABLE_MAGIC]);
}

const read = (bytes: Uint8Array) =>
  [...tableEntries(bytes)].map(({ key, value }) => [new TextDecoder().decode(key), ...value]);

test("keys that share a beginning are put together, over several blocks", () => {
  const bytes = table(
    block([[0, "ab", [1]], [1, "cd", [2, 3]]]),
    block([[0, "", []], [0, "z", [9]]]),
  );
  assert.deepEqual(read(bytes), [["ab", 1], ["acd", 2, 3], [""], ["z", 9]]);
});

test("an index that TensorFlow wrote is read", () => {
  const path = new URL("../../testdata/tf-checkpoint/safe/model.ckpt.index", import.meta.url);
  const keys = read(new Uint8Array(readFileSync(path))).map(([key]) => key);
  assert.equal(keys[0], "");
  assert.ok(keys.length > 1);
  assert.deepEqual(keys, keys.toSorted());
});

test("entries and blocks that lie outside are malformed", () => {
  const wrong = [
    table(block([[1, "a", [1]]])),
    table(block([[0, "a", [1]], [2, "a", [1]]])),
    table(block([[0, "a", [1]]], 1)),
    // A restart count beyond the block, and a value beyond it.
    table([...u32(0), ...u32(999), 0, 0, 0, 0, 0]),
    table([0, 1, 100, 0x61, ...u32(0), ...u32(1), 0, 0, 0, 0, 0]),
    // A number without an end.
    table([...Array<number>(10).fill(0xff), ...u32(0), ...u32(1), 0, 0, 0, 0, 0]),
  ];
  for (const [index, bytes] of wrong.entries()) {
    assert.throws(() => read(bytes), FormatError, String(index));
  }
});

test("blocks that lie over one another are malformed: a small file would expand", () => {
  const one = block([[0, "a", [1]]]);
  const bytes = [...one];
  const index = block([[0, "0", [0, one.length - 5]], [0, "1", [0, one.length - 5]]]);
  bytes.push(...index, 0, 0, one.length, index.length - 5, ...Array<number>(36).fill(0));
  assert.throws(() => read(Uint8Array.from([...bytes, ...TABLE_MAGIC])), /overlap/);
});

test("a table cut at either end is malformed", () => {
  const complete = table(block([[0, "ab", [1]]]), block([[0, "b", [2]]]));
  for (let length = 0; length < complete.length; length++) {
    assert.throws(() => read(complete.subarray(0, length)), FormatError, String(length));
  }
  assert.throws(() => read(complete.subarray(30)), FormatError);
});
