import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeLines, escapeText, jsonText } from "./escape.ts";

test("what a terminal obeys or hides is written out", () => {
  const expected: Readonly<Record<string, string>> = {
    "\x1b[2J": "\\x1b[2J",
    "a\r\nb\tc": "a\\r\\nb\\tc",
    "\u202eexe.pkl": "\\u202eexe.pkl",
    "a\u200bb": "a\\u200bb",
    "\u{e0041}": "\\u{e0041}",
    "\x9b31m": "\\x9b31m",
    "\x7f": "\\x7f",
    "\ud800": "\\ud800",
    "\ue000": "\\ue000",
    "\u2028": "\\u2028",
    "\u3164": "\\u3164",
  };
  for (const [text, safe] of Object.entries(expected)) assert.equal(escapeText(text), safe);
});

test("text of any language stays, a tower of marks does not", () => {
  for (const text of ["naïve", "日本語", "한국어", "עברית", "किताब", "👍🏽", "a\u0301\u0302"]) {
    assert.equal(escapeText(text), text);
  }
  const tower = `a${"\u0301".repeat(20)}`;
  assert.equal(escapeText(tower), `a${"\u0301".repeat(6)}${"\\u0301".repeat(14)}`);
});

test("line breaks divide, tabs are spaces, the rest is escaped", () => {
  assert.deepEqual(escapeLines("a\tb\r\nc\rd\n\x1b"), ["a    b", "c\\rd", "\\x1b"]);
});

test("JSON parses to the same value, and has nothing that a terminal acts on", () => {
  const value = { a: "\x1b\x9b\u202e\u{e0041}\u2028", "\u200b": ["\n", 1, null, true] };
  for (const indent of [undefined, 2]) {
    const text = jsonText(value, indent);
    assert.deepEqual(JSON.parse(text), value);
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}]/u);
  }
  assert.equal(jsonText({ n: 2n ** 70n }), '{"n":"1180591620717411303424"}');
});
