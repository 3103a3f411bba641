import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import { headerLength, readHeader } from "./safetensors_header.ts";

/** A file of a header as text, and no tensors. */
function file(header: string | Uint8Array, length?: number): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const read = (header: string | Uint8Array, length?: number) =>
  readHeader(bytesSource("x", file(header, length)));

/** What is wrong with the one tensor of a header. */
async function anomalies(tensor: string): Promise<readonly string[]> {
  return (await read(`{"a":${tensor}}`)).tensors[0]?.anomalies ?? [];
}

test("tensors, their places and the metadata are read", async () => {
  const text =
    `{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},` +
    `"b":{"dtype":"BOOL","shape":[],"data_offsets":[12,13]}} `;
  const header = await read(text);
  assert.deepEqual(
    header.tensors.map(({ name, begin, end, anomalies }) => [name, begin, end, anomalies]),
    [
      ["a", 0, 12, []],
      ["b", 12, 13, []],
    ],
  );
  assert.ok(header.metadata !== undefined);
  assert.equal(header.dataStart, 8 + text.length);
});

test("types of less than a byte take bits, as the library counts them", async () => {
  assert.deepEqual(await anomalies(`{"dtype":"F4","shape":[4],"data_offsets":[0,2]}`), []);
  assert.deepEqual(await anomalies(`{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}`), []);
  assert.equal((await anomalies(`{"dtype":"F4","shape":[3],"data_offsets":[0,2]}`)).length, 1);
});

test("each lie about type, shape or place is named", async () => {
  const lies: Readonly<Record<string, RegExp>> = {
    '{"dtype":"F99","shape":[1],"data_offsets":[0,4]}': /does not exist/,
    '{"dtype":"constructor","shape":[1],"data_offsets":[0,4]}': /does not exist/,
    '{"shape":[1],"data_offsets":[0,4]}': /type null/,
    '{"dtype":"F32","data_offsets":[0,4]}': /no shape/,
    '{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}': /no shape/,
    '{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}': /no shape/,
    '{"dtype":"F32","shape":[1],"data_offsets":[0,5]}': /takes 4 bytes/,
    '{"dtype":"F32","shape":[1],"data_offsets":[4,0]}': /before it begins/,
    '{"dtype":"F32","shape":[1],"data_offsets":[0]}': /no place/,
    '{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}': /no place/,
    '{"dtype":"F32","shape":[1],"data_offsets":[0,9007199254740993]}': /no place/,
    '{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}': /a field "x"/,
    '{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}':
      /more elements/,
    "1": /no object/,
  };
  for (const [tensor, expected] of Object.entries(lies)) {
    assert.match((await anomalies(tensor)).join("; "), expected, tensor);
  }
});

test("an empty tensor takes no bytes, however large its other axes", async () => {
  assert.deepEqual(
    await anomalies('{"dtype":"F64","shape":[9007199254740991,0],"data_offsets":[0,0]}'),
    [],
  );
});

test("names that stand twice are named: readers differ on which counts", async () => {
  const tensor = '{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}';
  assert.deepEqual((await read(`{"a":${tensor},"a":${tensor}}`)).duplicates.toSorted(), [
    "a",
    "a.dtype",
  ]);
});

test("what is no header is malformed", async () => {
  const wrong = ["", "[]", " {}", "{", "{}x", '{"a":}', "1"];
  for (const text of wrong) await assert.rejects(read(text), FormatError, text);
  await assert.rejects(read(Uint8Array.of(0x7b, 0xff, 0x7d)), /not UTF-8/);
  await assert.rejects(read("{}", 3), /should have 3 bytes/);
  await assert.rejects(read("{}", 100_000_001), /longer than the library takes/);
  await assert.rejects(readHeader(bytesSource("x", new Uint8Array(7))), FormatError);
});

test("a length beyond 2^53 is not taken for a small one", () => {
  assert.ok(headerLength(new Uint8Array(8).fill(0xff)) > 2 ** 63);
  assert.equal(headerLength(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0)), 2 ** 32);
});
