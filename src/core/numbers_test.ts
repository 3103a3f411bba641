import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatCount, formatNumber, formatSeconds } from "./numbers.ts";

test("bytes have decimal units, and no unit is ever a thousand of the one below", () => {
  const expected: readonly (readonly [bytes: number, text: string])[] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1249, "1.2 kB"],
    [99_949, "99.9 kB"],
    [99_950, "100 kB"],
    [999_499, "999 kB"],
    [999_950, "1.0 MB"],
    [1_234_567_890, "1.2 GB"],
    [5e12, "5.0 TB"],
    [9e15, "9.0 PB"],
    [9e18, "9000 PB"],
  ];
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
});

test("seconds become minutes, rounded once", () => {
  assert.equal(formatSeconds(0.344), "0.34 s");
  assert.equal(formatSeconds(12.4), "12 s");
  assert.equal(formatSeconds(59.6), "1 min 0 s");
  assert.equal(formatSeconds(125), "2 min 5 s");
  assert.equal(formatSeconds(3600), "60 min 0 s");
});

test("a count has its noun, in the singular for one alone", () => {
  assert.equal(formatCount(1, "file"), "1 file");
  assert.equal(formatCount(0, "file"), "0 files");
  assert.equal(formatCount(1204, "entry", "entries"), "1,204 entries");
  assert.equal(formatNumber(1_000_000), "1,000,000");
  assert.equal(formatNumber(999), "999");
});
