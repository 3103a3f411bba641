import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { isTensorFile } from "./tensor.ts";
import { sampleOf } from "../testing/scan.ts";

const FOLDER = new URL("../../../testdata/onnx/safe/tensors/", import.meta.url);
const tensors = readdirSync(FOLDER).map((name) =>
  [name, new Uint8Array(readFileSync(new URL(name, FOLDER)))] as const
);
const rules = loadRules();
const isTensor = (bytes: Uint8Array, name = "input_0.pb") =>
  isTensorFile(sampleOf(bytes, { name }));

/** A field of bytes. */
const field = (
  number: number,
  ...bytes: readonly number[]
) => [number * 8 + 2, bytes.length, ...bytes];

test("tensors that the onnx package wrote are tensors, and clean", async () => {
  assert.ok(tensors.length >= 7);
  for (const [name, bytes] of tensors) {
    assert.ok(isTensor(bytes), name);
    assert.equal((await scanSource(bytesSource(name, bytes), { rules })).verdict, "clean", name);
  }
});

/** Where the fields of a small message end whose tags and lengths are a byte each. */
function endsOfFields(bytes: Uint8Array): { readonly number: number; readonly end: number }[] {
  const ends: { number: number; end: number }[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const rest = tag % 8 === 2 ? 1 + (bytes[at + 1] ?? 0) : tag % 8 === 5 ? 4 : 1;
    at += 1 + rest;
    ends.push({ number: tag >> 3, end: at });
  }
  return ends;
}

test("a tensor that is cut or goes on is none, and its file is never called clean", async () => {
  for (const [name, bytes] of tensors) {
    // Behind the numbers comes the name: without it a tensor is whole all the same. One without any
    // numbers is so once it has its type.
    const ends = endsOfFields(bytes);
    const complete = name === "empty.pb"
      ? ends.filter(({ number }) => number > 1)
      : ends.filter(({ number }) => number !== 8).slice(-1);
    const lengths = complete.map(({ end }) => end);
    for (let length = 1; length < bytes.length; length++) {
      const report = await scanSource(bytesSource(name, bytes.subarray(0, length)), { rules });
      assert.equal(
        report.verdict,
        lengths.includes(length) ? "clean" : "incomplete",
        `${name} ${length}`,
      );
    }
    assert.equal(isTensor(Uint8Array.of(...bytes, 0xff)), false, name);
  }
});

test("what is a graph or a model to another party is no tensor", () => {
  const float = [0x10, 1];
  const node = field(1, ...field(4, 0x61));
  assert.ok(isTensor(Uint8Array.of(0x08, 1, ...float, ...field(9, 0, 0, 0, 0))));
  const others = {
    "a GraphDef, whose first field is a node": [...field(1, 0x0a, 1, 0x61), ...float],
    "a SavedModel, whose second is a graph": [0x08, 1, ...field(2, 0x0a, 0)],
    "a ModelProto, whose seventh is a graph": [0x08, 1, 0x10, 7, ...field(7, ...node)],
    "a field that no tensor has": [0x08, 1, ...float, ...field(9, 0, 0, 0, 0), 0xa0, 1, 1],
    "a type that there is not": [0x08, 1, 0x10, 99, ...field(9, 0, 0, 0, 0)],
    "two types": [0x08, 1, ...float, ...float, ...field(9, 0, 0, 0, 0)],
    "more bytes than numbers": [0x08, 1, ...float, ...field(9, 0, 0, 0, 0, 0)],
    "no numbers": [0x08, 1, ...float],
    "numbers in another file": [0x08, 1, ...float, ...field(13, ...field(1, 0x61))],
    "fewer packed numbers than the dimensions say": [
      0x08,
      3,
      ...float,
      ...field(4, ...[0, 0, 0, 0]),
    ],
    "packed numbers that do not come out even": [0x08, 1, ...float, ...field(4, 0, 0, 0)],
    "a packed number that does not end": [0x08, 1, 0x10, 6, ...field(5, 0x80)],
    "half a type": [0x08, 1, 0x10],
    nothing: [],
  };
  for (const [what, bytes] of Object.entries(others)) {
    assert.equal(isTensor(Uint8Array.from(bytes)), false, what);
  }
  const [, bytes = new Uint8Array(0)] = tensors[0] ?? [];
  assert.equal(isTensor(bytes, "input_0.bin"), false);
  assert.equal(isTensorFile({ ...sampleOf(bytes, { name: "a.pb" }), size: undefined }), false);
});
