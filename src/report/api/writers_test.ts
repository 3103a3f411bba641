import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exitCodeOf,
  readReport,
  scan,
  toCycloneDx,
  toHtml,
  toJson,
  toJunit,
  toMarkdown,
  toNdjson,
  toSarif,
  toText,
} from "../../../mod.ts";

const HARMFUL = new File(["cos\nsystem\n(S'echo hi'\ntR."], "model.pkl");
const CLEAN = new File(["N."], "none.pkl");

test("every report is written by a function and names the file and its verdict", async () => {
  const report = await scan([HARMFUL, CLEAN], { explain: true, hash: true });
  const results = JSON.parse(toSarif(report)).runs[0].results;
  assert.equal(results[0].level, "error");
  assert.match(results[0].partialFingerprints["modelauditIssue/v1"], /^[0-9a-f]{32}$/);
  assert.match(toText(report), /DANGEROUS +model\.pkl/);
  assert.match(toText(report, { quiet: true }), /^CRITICAL model\.pkl:.*\n$/);
  assert.match(toJunit(report), /<testsuites[^>]* failures="1"/);
  assert.match(toMarkdown(report), /model\.pkl/);
  assert.match(toHtml(report), /^<!doctype html>.*Content-Security-Policy.*model\.pkl/is);
  assert.equal(JSON.parse(toCycloneDx(report)).specVersion, "1.6");
  const lines = toNdjson(report).trim().split("\n").map((line) => JSON.parse(line).type);
  assert.deepEqual([lines.at(0), lines.at(-1)], ["start", "summary"]);
});

test("a JSON report that was written is read again as the same report", async () => {
  const report = await scan([HARMFUL, CLEAN], { explain: true, hash: true });
  const read = readReport(toJson(report, { failOn: "never" }));
  assert.equal(read.exit.failOn, "never");
  assert.equal(toJson(read.report, { failOn: "never" }), toJson(report, { failOn: "never" }));
  assert.equal(toText(read.report), toText(report));
});

test("the exit code is that of the command", async () => {
  const report = await scan([HARMFUL, CLEAN]);
  assert.equal(exitCodeOf(report), 1);
  assert.equal(exitCodeOf(report, { failOn: "never" }), 0);
  assert.equal(exitCodeOf(await scan(CLEAN)), 0);
  assert.equal(exitCodeOf(await scan("/there/is/none.pkl")), 2);
});
