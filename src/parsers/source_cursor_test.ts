import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { forwardSource } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import { SourceCursor } from "./source_cursor.ts";

const NUMBERS = Uint8Array.of(
  ...[0xff, 0x01, 0x02, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff],
  ...[0, 0, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
  ...[1, 0, 0, 0, 0, 0, 0, 0x80],
);
const cursor = (bytes: Uint8Array, options: { window?: number; bigEndian?: boolean } = {}) =>
  new SourceCursor(bytesSource("x", bytes), { check: () => {}, ...options });

test("numbers are read in either byte order, over windows of any size", async () => {
  for (const window of [1, 3, 1000]) {
    const at = cursor(NUMBERS, { window });
    assert.deepEqual(
      [await at.u8(), await at.u16(), await at.u32(), await at.i32()],
      [255, 513, 0xffffffff, -2],
    );
    assert.deepEqual([await at.f32(), await at.f64()], [1, 1]);
    assert.equal(await at.i64(), -(2 ** 63) + 1 + 0);
    assert.deepEqual([at.offset, at.left, await at.atEnd()], [31, 0, true]);
  }
  const big = cursor(Uint8Array.of(0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3), { bigEndian: true });
  assert.deepEqual([await big.u16(), await big.u32(), await big.u64()], [1, 2, 3]);
});

test("a number that the end cuts is an error with its place", async () => {
  const at = cursor(Uint8Array.of(1, 2, 3));
  await at.u8();
  await assert.rejects(at.u32(), (error) => error instanceof FormatError && error.offset === 1);
});

test("a text with an end is read up to it, one without within the limit is an error", async () => {
  const text = new TextEncoder().encode(`${"a".repeat(300)}\0b`);
  const at = cursor(text, { window: 16 });
  assert.equal((await at.until(0, 1000)).length, 300);
  assert.equal(await at.u8(), 0x62);
  await assert.rejects(cursor(text).until(0, 299), FormatError);
  assert.equal((await cursor(text).until(0, 300)).length, 300);
  await assert.rejects(cursor(text).until(7, 1000), FormatError);
});

test("stepping over costs no read where there is random access, and ends at the end", async () => {
  let reads = 0;
  const source = { ...bytesSource("x", new Uint8Array(1000)), size: 1000 };
  const counted = {
    ...source,
    access: "random" as const,
    read: (offset: number, length: number) => {
      reads++;
      return source.read(offset, length);
    },
  };
  const at = new SourceCursor(counted, { check: () => {} });
  await at.skip(999);
  assert.deepEqual([at.offset, at.left, reads], [999, 1, 0]);
  await assert.rejects(at.skip(2), FormatError);
  await assert.rejects(at.skip(-1), FormatError);
  await assert.rejects(at.skip(NaN), FormatError);
});

test("a stream is stepped over by reading it, and its end is found", async () => {
  const pieces = [new Uint8Array(600_000), Uint8Array.of(7)];
  const at = new SourceCursor(forwardSource("x", () => Promise.resolve(pieces.shift())), {
    check: () => {},
  });
  await at.skip(600_000);
  assert.equal(await at.u8(), 7);
  await assert.rejects(at.skip(1), FormatError);
});

test("the check runs before each read and may end the reading", async () => {
  let checks = 0;
  const at = new SourceCursor(bytesSource("x", new Uint8Array(100)), {
    window: 10,
    check: () => {
      if (++checks > 3) throw new RangeError("enough");
    },
  });
  for (let index = 0; index < 30; index++) await at.u8();
  await assert.rejects(at.u8(), /enough/);
});
