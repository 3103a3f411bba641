import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsInCode, wordsInRules } from "./check_words.ts";

function inCode(text: string, path = "src/a.ts"): string[] {
  return wordsInCode(new Map([[path, text]])).map(({ message }) => message);
}

test("names with a word that the glossary replaces are named, whatever their case", () => {
  assert.deepEqual(inCode("const toldOf = 1; class Crew {} let KEYS_TOLD = 2;").length, 3);
  assert.deepEqual(inCode("const reported = 1; class Pool {}"), []);
  assert.deepEqual(inCode("// what is told\nconst text = 'told';"), []);
});

test("texts for users name who is meant", () => {
  assert.equal(inCode('throw new Error("Ask whoever made it");').length, 1);
  assert.deepEqual(inCode('throw new Error("Ask whoever made it");', "src/a_test.ts"), []);
});

test("a rule's title is a noun phrase, and its texts name who is meant", () => {
  const found = wordsInRules(
    "rules/x.toml",
    ['title = "This file is cut off"', 'why = "Nobody reads it."', 'title = "Truncated file"']
      .join("\n"),
  );
  assert.deepEqual(found.map(({ line }) => line), [1, 2]);
});
