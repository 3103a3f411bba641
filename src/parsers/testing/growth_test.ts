import assert from "node:assert/strict";
import { test } from "node:test";
import { assertLinear } from "./growth.ts";

test("linear work passes, quadratic work does not", async () => {
  const text = (count: number) => "ab".repeat(count);
  await assertLinear(text, (it) => it.replaceAll("a", "c"), 40_000);
  const quadratic = (it: string) => {
    let sum = 0;
    for (let at = 0; at < it.length; at++) {
      for (let other = 0; other < it.length; other++) sum = (sum + at * other) | 0;
    }
    return sum;
  };
  await assert.rejects(assertLinear(text, quadratic, 8000), /16 times the input took/);
});
