import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "../config_node.ts";
import { readGin } from "./gin.ts";

/** Names by kind. */
function read(text: string): Readonly<Record<string, readonly (string | undefined)[]>> {
  const node = readGin(text);
  assert.ok(node.kind === "map");
  return Object.fromEntries(
    node.members.map(([key, value]) => [
      textOf(key),
      value.kind === "list" ? value.items.map((item) => textOf(item)) : [],
    ]),
  );
}

test("imports, includes, bindings and references are found, comments are not", () => {
  const found = read(
    "import os\nimport a.b as c  # why\nfrom x.y import z\ninclude 'other.gin'\n" +
      "mod.fn.arg = 1\nscope/mod.Class.arg = @pkg.call()\nname = @scope/other\n# import evil\n",
  );
  assert.deepEqual(found, {
    import: ["os", "a.b", "x.y.z"],
    include: ["other.gin"],
    bind: ["mod.fn", "mod.Class"],
    call: ["pkg.call"],
    reference: ["other"],
  });
});

test("references within values are found wherever they are", () => {
  assert.deepEqual(read("a.b = [@x(), {'k': @y.z}, @w]").call, ["x"]);
  assert.deepEqual(read("a.b = [@x(), {'k': @y.z}, @w]").reference, ["y.z", "w"]);
});

test("places are characters from the start, whatever ends the lines", () => {
  const node = readGin("# a\r\nimport os\n");
  assert.ok(node.kind === "map");
  const [, imports] = node.members[0] ?? [];
  assert.ok(imports?.kind === "list");
  assert.equal(textOf(imports.items[0]), "os");
});

test("text that is no gin says nothing", () => {
  for (const text of ["", "\0\0", "hello world", "import", "from x import", "= 1"]) {
    assert.ok(Object.values(read(text)).every((names) => names.length === 0), text);
  }
});
