import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Safety, Severity } from "../../core/types.ts";
import { compareFindings, Outcome } from "./outcome.ts";

function finding(
  severity: Severity,
  safety: Safety,
  parts: readonly string[] = [],
  score?: number,
): Finding {
  return {
    ...{ ruleId: "r", severity, safety, message: "m", location: { path: "p", parts } },
    ...{ count: 1, details: {} },
    ...(score !== undefined && { score }),
  };
}

test("the verdict is the worst of its findings, and unread is worse than suspicious", () => {
  const verdict = (unread: boolean, ...findings: readonly Finding[]) => {
    const outcome = new Outcome(10);
    outcome.add(findings);
    outcome.unread = unread;
    return outcome.verdict(true);
  };
  assert.equal(verdict(false), "clean");
  assert.equal(verdict(false, finding("low", "suspicious")), "suspicious");
  assert.equal(verdict(false, finding("info", "suspicious")), "clean");
  assert.equal(verdict(false, finding("high", "innocuous")), "clean");
  assert.equal(verdict(true, finding("high", "suspicious")), "incomplete");
  assert.equal(verdict(true, finding("info", "dangerous")), "dangerous");
  assert.equal(new Outcome(1).verdict(false), "skipped");
});

test("a finding that is reported elsewhere counts and is not kept", () => {
  const outcome = new Outcome(10);
  outcome.weigh([finding("critical", "dangerous")]);
  assert.deepEqual([outcome.verdict(true), outcome.riskScore, outcome.sorted().length], [
    "dangerous",
    10,
    0,
  ]);
});

test("of too many the worst are kept, the others counted, and the verdict is that of all", () => {
  const outcome = new Outcome(3);
  for (let round = 0; round < 50; round++) {
    outcome.add([finding("low", "suspicious", [`stream_${round}`])]);
  }
  outcome.add([finding("critical", "dangerous")]);
  assert.equal(outcome.settle(), 48);
  assert.deepEqual(outcome.sorted().map(({ severity }) => severity), ["critical", "low", "low"]);
  assert.equal(outcome.verdict(true), "dangerous");
});

test("a dangerous finding that comes first is not lost among thousands", () => {
  const outcome = new Outcome(2);
  outcome.add([finding("low", "dangerous")]);
  outcome.add(Array.from({ length: 5000 }, () => finding("high", "suspicious")));
  assert.equal(outcome.settle(), 4999);
  assert.equal(outcome.verdict(true), "dangerous");
  assert.equal(outcome.riskScore, 7.5);
});

test("what is added after the end is kept beyond the limit", () => {
  const outcome = new Outcome(1);
  outcome.add([finding("low", "suspicious"), finding("low", "suspicious", ["b"])]);
  assert.equal(outcome.settle(), 1);
  outcome.add([finding("info", "suspicious")]);
  assert.equal(outcome.sorted().length, 2);
});

test("a score that the user moved is the risk", () => {
  const outcome = new Outcome(1);
  outcome.add([finding("low", "suspicious", [], 9)]);
  assert.equal(outcome.riskScore, 9);
});

test("the order is total: streams by number, then offsets, rules and messages", () => {
  const at = (...parts: readonly string[]) => finding("low", "suspicious", parts);
  const ordered = [at(), at("a"), at("stream_2"), at("stream_2", "x"), at("stream_10")];
  assert.deepEqual(ordered.toReversed().toSorted(compareFindings), ordered);
  assert.ok(compareFindings({ ...at(), offset: 9 }, { ...at(), offset: 10 }) < 0);
  assert.ok(compareFindings(at(), { ...at(), ruleId: "s" }) < 0);
  assert.equal(compareFindings(at("a"), at("a")), 0);
});
