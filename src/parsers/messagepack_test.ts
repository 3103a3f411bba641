import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../sources/memory.ts";
import type { ConfigNode } from "./config_node.ts";
import { type MessagePackBytes, readMessagePack } from "./messagepack.ts";
import { SourceCursor } from "./source_cursor.ts";

async function read(
  ...bytes: readonly number[]
): Promise<{ readonly value: unknown; readonly found: readonly MessagePackBytes[] }> {
  const found: MessagePackBytes[] = [];
  const source = bytesSource("a", Uint8Array.from(bytes));
  const cursor = new SourceCursor(source, { check: () => {}, bigEndian: true });
  const options = { values: 1000, bytes: (one: MessagePackBytes) => void found.push(one) };
  return { value: plain(await readMessagePack(cursor, options)), found };
}

function plain(node: ConfigNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return node.members.map(([key, value]) => [plain(key), plain(value)]);
}

// What msgpack-python 1.2.4 packs of the value beside it.
const PACKED: readonly (readonly [bytes: readonly number[], value: unknown])[] = [
  [[0x7f], 127],
  [[0xff], -1],
  [[0xcc, 0x80], 128],
  [[0xcd, 0x01, 0x00], 256],
  [[0xce, 0, 1, 0, 0], 65_536],
  [[0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 2 ** 32],
  [[0xd0, 0x80], -128],
  [[0xd1, 0x80, 0x00], -32_768],
  [[0xd2, 0x80, 0, 0, 0], -(2 ** 31)],
  [[0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff], -(2 ** 31) - 1],
  [[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
  [[0xca, 0x3f, 0xc0, 0, 0], 1.5],
  [[0xc0], null],
  [[0xc2], false],
  [[0xc3], true],
  [[0xa2, 0x61, 0x62], "ab"],
  [[0xd9, 2, 0x61, 0x62], "ab"],
  [[0xda, 0, 2, 0x61, 0x62], "ab"],
  [[0xdb, 0, 0, 0, 2, 0x61, 0x62], "ab"],
  [[0xc4, 2, 0x61, 0x62], "ab"],
  [[0x90], []],
  [[0x92, 1, 0x91, 2], [1, [2]]],
  [[0xdc, 0, 1, 0x80], [[]]],
  [[0xdd, 0, 0, 0, 2, 0x80, 1], [[], 1]],
  [[0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 0x81, 2, 3], [["a", 1], ["a", [[2, 3]]]]],
  [[0xde, 0, 1, 0xa1, 0x61, 0xc0], [["a", null]]],
];

test("each type is read as msgpack-python reads it", async () => {
  for (const [bytes, value] of PACKED) {
    assert.deepEqual((await read(...bytes)).value, value, String(bytes));
  }
});

test("bytes and extensions are handed on with their places and the map around them", async () => {
  const { found, value } = await read(0x82, 0xa1, 0x61, 0xc4, 2, 0, 1, 0xa1, 0x62, 0xd4, 0xff, 9);
  assert.deepEqual(value, [["a", null], ["b", null]]);
  assert.deepEqual(
    found.map(({ extension, offset, length, owner }) => [extension, offset, length, owner?.at]),
    [[undefined, 5, 2, 0], [-1, 11, 1, 0]],
  );
});

test("what is cut off, 0xc1, and lengths beyond the file are refused", async () => {
  for (const [bytes] of PACKED) {
    for (let end = 1; end < bytes.length; end++) {
      await assert.rejects(read(...bytes.slice(0, end)), { name: "FormatError" }, String(bytes));
    }
  }
  await assert.rejects(read(0xc1), { name: "FormatError" });
  await assert.rejects(read(0xdf, 255, 255, 255, 255), { name: "FormatError" });
  await assert.rejects(read(...Array<number>(600).fill(0x91), 1), { name: "LimitError" });
  await assert.rejects(read(0xdc, 4, 0, ...Array<number>(1024).fill(1)), { name: "LimitError" });
});
