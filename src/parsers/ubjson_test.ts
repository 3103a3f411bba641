import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, LimitError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import { SourceCursor } from "./source_cursor.ts";
import { readUbjson } from "./ubjson.ts";

/** Text and bytes in order; texts are ASCII. */
function bytes(...parts: readonly (string | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...new TextEncoder().encode(part)] : [part]
    ),
  );
}

const read = (data: Uint8Array, values = 1000) =>
  readUbjson(
    new SourceCursor(bytesSource("x", data), { check: () => {}, bigEndian: true }),
    { values },
  );

test("values of every type are read as the draft has them", async () => {
  assert.equal(await read(bytes("Z")), null);
  assert.equal(await read(bytes("T")), true);
  assert.equal(await read(bytes("F")), false);
  assert.equal(await read(bytes("i", 0xff)), -1);
  assert.equal(await read(bytes("U", 0xff)), 255);
  assert.equal(await read(bytes("I", 0x80, 0)), -32768);
  assert.equal(await read(bytes("l", 0xff, 0xff, 0xff, 0xfe)), -2);
  assert.equal(await read(bytes("L", 0, 0, 0, 1, 0, 0, 0, 0)), 2 ** 32);
  assert.equal(await read(bytes("d", 0x3f, 0x80, 0, 0)), 1);
  assert.equal(await read(bytes("D", 0xc0, 0, 0, 0, 0, 0, 0, 0)), -2);
  assert.equal(await read(bytes("C", "a")), "a");
  assert.equal(await read(bytes("S", "i", 2, "hi")), "hi");
});

test("arrays and objects are read with and without a count", async () => {
  assert.deepEqual(await read(bytes("[", "T", "i", 1, "]")), [true, 1]);
  assert.deepEqual(await read(bytes("[", "#", "i", 2, "T", "F")), [true, false]);
  assert.deepEqual(
    await read(bytes("[$", "I", "#", "i", 2, 0, 1, 0xff, 0xff)),
    Float64Array.of(1, -1),
  );
  const object = new Map<string, unknown>([["a", 1], ["b", []]]);
  assert.deepEqual(await read(bytes("{", "i", 1, "a", "i", 1, "i", 1, "b", "[]", "}")), object);
  assert.deepEqual(await read(bytes("{#", "i", 2, "i", 1, "a", "i", 1, "i", 1, "b", "[]")), object);
  assert.deepEqual(await read(bytes("{#", "i", 0)), new Map());
});

test("a text cut off at any byte is malformed", async () => {
  const complete = bytes(
    "{",
    "i",
    1,
    "a",
    "[$",
    "d",
    "#",
    "i",
    2,
    ...Array<number>(8).fill(0),
    "}",
  );
  await read(complete);
  for (let length = 0; length < complete.length; length++) {
    await assert.rejects(read(complete.subarray(0, length)), FormatError, String(length));
  }
});

test("lengths and types that cannot be are malformed", async () => {
  const wrong = [
    bytes("S", "i", 0xff),
    bytes("S", "L", 0, 0, 1, 0, 0, 0, 0, 0),
    bytes("S", "T"),
    bytes("[#", "i", 0xff),
    bytes("[$", "d", "#", "L", 0, 0, 0, 1, 0, 0, 0, 0),
    bytes("[$", "S", "#", "i", 1, "i", 1, "a"),
    bytes("[$", "d", "i", 1),
    bytes("N"),
    bytes(0),
  ];
  for (const [index, data] of wrong.entries()) {
    await assert.rejects(read(data), FormatError, String(index));
  }
});

test("depth and number of values are bounded", async () => {
  await read(bytes("[".repeat(64), "]".repeat(64)));
  await assert.rejects(read(bytes("[".repeat(65), "]".repeat(65))), FormatError);
  await read(bytes("[", "T".repeat(999), "]"));
  await assert.rejects(read(bytes("[", "T".repeat(1000), "]")), LimitError);
  await assert.rejects(read(bytes("[$U#", "U", 200, "a".repeat(200)), 200), LimitError);
});
