import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

test("an offset before the file is reported at a place in the file", async () => {
  const hex = "2400000050544d461c3d19dc38e96600240028002c001b00070000000900000068010000ac01000004";
  const bytes = Uint8Array.from(hex.match(/../gu) ?? [], (pair) => parseInt(pair, 16));
  const report = await scanSource(bytesSource("model.ptl", bytes), { rules: loadRules() });
  assert.notEqual(report.verdict, "clean");
  for (const { offset = 0 } of report.findings) assert.ok(offset >= 0, String(offset));
});
