import assert from "node:assert/strict";
import { test } from "node:test";
import { atMost, compareVerdicts, HARMLESS, type Verdict, worseSeverity } from "./rule.ts";

const verdict = (severity: Verdict["severity"], safety: Verdict["safety"]): Verdict => ({
  severity,
  safety,
});

test("severity counts first, then safety", () => {
  const ordered = [
    verdict("critical", "dangerous"),
    verdict("critical", "suspicious"),
    verdict("high", "dangerous"),
    verdict("low", "innocuous"),
    HARMLESS,
  ];
  assert.deepEqual(ordered.toReversed().toSorted(compareVerdicts), ordered);
  assert.equal(compareVerdicts(HARMLESS, { ...HARMLESS }), 0);
});

test("the worse of two severities is the same in either order", () => {
  assert.equal(worseSeverity("low", "critical"), "critical");
  assert.equal(worseSeverity("critical", "low"), "critical");
  assert.equal(worseSeverity("debug", "info"), "info");
});

test("a bound lowers each part by itself and raises none", () => {
  const bound = verdict("medium", "suspicious");
  assert.deepEqual(atMost(verdict("critical", "dangerous"), bound), bound);
  assert.deepEqual(atMost(verdict("low", "dangerous"), bound), verdict("low", "suspicious"));
  assert.deepEqual(atMost(verdict("high", "innocuous"), bound), verdict("medium", "innocuous"));
  assert.deepEqual(atMost(verdict("high", "dangerous"), undefined), verdict("high", "dangerous"));
});
