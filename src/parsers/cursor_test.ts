import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import { Cursor, Window } from "./cursor.ts";

test("a cursor reads little-endian numbers and knows where it is", () => {
  const cursor = new Cursor(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 0, 0, 0, 1, 0, 0, 0), 100);
  assert.deepEqual([cursor.u8(), cursor.u16(), cursor.u32()], [1, 0x0302, 0x07060504]);
  cursor.skip(2);
  assert.deepEqual([cursor.offset, cursor.left], [109, 8]);
  assert.equal(cursor.u64(), 2 ** 32 + 1);
  assert.deepEqual([...cursor.bytes(0)], []);
});

test("a step past the end is a format error with its offset, and moves nothing", () => {
  const cursor = new Cursor(new Uint8Array(3), 50);
  cursor.u8();
  const steps = [
    ...[() => cursor.u32(), () => cursor.u64(), () => cursor.bytes(3), () => cursor.skip(3)],
    ...[() => cursor.skip(-1), () => cursor.bytes(NaN), () => cursor.skip(2 ** 60)],
  ];
  for (const step of steps) {
    assert.throws(step, (error) => error instanceof FormatError && error.offset === 51);
  }
  assert.equal(cursor.u16(), 0);
  assert.throws(() => cursor.u8(), FormatError);
});

test("a window answers neighbouring reads from one fetch", async () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
  const { name, size, access, read } = bytesSource("s", bytes);
  let fetches = 0;
  const slow: Source = {
    name,
    size,
    access,
    read: (offset, length) => {
      fetches++;
      return read(offset, length);
    },
  };
  const window = new Window(slow);
  assert.deepEqual([...await window.read(10, 2, 100)], [10, 11]);
  assert.deepEqual([...await window.read(50, 3)], [50, 51, 52]);
  assert.equal(fetches, 1);
  assert.equal((await window.read(990, 50)).length, 10);
  assert.equal((await window.read(5000, 5)).length, 0);
  assert.equal(fetches, 3);
  const sync = new Window(bytesSource("s", bytes));
  assert.ok(!(sync.read(0, 4, () => 9) instanceof Promise));
});
