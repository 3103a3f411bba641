import assert from "node:assert/strict";
import { test } from "node:test";
import { firstField } from "./text_head.ts";

const first = (text: string) => firstField(new TextEncoder().encode(text));

test("the first field is found behind white space and comments", () => {
  for (
    const text of [
      "node {",
      "\n# a: 1\n\t node: 1",
      "#\n#x\r\nnode\n<",
      "node [",
      "\u00a0node\u2003{",
      "node\t:",
      "node # {\n {",
      "node#\n\n:",
    ]
  ) {
    assert.deepEqual(first(text), { name: "node" }, text);
  }
});

test("comments without an end leave it open, and other text has none", () => {
  for (
    const text of [
      "",
      " \n",
      "# node {",
      `#${"x".repeat(100_000)}`,
      "# a\n# b",
      "node",
      " no",
      "node # {",
    ]
  ) {
    assert.equal(first(text), "cut", text.slice(0, 20));
  }
  for (const text of ["a b {", "a.b {", 'node "a"', "{", "1: 2", "\u200bnode {"]) {
    assert.equal(first(text), undefined, text);
  }
});
