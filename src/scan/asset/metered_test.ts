import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LimitError } from "../../core/errors.ts";
import { withDefaults } from "../../core/limits.ts";
import { forwardSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import { Budget } from "./budget.ts";
import { errorOf, meter } from "./metered.ts";

const DATA = Uint8Array.from({ length: 100_000 }, (_, at) => at & 0xff);
const budget = () => new Budget(withDefaults(), undefined);

test("each byte is counted once, however often it is read", async () => {
  const source = meter(bytesSource("x", DATA), budget(), undefined);
  assert.deepEqual(await source.read(0, 100), DATA.subarray(0, 100));
  assert.equal(source.bytesRead, 100);
  assert.deepEqual(await source.read(50, 20), DATA.subarray(50, 70));
  assert.equal(source.bytesRead, 100);
  await source.read(5000, 10);
  await source.read(5000, 10);
  assert.equal(source.bytesRead, 110);
});

test("distinct bytes are counted for any sequence of reads", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(120), fc.nat(40)), { maxLength: 60 }),
    (reads) => {
      const small = bytesSource("x", DATA.subarray(0, 130));
      const source = meter(small, budget(), undefined);
      const seen = new Set<number>();
      for (const [offset, length] of reads) {
        const got = source.readSync?.(offset, length) ?? new Uint8Array();
        for (let at = 0; at < got.length; at++) seen.add(offset + at);
        assert.equal(source.bytesRead, seen.size, JSON.stringify(reads));
      }
    },
  ));
});

test("every way to read gives the same bytes, also past the end", async () => {
  const readInto = (offset: number, target: Uint8Array): number => {
    const bytes = DATA.subarray(offset, offset + target.length);
    target.set(bytes);
    return bytes.length;
  };
  const inner = { ...bytesSource("x", DATA), size: DATA.length, readInto };
  const source = meter(inner, budget(), undefined);
  const places = [[0, 10], [99_990, 100], [100_000, 1], [500, 0], [3, 7]] as const;
  for (const [offset, length] of places) {
    const wanted = DATA.subarray(offset, offset + length);
    assert.deepEqual(await source.read(offset, length), wanted, `${offset}`);
    assert.deepEqual(source.readSync?.(offset, length), wanted, `${offset}`);
    const target = new Uint8Array(length);
    const filled = source.readInto?.(offset, target);
    assert.deepEqual(target.subarray(0, filled), wanted, `${offset}`);
    assert.equal(filled, wanted.length);
  }
});

test("reading the same bytes without end is stopped", async () => {
  const source = meter(bytesSource("x", DATA), budget(), undefined);
  await assert.rejects(async () => {
    for (let round = 0; round < 10_000; round++) await source.read(0, DATA.length);
  }, LimitError);
});

test("what ended a stream early is known, although its reader saw only an end", async () => {
  const broken = new Error("the pipe broke");
  let first = true;
  const source = meter(
    forwardSource("x", () => {
      if (!first) return Promise.reject(broken);
      first = false;
      return Promise.resolve(Uint8Array.of(1, 2));
    }),
    budget(),
    undefined,
  );
  assert.equal((await source.read(0, 10)).length, 2);
  assert.equal(source.error, broken);
  assert.equal(errorOf(bytesSource("x", DATA)), undefined);
});
