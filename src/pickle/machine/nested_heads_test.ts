import assert from "node:assert/strict";
import { test } from "node:test";
import { looksNested, NESTED_HEADS } from "./nested_heads.ts";

test("whatever is worth a look is in the table that the hot loop reads", () => {
  let worth = 0;
  for (const [first, of] of NESTED_HEADS.subarray(0, 256).entries()) {
    if (of === 0) continue;
    for (let second = 0; second < 256; second++) {
      const thirds = Array.from({ length: 256 }, (_, third) => third);
      if (!thirds.some((third) => looksNested(first, second, third))) continue;
      assert.notEqual(of & (NESTED_HEADS[256 + second] ?? 0), 0, `${first} ${second}`);
      worth++;
    }
  }
  assert.ok(worth > 80, `${worth} pairs`);
});
