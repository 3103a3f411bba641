import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FIXES } from "./fixes.ts";

test("what takes a fix back stands in its file once", () => {
  for (const { id, file, fixed, broken } of FIXES) {
    const text = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
    assert.equal(text.split(fixed).length - 1, 1, id);
    assert.notEqual(fixed, broken, id);
  }
});
