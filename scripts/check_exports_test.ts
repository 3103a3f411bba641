import assert from "node:assert/strict";
import { test } from "node:test";
import { unusedExports } from "./check_exports.ts";
import { exportsOf } from "./imports.ts";

function unused(files: Readonly<Record<string, string>>): string[] {
  return unusedExports(new Map(Object.entries(files))).map(({ path, line, message }) =>
    `${path}:${line}: ${message}`
  );
}

test("exports of every kind of declaration are seen, re-exports are not among them", () => {
  const text = [
    "export const a = 1; export function b() {} export async function c() {}",
    "export abstract class D {} export interface E {} export type F = 1; export function* g() {}",
    'export { h } from "./h.ts"; // export const i',
    'const text = "export const j";',
  ].join("\n");
  assert.deepEqual(exportsOf(text).map(({ name }) => name), ["a", "b", "c", "D", "E", "F", "g"]);
});

test("an export that no module imports is named, one that a test imports is not", () => {
  const a = "\nexport const used = 1;\nexport const tested = 2;\nexport const alone = 3;";
  assert.deepEqual(
    unused({
      "src/a.ts": a,
      "src/b.ts": `import { used } from "./a.ts"; used;`,
      "src/a_test.ts": `import { tested } from "./a.ts"; tested;`,
    }),
    ["src/a.ts:4: exports alone, which nothing imports"],
  );
});

test("names behind a namespace or a dynamic import count, the same word elsewhere does not", () => {
  assert.deepEqual(
    unused({
      "src/a.ts": "export const x = 1; export const y = 2; export const z = 3;",
      "src/b.ts": `import * as all from "./a.ts"; all.x;`,
      "src/c.ts": `const { y } = await import("./a.ts"); y;`,
      "src/d.ts": "z;",
    }),
    ["src/a.ts:1: exports z, which nothing imports"],
  );
});

test("what the entries export is for users", () => {
  assert.deepEqual(unused({ "mod.ts": "export const a = 1;" }), []);
});
