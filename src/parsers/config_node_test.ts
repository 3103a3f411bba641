import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigNode, fromJson, hasMember, isTrue, textNode, textOf } from "./config_node.ts";
import { parseJson } from "./json.ts";

function read(text: string): ConfigNode {
  const { value } = parseJson(new TextEncoder().encode(text));
  assert.ok(value !== undefined);
  return fromJson(value);
}

test("every member of a map is kept, in order, also one that another hides", () => {
  const node = read('{"a": 1, "b": null, "a": [true, {"c": "x"}]}');
  assert.ok(node.kind === "map");
  assert.deepEqual(node.members.map(([key, value]) => [textOf(key), value.kind]), [
    ["a", "scalar"],
    ["b", "scalar"],
    ["a", "list"],
  ]);
  assert.ok(hasMember(node, "a"));
  assert.ok(!hasMember(node, "c"));
  assert.ok(!hasMember(textNode("a"), "a"));
});

test("JSON nested deeper than the call stack is turned over", () => {
  let node = read(`${"[".repeat(100_000)}1${"]".repeat(100_000)}`);
  let depth = 0;
  for (; node.kind === "list"; node = node.items[0] ?? textNode("")) depth++;
  assert.deepEqual([depth, textOf(node)], [100_000, "1"]);
});

test("what Python takes for true is true", () => {
  // `bool()` of the same values in CPython.
  for (const text of ["true", "1", '"0"', '"False"', "[0]", '{"a": 0}', "-1", "0.5"]) {
    assert.ok(isTrue(read(text)), text);
  }
  for (const text of ["false", "0", '""', "[]", "{}", "null", "0.0", "-0"]) {
    assert.ok(!isTrue(read(text)), text);
  }
});
