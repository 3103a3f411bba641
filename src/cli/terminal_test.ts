import assert from "node:assert/strict";
import { test } from "node:test";
import type { Output } from "./io.ts";
import { columnsOf, fitted, wantsColor } from "./terminal.ts";

const output = (isTTY: boolean, columns?: number): Output => ({
  isTTY,
  columns,
  closed: false,
  failure: undefined,
  write: () => Promise.resolve(),
});

test("colour follows NO_COLOR first, then FORCE_COLOR, then the terminal", () => {
  assert.equal(wantsColor({}, output(true)), true);
  assert.equal(wantsColor({}, output(false)), false);
  assert.equal(wantsColor({ TERM: "dumb" }, output(true)), false);
  assert.equal(wantsColor({ NO_COLOR: "1", FORCE_COLOR: "1" }, output(true)), false);
  assert.equal(wantsColor({ NO_COLOR: "" }, output(true)), true);
  assert.equal(wantsColor({ FORCE_COLOR: "1" }, output(false)), true);
  assert.equal(wantsColor({ FORCE_COLOR: "0" }, output(true)), false);
  assert.equal(wantsColor({ FORCE_COLOR: "false" }, output(true)), false);
  assert.equal(wantsColor({ FORCE_COLOR: "" }, output(false)), false);
});

test("columns are the terminal's, then those of the environment, then a pipe's", () => {
  assert.equal(columnsOf({ COLUMNS: "50" }, output(true, 80)), 80);
  assert.equal(columnsOf({ COLUMNS: "50" }, output(false)), 50);
  for (const COLUMNS of ["0", "-1", "x", "1.5", ""]) {
    assert.equal(columnsOf({ COLUMNS }, output(false)), 100, COLUMNS);
  }
  assert.equal(columnsOf({}, output(true, 0)), 100);
});

test("text is wrapped for a terminal and left alone for a pipe", () => {
  const text = "  fix  one two three four five six seven\nshort";
  assert.equal(fitted(text, {}, output(false, 20)), text);
  const lines = fitted(text, {}, output(true, 20)).split("\n");
  assert.deepEqual(lines, [
    "  fix  one two three",
    "       four five six",
    "       seven",
    "short",
  ]);
});
