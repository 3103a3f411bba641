import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import { ByteReader } from "./byte_reader.ts";
import { skipFrame } from "./skippable_frame.ts";

const DATA = Uint8Array.from({ length: 100_000 }, (_, at) => at & 0xff);
const reader = (start = 0, length = Infinity) =>
  new ByteReader(bytesSource("x", DATA), start, length);

test("numbers are little-endian and move on, a peek does not", async () => {
  const input = reader(1);
  await input.need(9);
  assert.equal(input.peek32(), 0x04030201);
  assert.deepEqual([input.u32(), input.u8(), input.offset], [0x04030201, 5, 5]);
  assert.deepEqual([...input.take(3)], [6, 7, 8]);
});

test("more than one window is kept when it is asked for at once", async () => {
  const input = reader();
  await input.need(10);
  input.at += 10;
  assert.ok(await input.ensure(90_000));
  assert.equal(input.offset, 10);
  assert.equal(input.bytes[input.at + 89_999], (90_009) & 0xff);
});

test("a stream ends at its length although the source goes on", async () => {
  const input = reader(0, 6);
  assert.ok(!await input.ensure(7));
  assert.deepEqual([input.available, input.final], [6, true]);
  await assert.rejects(
    input.need(7),
    (error) => error instanceof FormatError && error.offset === 6,
  );
  assert.ok(input.starved);
});

test("a broken stream is reported at the byte that was reached", async () => {
  const input = reader();
  await input.need(4);
  input.at += 4;
  assert.equal(input.broken("no such block").offset, 4);
  assert.match(input.broken("no such block").message, /^Cannot decompress: no such block$/);
});

test("a skippable frame is stepped over, and one that is cut off is an error", async () => {
  const frame = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3, 0xaa);
  const input = new ByteReader(bytesSource("x", frame), 0, Infinity);
  await skipFrame(input);
  await input.need(1);
  assert.equal(input.u8(), 0xaa);
  for (let length = 0; length < 11; length++) {
    const cut = new ByteReader(bytesSource("x", frame.subarray(0, length)), 0, Infinity);
    await assert.rejects(skipFrame(cut), FormatError, String(length));
  }
});
