import assert from "node:assert/strict";
import { test } from "node:test";
import type { Expression } from "./ast.ts";
import { parseTemplate } from "./parser.ts";
import { isPartOf, keyed, rootOf } from "./paths.ts";

function expression(text: string): Expression {
  const [only] = parseTemplate(`{{ ${text} }}`).tags.flatMap(({ expressions }) => expressions);
  assert.ok(only !== undefined);
  return only;
}

test("the root of an expression is the name that its value is a part of", () => {
  const roots = [
    ["messages[1:]|list", "messages"],
    ["range(messages|length)", "messages"],
    ["message.content[0].text", "message"],
    ["tools + others", "tools"],
    ["'a'", ""],
  ] as const;
  for (const [text, root] of roots) assert.equal(rootOf(expression(text)), root, text);
});

test("a part of an item is told from the item itself and from what is made beside it", () => {
  const item = new Set(["x"]);
  for (const text of ["x.children", "x['a']|list", "x.a or []", "x.a if x.a else []"]) {
    assert.equal(isPartOf(expression(text), item), true, text);
  }
  for (const text of ["x", "[1, 2]", "messages", "x.a if x.a else messages", "x.a + messages"]) {
    assert.equal(isPartOf(expression(text), item), false, text);
  }
});

test("a loop goes through a dictionary by its keys, with one name or with two", () => {
  const written = (text: string, targets: number): boolean =>
    keyed(expression(text), targets)?.type === "name";
  assert.equal(written("d", 1), true);
  assert.equal(written("d.items()", 2), true);
  assert.equal(written("d|dictsort", 2), true);
  assert.equal(written("d.keys()|sort", 1), true);
  assert.equal(written("d.items()", 1), false);
  assert.equal(written("d.values()", 1), false);
});
