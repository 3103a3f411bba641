import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import { FlatBuffer } from "./flatbuffer.ts";

// Written by the Python package flatbuffers through TensorFlow's converter.
const MODEL = new Uint8Array(
  readFileSync(new URL("../../testdata/tflite/safe/dense.tflite", import.meta.url)),
);

function bufferOf(bytes: Uint8Array): FlatBuffer {
  return new FlatBuffer(bytesSource("m", bytes), { check: () => {} });
}

test("numbers, texts, vectors and tables are where the writer put them", async () => {
  const root = await bufferOf(MODEL).root();
  assert.equal(await root.uint(0, 4), 3);
  assert.equal(await root.text(3), "MLIR Converted.");
  assert.equal(await root.text(3, 4), "MLIR");
  assert.equal(await root.text(99), undefined);
  const shapes: number[][] = [];
  for await (const graph of root.tables(2)) {
    for await (const tensor of graph.tables(0)) shapes.push([...await tensor.ints(0)]);
  }
  assert.deepEqual(shapes[0], [1, 4]);
  assert.deepEqual(shapes.at(-1), [1, 8]);
});

test("an offset that leads outside is refused with its place, a cut too", async () => {
  const wrong = MODEL.slice();
  wrong.set([0xff, 0xff, 0xff, 0x7f]);
  await assert.rejects(bufferOf(wrong).root(), (error) => {
    assert.ok(error instanceof FormatError);
    assert.equal(error.offset, MODEL.length);
    return true;
  });
  await assert.rejects(bufferOf(MODEL.subarray(0, 3)).root(), FormatError);
  await assert.rejects(bufferOf(new Uint8Array(0)).root(), FormatError);
});

test("a vector that claims more items than there are bytes is refused before any memory", async () => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(4, 0xffffffff, true);
  await assert.rejects(bufferOf(bytes).vector(4, 4), FormatError);
});
