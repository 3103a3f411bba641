import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { scan } from "../../mod.ts";
import { startServer } from "../cli/testing/server.ts";

const TESTDATA = new URL("../../testdata/", import.meta.url);
const GIGABYTE = 1 << 30;
const MEGABYTE = 1 << 20;

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** The beginning of a file, its end, its size; what lies between is zeros. */
interface Sparse {
  readonly name: string;
  readonly head: Uint8Array;
  readonly tail?: Uint8Array;
  readonly size: number;
  /** What the file is when its last byte is missing. */
  readonly cut?: "incomplete";
}

/** A field of protobuf whose length is written, and of whose bytes there is the beginning. */
function field(number: number, length: number, ...content: readonly number[]): number[] {
  const bytes: number[] = [];
  for (let rest of [8 * number + 2, length]) {
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 128);
    bytes.push(rest);
  }
  return [...bytes, ...content];
}

/** A program whose only segment is a gigabyte: its size is in the header and in the table of segments. */
function program(): Uint8Array {
  const bytes = read("executorch/safe/linear.pte");
  const view = new DataView(bytes.buffer);
  for (const at of [32, 144]) {
    assert.equal(view.getBigUint64(at, true), 40n);
    view.setBigUint64(at, BigInt(GIGABYTE), true);
  }
  return bytes;
}

/** Weights of Core ML: a header, then a record at 64 of a blob at 128. */
function weights(): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  view.setUint32(4, 2, true);
  view.setUint32(64, 0xdeadbeef, true);
  view.setUint32(68, 1, true);
  view.setBigUint64(72, BigInt(GIGABYTE), true);
  view.setBigUint64(80, 128n, true);
  return bytes;
}

/** One tensor of 2^28 numbers of four bytes. */
const PARAMETERS = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0],
  ...[8, 5, 0x10, 0x80, 0x80, 0x80, 0x80, 1],
);

/** A layer with one blob of 2^28 numbers. */
function caffemodel(): Uint8Array {
  const shape = field(7, 7, ...field(1, 5, 0x80, 0x80, 0x80, 0x80, 1));
  const data = field(5, GIGABYTE);
  const blob = field(7, shape.length + data.length + GIGABYTE, ...shape, ...data);
  return Uint8Array.of(...field(100, blob.length + GIGABYTE, ...blob));
}

/** A network whose layer has a gigabyte of weights. */
function network(): Uint8Array {
  const inside = field(90, GIGABYTE);
  const layer = field(1, inside.length + GIGABYTE, ...inside);
  return Uint8Array.of(8, 4, ...field(500, layer.length + GIGABYTE, ...layer));
}

const parquet = read("arrow/safe/plain.parquet");
const FILES: readonly Sparse[] = [
  { name: "m.tflite", head: read("tflite/suspicious/large.tflite"), size: MEGABYTE + GIGABYTE },
  { name: "m.parquet", head: parquet, tail: parquet, size: GIGABYTE },
  { name: "m.pte", head: program(), size: 1664 + GIGABYTE },
  { name: "weight.bin", head: weights(), size: 128 + GIGABYTE },
  { name: "m.pdiparams", head: PARAMETERS, size: PARAMETERS.length + GIGABYTE, cut: "incomplete" },
  {
    name: "m.caffemodel",
    head: caffemodel(),
    size: caffemodel().length + GIGABYTE,
    cut: "incomplete",
  },
  { name: "m.mlmodel", head: network(), size: network().length + GIGABYTE, cut: "incomplete" },
];

/** The bytes of a sparse file in a range. */
function slice(
  { head, tail = new Uint8Array(0), size }: Sparse,
  start: number,
  end: number,
): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
  if (start < head.length) bytes.set(head.subarray(start, start + bytes.length));
  const from = size - tail.length;
  if (end > from) {
    bytes.set(tail.subarray(Math.max(0, start - from), end - from), Math.max(0, from - start));
  }
  return bytes;
}

/** Scans a file from a server with ranges; its verdict, and the bytes that were sent. */
async function remote(file: Sparse): Promise<{ verdict: string | undefined; sent: number }> {
  const server = await startServer();
  try {
    const { size } = file;
    server.serve(`/${file.name}`, {
      size,
      slice: (start: number, end: number) => slice(file, start, end),
    });
    const url = new URL(`/${file.name}`, server.url);
    const { files } = await scan([url], { remote: { allowPrivateNetwork: true } });
    return { verdict: files[0]?.verdict, sent: server.sent() };
  } finally {
    await server.close();
  }
}

test("of files of a gigabyte from a server less than a megabyte is fetched", async () => {
  for (const file of FILES) {
    const { verdict, sent } = await remote(file);
    assert.equal(verdict, "clean", file.name);
    assert.ok(sent > 0 && sent < MEGABYTE, `${sent} bytes of ${file.name} were sent`);
  }
});

test("of the same files without their last byte none is clean, nor is it fetched whole", async () => {
  for (const file of FILES) {
    // The columns of Parquet lie in front of its end.
    if (file.tail !== undefined) continue;
    const { verdict, sent } = await remote({ ...file, size: file.size - 1 });
    assert.notEqual(verdict, "clean", file.name);
    if (file.cut !== undefined) assert.equal(verdict, file.cut, file.name);
    // What is malformed is searched for what hides in it, within a bound.
    assert.ok(sent < 16 * MEGABYTE, `${sent} bytes of ${file.name} were sent`);
  }
});
