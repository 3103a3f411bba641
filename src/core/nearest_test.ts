import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearest } from "./nearest.ts";

const WORDS = ["text", "json", "ndjson", "sarif", "junit", "markdown", "never"];

test("a missing, wrong, added or swapped letter is forgiven", () => {
  assert.equal(nearest("jsn", WORDS), "json");
  assert.equal(nearest("jsom", WORDS), "json");
  assert.equal(nearest("jsson", WORDS), "json");
  assert.equal(nearest("sairf", WORDS), "sarif");
  assert.equal(nearest("SARIF", WORDS), "sarif");
  assert.equal(nearest("markdwon", WORDS), "markdown");
});

test("another word is no mistake, nor is one that begins otherwise", () => {
  for (const word of ["severe", "xml", "", "completely"]) {
    assert.equal(nearest(word, WORDS), undefined);
  }
});

test("of several the nearest is meant", () => {
  assert.equal(nearest("ndjso", WORDS), "ndjson");
  assert.equal(nearest("json", WORDS), "json");
});

test("a long word is not compared, since that takes its square", () => {
  assert.equal(nearest("a".repeat(65), ["a".repeat(65)]), undefined);
});

test("the question is put behind a message, or nothing is", () => {
  assert.equal(didYouMean("jsn", WORDS), ' Did you mean "json"?');
  assert.equal(didYouMean("zzz", WORDS), "");
});
