import assert from "node:assert/strict";
import { test } from "node:test";
import { isArray, isObject, type JsonValue, parseJson } from "../parsers/json.ts";
import { codeReferences, components, moduleTypes, referenceOf } from "./remote_code.ts";

function json(text: unknown) {
  const written = typeof text === "string" ? text : JSON.stringify(text);
  const { value } = parseJson(new TextEncoder().encode(written));
  assert.ok(value !== undefined);
  return value;
}
const written = (value: unknown) =>
  codeReferences(json(value)).references.map(({ written, nested }) =>
    `${written}${nested ? " nested" : ""}`
  );

test("auto_map names classes of the repository and of others, anywhere in the configuration", () => {
  assert.deepEqual(
    written({ auto_map: { AutoModel: "m.X", AutoTokenizer: ["t.Slow", "t.Fast"] } }),
    [
      "m.X",
      "t.Slow",
      "t.Fast",
    ],
  );
  assert.deepEqual(written({ text_config: [{ auto_map: { AutoModel: "o/r--m.X" } }] }), [
    "o/r--m.X nested",
  ]);
  assert.deepEqual(written('{"auto_map": {"A": "a.X"}, "auto_map": {"A": "b.Y"}}'), ["a.X", "b.Y"]);
});

test("of custom pipelines the implementation is code, other texts are not", () => {
  const custom_pipelines = { x: { impl: "p.Pipe", pt: ["AutoModel"], default: "a.b" } };
  assert.deepEqual(written({ custom_pipelines }), ["p.Pipe"]);
});

test("a reference has a repository, a module and a name, or is none", () => {
  assert.deepEqual(referenceOf("org/other--pkg.mod.Class", "auto_map", false), {
    written: "org/other--pkg.mod.Class",
    repository: "org/other",
    module: "pkg.mod",
    name: "Class",
    by: "auto_map",
    nested: false,
  });
  assert.equal(referenceOf("m.X", "auto_map", false)?.repository, undefined);
  for (const text of ["", "X", ".X", "org/r--X"]) {
    assert.equal(referenceOf(text, "x", false), undefined);
  }
});

test("a configuration nested a hundred thousand deep is read without recursion", () => {
  const deep = `${'{"a":'.repeat(100_000)}{"auto_map":{"A":"m.X"}}${"}".repeat(100_000)}`;
  assert.deepEqual(written(deep), ["m.X nested"]);
});

test("a reference behind hundreds of thousands of values is found, behind millions it is said to be missed", () => {
  const behind = (count: number) =>
    json(`{"t": {"auto_map": {"A": "m.X"}}, "pad": [${"0,".repeat(count)}0]}`);
  const { references, complete } = codeReferences(behind(300_000));
  assert.deepEqual([references.length, complete], [1, true]);
  const inner = json(`[${"0,".repeat(999)}0]`);
  assert.ok(isArray(inner));
  const deep = { ...inner, items: Array<JsonValue>(4000).fill(inner) };
  assert.equal(codeReferences(deep).complete, false);
});

test("diffusers' parts are pairs of library and class", () => {
  const index = json({
    _class_name: ["own", "Pipe"],
    _diffusers_version: ["1", "2"],
    unet: ["diffusers", "UNet"],
    none: [null, null],
    three: ["a", "b", "c"],
  });
  assert.ok(isObject(index));
  assert.deepEqual(components(index), [
    { part: "", library: "own", name: "Pipe" },
    { part: "unet", library: "diffusers", name: "UNet" },
  ]);
});

test("modules of sentence-transformers are the texts of their type", () => {
  assert.deepEqual(moduleTypes(json([{ type: "a.B" }, { type: 1 }, "x", { path: "p" }])), ["a.B"]);
  assert.deepEqual(moduleTypes(json({ type: "a.B" })), []);
});
