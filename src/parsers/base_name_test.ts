import assert from "node:assert/strict";
import { test } from "node:test";
import { baseName } from "./base_name.ts";

test("the last part is found behind either separator, and behind separators at the end", () => {
  const names: Readonly<Record<string, string>> = {
    "a/b.pkl": "b.pkl",
    "C:\\models\\b.pkl": "b.pkl",
    "a\\b/c": "c",
    "a/b//": "b",
    "a/b\\/": "b",
    "b": "b",
    "": "",
    "///": "",
    "..": "..",
  };
  for (const [path, name] of Object.entries(names)) assert.equal(baseName(path), name, path);
});

test("a path of a million separators takes no longer than one look at each", () => {
  assert.equal(baseName(`a${"/".repeat(1_000_000)}`), "a");
});
