import assert from "node:assert/strict";
import { test } from "node:test";
import { SEVERITIES, VERDICTS } from "../core/types.ts";
import { painter, SEVERITY_WORD_WIDTH, severityLabel, verdictLabel } from "./style.ts";

test("colours are put around text and ended, or left out", () => {
  assert.equal(painter(true)("a", "red"), "\x1b[31ma\x1b[39m");
  assert.equal(painter(true)("a", "bold", "brightRed"), "\x1b[91m\x1b[1ma\x1b[22m\x1b[39m");
  assert.equal(painter(true)("", "red"), "");
  assert.equal(painter(false)("a", "red"), "a");
});

test("severities and verdicts have a word of their own, with and without a symbol", () => {
  const words = SEVERITIES.map((it) => severityLabel(it, false).text);
  assert.deepEqual(words, ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "DEBUG"]);
  assert.equal(Math.max(...words.map(({ length }) => length)), SEVERITY_WORD_WIDTH);
  assert.equal(severityLabel("critical", true).text, "🔴 CRITICAL");
  assert.equal(new Set(VERDICTS.map((it) => verdictLabel(it, true).text)).size, VERDICTS.length);
  assert.equal(verdictLabel("clean", false).style, "green");
});
