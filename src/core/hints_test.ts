import assert from "node:assert/strict";
import { test } from "node:test";
import { HINT } from "./hints.ts";

test("no two hints have the same value: a format would take one for the other", () => {
  const values = Object.values(HINT);
  assert.equal(new Set(values).size, values.length);
  for (const value of values) assert.match(value, /^[a-z0-9]+(?:-[a-z0-9]+)*$/);
});
