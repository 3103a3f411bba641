import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { file, MISSING, report, SAMPLES } from "../../testdata/report/samples.ts";
import type { ScanReport } from "../core/types.ts";
import { jsonReport, renderJson } from "./json.ts";
import { renderNdjson } from "./ndjson.ts";
import type { ExitOptions } from "./summary.ts";

const MEDIUM: ExitOptions = { failOn: "medium", allowNoModels: false };

const SCHEMA = JSON.parse(
  readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8"),
);

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`The JSON report of ${name} is what its schema describes`, () => {
    const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
      SCHEMA,
    );
    validate(JSON.parse(renderJson(sample, MEDIUM)));
    assert.deepEqual(validate.errors, null);
  });
}

test("The schema refuses a severity that does not exist and a field that nothing described", () => {
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(SCHEMA);
  const good = JSON.parse(renderJson(sampleOf("one_harmful"), MEDIUM));
  assert.equal(validate(good), true);
  assert.ok(!validate({ ...good, extra: 1 }));
  assert.ok(!validate({ ...good, issues: [{ ...good.issues[0], severity: "warning" }] }));
});

test("JSON has no character that a terminal would act on, and parses to what was said", () => {
  const text = renderJson(sampleOf("hostile_names"), MEDIUM);
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  const parsed = JSON.parse(text);
  assert.equal(parsed.assets[0].path, "a\x1b[31mred\u202egpj.pkl");
  assert.match(parsed.issues[0].message, /\r\nclean/);
});

test("Issues are worst first, then by path, location and offset", () => {
  const { issues } = jsonReport(sampleOf("mixed_folder"), MEDIUM);
  assert.deepEqual(issues.slice(0, 6).map((it) => [it.severity, it.location]), [
    ["critical", "models/evil.pkl:stream_0"],
    ["critical", "models/sub/worse.pkl:stream_0"],
    ["critical", "models/sub/worse.pkl:stream_1"],
    ["medium", "models/odd-2.pkl:stream_0"],
    ["medium", "models/odd.pkl:stream_0"],
    ["medium", "models/sub/worse.pkl:stream_0"],
  ]);
});

test("The order of files and findings given makes no difference", () => {
  const sample = sampleOf("mixed_folder");
  const turned: ScanReport = {
    ...sample,
    files: sample.files.map((it) => ({ ...it, findings: it.findings.toReversed() })).toReversed(),
  };
  assert.equal(renderJson(turned, MEDIUM), renderJson(sample, MEDIUM));
});

test("Every issue's path is that of an asset, and its parts make its location", () => {
  const { issues, assets } = jsonReport(sampleOf("mixed_folder"), MEDIUM);
  for (const issue of issues) {
    assert.ok(assets.some((asset) => asset.path === issue.path));
    assert.equal(issue.location_parts.join(":"), issue.location);
    assert.equal(issue.location_parts[0], issue.path);
  }
});

test("Innocuous issues are in it, those of one global reported as one with count and first offset", () => {
  const [harmless] = sampleOf("one_clean").files[0]?.findings ?? [];
  assert.ok(harmless);
  const again = { ...harmless, offset: 900, count: 3 };
  const other = { ...harmless, details: { global: "torch.Size" }, offset: 5 };
  const { issues, summary } = jsonReport(
    report([file("a.pt", "clean", [harmless, other, again])]),
    MEDIUM,
  );
  assert.deepEqual(
    issues.map((it) => [it.details["global"], it.count, it.offset, it.safety_level]),
    [["torch.Size", 12, 5, "innocuous"], ["torch._utils._rebuild_tensor_v2", 15, 77, "innocuous"]],
  );
  assert.equal(summary.issues.info, 2);
});

test("Counts at the top agree with the lists", () => {
  const json = jsonReport(sampleOf("mixed_folder"), MEDIUM);
  assert.equal(json.files_scanned + json.files_skipped, json.assets.length);
  assert.equal(json.files_skipped, 5);
  assert.equal(Object.values(json.summary.issues).reduce((a, b) => a + b), json.issues.length);
  assert.equal(json.summary.errors, json.errors.length);
  assert.equal(json.exit_code, 1);
});

test("Numbers that JSON cannot hold do not break the report", () => {
  const [harmless] = sampleOf("one_clean").files[0]?.findings ?? [];
  assert.ok(harmless);
  const odd = { ...harmless, details: { code: 2n ** 70n, gone: undefined } };
  const text = renderJson(report([file("a.pt", "clean", [odd])]), MEDIUM);
  assert.equal(JSON.parse(text).issues[0].details.code, "1180591620717411303424");
});

test("NDJSON is one record a line, each with its type, start first and summary last", () => {
  const lines = renderNdjson(report(sampleOf("mixed_folder").files, [MISSING]), MEDIUM)
    .trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines[0].type, "start");
  assert.equal(lines[0].schema_version, "1.0");
  assert.equal(lines.at(-1).type, "summary");
  assert.equal(lines.at(-1).exit_code, 1);
  assert.deepEqual(
    new Set(lines.map((it) => it.type)),
    new Set(["start", "issue", "asset", "error", "summary"]),
  );
  assert.equal(lines.filter((it) => it.type === "asset").length, 30);
  assert.equal(lines.filter((it) => it.type === "error").length, 2);
});

test("NDJSON records have the shape of those in JSON", () => {
  const sample = sampleOf("one_harmful");
  const json = jsonReport(sample, MEDIUM);
  const records = renderNdjson(sample, MEDIUM).trimEnd().split("\n").map((it) => JSON.parse(it));
  const issues = records.filter((it) => it.type === "issue").map(({ type: _, ...it }) => it);
  assert.deepEqual(issues, JSON.parse(JSON.stringify(json.issues)));
});

function sampleOf(name: string): ScanReport {
  const sample = SAMPLES[name];
  assert.ok(sample, `there is no sample ${name}`);
  return sample;
}
