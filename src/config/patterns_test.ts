import assert from "node:assert/strict";
import { test } from "node:test";
import type { PatternLine } from "./configuration.ts";
import { compilePatterns } from "./patterns.ts";

function line(pattern: string, literal = false): PatternLine {
  const refuse = (reason: string): never => {
    throw new TypeError(reason);
  };
  return { pattern, literal, severity: "medium", title: undefined, origin: "x:1", refuse };
}

test("without patterns there is nothing to match", async () => {
  assert.equal(await compilePatterns([]), undefined);
});

test("each pattern is reported at its first place, literals as they are written", async () => {
  const match = await compilePatterns([line("k[0-9]+"), line("a.b", true), line("(?i)SECRET")]);
  assert.deepEqual(match?.("xx k12 k3 a.b axb secret"), [
    { pattern: "k[0-9]+", text: "k12", at: 3 },
    { pattern: "a.b", text: "a.b", at: 10 },
    { pattern: "(?i)SECRET", text: "secret", at: 18 },
  ]);
  assert.deepEqual(match?.("nothing"), []);
});

test("a pattern that other engines never finish takes time linear in the text", async () => {
  const match = await compilePatterns([line("(a+)+$")]);
  // A backtracking engine needs 2^n steps: it would not come back from forty letters.
  for (const length of [40, 1000, 1_000_000]) {
    assert.deepEqual(match?.("a".repeat(length) + "b"), []);
  }
});

test("what cannot be searched in linear time is refused", async () => {
  for (const pattern of ["a(?=b)", "(a)\\1", "(", "a{2000}", "x".repeat(3000), "a?", "^$"]) {
    await assert.rejects(compilePatterns([line(pattern)]), TypeError, pattern);
  }
});
