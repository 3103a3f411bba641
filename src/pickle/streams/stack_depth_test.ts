import assert from "node:assert/strict";
import { test } from "node:test";
import { Depth } from "./stack_depth.ts";

/** How many of the opcodes have what they take. */
function taken(opcodes: string, values: number, marks = 0): number {
  const depth = new Depth({ values, marks });
  const codes = [...opcodes].map((letter) => letter.charCodeAt(0));
  const end = codes.findIndex((code) => !depth.takes(code));
  return end < 0 ? codes.length : end;
}

test("opcodes take values, and four may be there that nobody saw", () => {
  assert.equal(taken("bbbbbb", 1), 4);
  assert.equal(taken("bbbbbb", 3), 6);
  assert.equal(taken("000000", 1), 5);
  assert.equal(taken("NNbR.", 0), 5);
  assert.equal(taken("sssss", 4), 3);
});

test("marks hide what lies below them", () => {
  assert.equal(taken("(b", 9), 1);
  assert.equal(taken("(NNtR.", 1), 6);
  assert.equal(taken("(NNu", 0), 4);
  assert.equal(taken("t", 9), 0);
  assert.equal(taken("tb", 9, 1), 2);
  assert.equal(taken("(o", 9), 1);
  assert.equal(taken("(0b", 2), 3);
  assert.equal(taken("(N1b", 2), 4);
});
