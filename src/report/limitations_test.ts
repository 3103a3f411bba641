import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlwaysShown, limitationsOf, saysUnread } from "./limitations.ts";
import type { FileReport } from "../core/types.ts";

const file = (...ruleIds: readonly string[]): FileReport => ({
  ...{ path: "a", formats: [], size: 0, bytesRead: 0, verdict: "clean", riskScore: 0, errors: [] },
  partsScanned: 0,
  findings: ruleIds.map((ruleId) => ({
    ...{ ruleId, severity: "info", safety: "innocuous", message: "", count: 1 },
    ...{ location: { path: "a", parts: [] }, details: {} },
  })),
});

test("what was not looked into is always shown", () => {
  assert.ok(isAlwaysShown("any", { unread: true }));
  assert.ok(isAlwaysShown("zip-storages-not-fetched", {}));
  assert.ok(!isAlwaysShown("any", {}));
  assert.ok(!saysUnread({ unread: "true" }));
});

test("files whose storages stayed on a server are counted once each", () => {
  const rule = "zip-storages-not-fetched";
  assert.deepEqual(limitationsOf({ files: [file("other")] }), []);
  assert.match(
    limitationsOf({ files: [file(rule, rule), file()] })[0] ?? "",
    /storages of 1 file on/,
  );
  assert.match(
    limitationsOf({ files: [file(rule), file(rule)] })[0] ?? "",
    /of 2 files .*--remote-full/,
  );
});
