import assert from "node:assert/strict";
import { test } from "node:test";
import { DecoderError, FormatError, LimitError, SourceError } from "../../core/errors.ts";
import { anomalyOf, describe, isDefect, unjudged } from "./error_anomalies.ts";

test("every error leaves the asset unread, under the rule of its kind", () => {
  const expected: readonly (readonly [error: unknown, rule: string, defect?: true])[] = [
    [new LimitError("milliseconds", "m"), "scan-timeout"],
    [new LimitError("signal", "m"), "scan-cancelled"],
    [new LimitError("ratio", "m"), "compression-bomb"],
    [new LimitError("members", "m"), "scan-limit"],
    [new LimitError("constructor", "m"), "scan-limit"],
    [new FormatError("m", 3), "x-malformed"],
    [new SourceError("s", "m"), "file-unreadable"],
    [new SourceError("s", "m", { reason: "changed" }), "file-changed"],
    [new DecoderError("d", "m"), "scan-decoder-missing"],
    [new TypeError("m"), "scan-defect", true],
    ["a text", "scan-defect", true],
    [undefined, "scan-defect", true],
  ];
  for (const [error, rule, defect = false] of expected) {
    const anomaly = anomalyOf(error, "x-malformed");
    assert.deepEqual([anomaly.rule, anomaly.unread], [rule, true], String(error));
    assert.equal(isDefect(error), defect, String(error));
  }
});

test("a malformed place keeps its offset, also at 0", () => {
  assert.equal(anomalyOf(new FormatError("m", 0)).offset, 0);
  assert.ok(!("offset" in anomalyOf(new FormatError("m"))));
});

test("what cannot be judged is suspicious, with what was thrown", () => {
  const found = unjudged({ path: "a", parts: [] }, new RangeError("x"));
  assert.deepEqual([found.ruleId, found.safety], ["scan-defect", "suspicious"]);
  assert.match(found.message, /RangeError: x$/);
  assert.equal(describe(null), "null");
});
