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

test("every word that the style bans is found, in names and in texts", () => {
  for (
    const word
      of "told hire bury deaf crew oddity oddities trouble troubles complaint complaints fault faults"
        .split(" ")
  ) {
    assert.equal(inCode(`const ${word}Of = 1;`).length, 1, word);
    assert.equal(inCode(`fail("Cannot read it: ${word} 1");`).length, 1, word);
    assert.equal(wordsInRules("rules/x.toml", `title = "Name with ${word}"`).length, 1, word);
    assert.equal(wordsInRules("rules/x.toml", `why = "It has a ${word}."`).length, 1, word);
  }
  for (const word of "whoever whatever nobody somebody everybody himself".split(" ")) {
    assert.equal(inCode(`const ${word} = 1;`).length, 1, word);
    assert.equal(inCode(`fail("Ask ${word} made it");`).length, 1, word);
    assert.equal(wordsInRules("rules/x.toml", `fix = "Ask ${word} made it."`).length, 1, word);
  }
});

test("what code puts into a text, keys and the usual words of the field are no such words", () => {
  assert.deepEqual(
    inCode("fail(`${it.faults}: ends at ${at}`);", "src/cli/commands/doctor.ts"),
    [],
  );
  assert.deepEqual(inCode('read("told"); fail("a segmentation fault");'), []);
  assert.deepEqual(inCode("const default_ = defaults();"), []);
});

test("a rule's title is a noun phrase, and its texts name who is meant", () => {
  const found = wordsInRules(
    "rules/x.toml",
    [
      'title = "This file is cut off"',
      'why = "Nobody reads it."',
      'title = "Truncated file"',
      'title = "Call that ends this process"',
    ].join("\n"),
  );
  assert.deepEqual(found.map(({ line }) => line), [1, 2, 4]);
});
