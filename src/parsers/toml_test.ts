import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isTable, parseToml, textAt, textsAt } from "./toml.ts";

const ORACLE = new URL("../../testdata/setup-files/oracle.json", import.meta.url);

/** What `tomllib` of CPython 3.13 makes of texts; null for those that it refuses. */
const DOCUMENTS: readonly { readonly text: string; readonly value: unknown }[] = JSON.parse(
  readFileSync(ORACLE, "utf8"),
).toml;

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (isTable(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  }
  if (typeof value === "string" || typeof value === "boolean") return value;
  return { "<kind>": typeof value === "number" || typeof value === "bigint" ? "number" : "date" };
}

test("what Python's tomllib reads is read alike", () => {
  for (const { text, value } of DOCUMENTS) {
    if (value !== null) assert.deepEqual(plain(parseToml(text).root), value, text);
  }
  assert.ok(DOCUMENTS.filter(({ value }) => value === null).length > 100);
});

test("tables within each other beyond a limit are an error, however they are written", () => {
  for (
    const text of [
      `a = ${"[".repeat(10_000)}`,
      `a = ${"{a=".repeat(10_000)}`,
      `${"a.".repeat(100_000)}a = 1`,
      `[${"a.".repeat(100_000)}a]`,
    ]
  ) assert.equal(typeof parseToml(text).error?.message, "string", text.slice(0, 20));
});

test("names that every object has are members of no table", () => {
  const { root } = parseToml("[a]\nb = 1\n");
  assert.deepEqual(textsAt(root, "constructor"), []);
  assert.equal(textAt(root, "a", "toString"), undefined);
  assert.deepEqual(textsAt(parseToml('__proto__ = ["x"]').root, "__proto__"), ["x"]);
});
