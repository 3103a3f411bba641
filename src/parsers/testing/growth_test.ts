import assert from "node:assert/strict";
import { test } from "node:test";
import { assertLinear } from "./growth.ts";

test("linear work passes, quadratic work does not, by a clock that counts steps", async () => {
  let steps = 0;
  const text = (count: number) => "ab".repeat(count);
  const now = () => steps;
  await assertLinear(text, (it) => steps += it.length, 40_000, now);
  await assertLinear(text, (it) => steps += it.length * Math.log2(it.length), 40_000, now);
  const quadratic = (it: string) => steps += it.length ** 2;
  await assert.rejects(assertLinear(text, quadratic, 40_000, now), /32 times the input took/);
});
