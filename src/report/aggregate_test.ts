import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, ScanReport } from "../core/types.ts";
import { aggregateInnocuous, groupOperators } from "./aggregate.ts";
import { renderText } from "./text.ts";
import { renderJson } from "./json.ts";

function finding(operator: string, node: string, more: Partial<Finding> = {}): Finding {
  const expression = `${operator}("/etc/${node}") at node "${node}"`;
  return {
    ruleId: "tensorflow-file-read",
    severity: "high",
    safety: "dangerous",
    message: `Running this model uses ${expression}, which reads files of its choice.`,
    location: { path: "saved_model.pb", parts: [] },
    offset: node.length,
    count: 1,
    details: {
      operator,
      calls: [{ expression }],
      evidence: [{ kind: "path", text: `/etc/${node}`, cut: false }],
    },
    ...more,
  };
}

const NODES = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"];

function reportOf(findings: readonly Finding[]): ScanReport {
  return {
    tool: { name: "modelaudit", version: "0.1.0", rules: "0" },
    startTime: "2026-01-01T00:00:00.000Z",
    duration: 0.1,
    files: [{
      path: "saved_model.pb",
      formats: ["tensorflow"],
      size: 100,
      bytesRead: 100,
      verdict: "dangerous",
      riskScore: 7.5,
      findings,
      errors: [],
      partsScanned: 1,
    }],
    errors: [],
    rules: {},
    configuration: "embedded",
    suppressed: 0,
  };
}

test("findings of one rule about one operator become one, and others stay in their order", () => {
  const other = finding("ReadFile", "x", { ruleId: "another-rule" });
  const grouped = groupOperators([
    finding("ReadFile", "a"),
    other,
    finding("MatchingFiles", "b"),
    finding("ReadFile", "ccc", { count: 4 }),
  ]);
  assert.deepEqual(
    grouped.map(({ ruleId, count, details }) => [ruleId, details["operator"], count]),
    [["tensorflow-file-read", "ReadFile", 5], ["another-rule", "ReadFile", 1], [
      "tensorflow-file-read",
      "MatchingFiles",
      1,
    ]],
  );
  assert.equal((grouped[0]?.details["calls"] as unknown[]).length, 2);
  assert.equal((grouped[0]?.details["evidence"] as unknown[]).length, 2);
});

test("what differs in severity or has no operator is not grouped", () => {
  const bare = finding("ReadFile", "a", { details: {} });
  const mild = finding("ReadFile", "a", { severity: "medium", safety: "suspicious" });
  const harmless = finding("ReadFile", "a", { severity: "info", safety: "innocuous" });
  const all = [bare, bare, mild, finding("ReadFile", "a"), harmless, harmless];
  assert.equal(groupOperators(all).length, all.length);
  assert.equal(aggregateInnocuous(all).length, all.length - 1);
});

test("the text report tells a graph's nodes as one block, the JSON report one by one", () => {
  const report = reportOf(NODES.map((node) => finding("ReadFile", node)));
  const options = { color: false, emoji: false, width: 100, verbose: false, quiet: false };
  const text = renderText(report, options);
  assert.equal(text.match(/^ +HIGH/gmu)?.length, 1, text);
  assert.match(text, /6 times/u);
  for (const node of NODES.slice(0, 4)) assert.ok(text.includes(`"/etc/${node}"`), node);
  assert.match(text, /… and 2 more/u);
  const verbose = renderText(report, { ...options, verbose: true });
  for (const node of NODES) assert.ok(verbose.includes(`"/etc/${node}"`), node);
  const { issues } = JSON.parse(renderJson(report, { failOn: "medium", allowNoModels: false })) as {
    issues: unknown[];
  };
  assert.equal(issues.length, NODES.length);
});
