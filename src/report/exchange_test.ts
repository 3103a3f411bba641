import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import Ajv from "ajv-draft-04";
import { file, report, SAMPLES } from "../../testdata/report/samples.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { LARGE_INPUT } from "../parsers/testing/sweep.ts";
import { loadRules } from "../rules/rules.ts";
import type { Finding, ScanReport } from "../core/types.ts";
import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderNdjson } from "./ndjson.ts";
import { renderSarif, type SarifOptions, uriOf } from "./sarif.ts";
import type { ExitOptions } from "./summary.ts";

const MEDIUM: ExitOptions = { failOn: "medium", allowNoModels: false };
const RULES = loadRules();
const SARIF: SarifOptions = {
  ...MEDIUM,
  fingerprintOf,
};

const RENDERERS: Readonly<Record<string, (it: ScanReport) => string>> = {
  sarif: (it) => renderSarif(it, SARIF),
  "junit.xml": (it) => renderJunit(it, MEDIUM),
  md: renderMarkdown,
  json: (it) => renderJson(it, MEDIUM),
  ndjson: (it) => renderNdjson(it, MEDIUM),
};

const GOLDEN = new URL("../../testdata/report/", import.meta.url);

/** The official schema; testdata/README.md says where it is from. */
const validate = new Ajv.default({
  allErrors: true,
  formats: stringFormats(),
  // One pattern of the schema has a brace too many for a Unicode expression.
  unicodeRegExp: false,
}).compile(JSON.parse(readFileSync(new URL("sarif-2.1.0.schema.json", GOLDEN), "utf8")));

const GOLDEN_SAMPLES = [
  "one_harmful",
  "mixed_folder",
  "incomplete",
  "accepted_incomplete",
  "hostile_names",
  "errors_only",
];

for (const name of GOLDEN_SAMPLES) {
  for (const [extension, render] of Object.entries(RENDERERS)) {
    test(`The ${extension} report of ${name} looks as its golden file shows`, () => {
      const text = render(sampleOf(name));
      const path = new URL(`${name}.${extension}`, GOLDEN);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
      assert.equal(text, readFileSync(path, "utf8"));
    });
  }
}

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`SARIF of ${name} is valid, and its references lead where they should`, () => {
    const log = JSON.parse(renderSarif(sample, SARIF));
    expectValid(log);
    const [run] = log.runs;
    for (const result of run.results) {
      assert.equal(run.tool.driver.rules[result.ruleIndex].id, result.ruleId);
      for (const { physicalLocation } of [...result.locations, ...result.relatedLocations]) {
        const { uri, index } = physicalLocation.artifactLocation;
        assert.equal(run.artifacts[index].location.uri, uri);
      }
    }
    run.artifacts.forEach((it: { parentIndex?: number }, index: number) =>
      assert.ok((it.parentIndex ?? -1) < index)
    );
  });

  test(`No report of ${name} has a character that a terminal would act on`, () => {
    for (const render of Object.values(RENDERERS)) {
      // A symbol's variation selector is no formatting character.
      assert.doesNotMatch(render(sample).replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });
}

test("Every golden SARIF report is valid, and the schema refuses what is not", () => {
  const golden = readdirSync(GOLDEN).filter((name) => name.endsWith(".sarif"));
  assert.ok(golden.length >= 5);
  for (const name of golden) {
    expectValid(JSON.parse(readFileSync(new URL(name, GOLDEN), "utf8")));
  }
  const wrong = JSON.parse(renderSarif(sampleOf("one_harmful"), SARIF));
  wrong.runs[0].results[0].level = "critical";
  assert.equal(validate(wrong), false);
});

test("Each rule fits into what code scanning takes of a rule", () => {
  const [like] = harmful();
  assert.ok(like);
  const findings = RULES.list().map((rule): Finding => ({
    ...like,
    ruleId: rule.id,
    severity: rule.severity,
  }));
  const log = JSON.parse(renderSarif({
    ...report([file("x.pkl", "dangerous", findings)]),
    rules: Object.fromEntries(RULES.list().map((rule) => [rule.id, rule])),
  }, SARIF));
  expectValid(log);
  assert.ok(log.runs[0].tool.driver.rules.length > 50);
  for (const rule of log.runs[0].tool.driver.rules) {
    assert.ok(rule.id.length <= 255 && rule.name.length <= 255, rule.id);
    assert.ok(rule.shortDescription.text.length <= 1024, rule.id);
    assert.ok(rule.fullDescription.text.length <= 1024, rule.id);
    assert.ok(rule.properties.tags.length <= 10, rule.id);
    const score = rule.properties["security-severity"];
    assert.ok(score === undefined || Number(score) > 0 && Number(score) <= 10, rule.id);
  }
});

test("Equal issues of one file are distinguished in the hash that code scanning looks at", () => {
  const [finding] = harmful();
  assert.ok(finding);
  const twice = [finding, { ...finding, offset: 999 }];
  const log = JSON.parse(renderSarif(report([file("x.pkl", "dangerous", twice)]), SARIF));
  const hashes = log.runs[0].results.map((it: { partialFingerprints: Record<string, string> }) =>
    it.partialFingerprints["primaryLocationLineHash"]
  );
  assert.equal(hashes[0].replace(/:1$/, ":2"), hashes[1]);
  assert.notEqual(hashes[0], hashes[1]);
});

test(
  "A run has no more results than code scanning takes, the worst first, and says so",
  LARGE_INPUT,
  () => {
    const [finding] = harmful();
    assert.ok(finding);
    const mild = { ...finding, severity: "low" as const };
    const many = Array.from({ length: 25_000 }, (_, offset) => ({ ...mild, offset }));
    const sample = report([
      file("a.pkl", "dangerous", many),
      file("b.pkl", "dangerous", [finding]),
    ]);
    const [run] = JSON.parse(renderSarif(sample, SARIF)).runs;
    assert.equal(run.results.length, 25_000);
    assert.equal(run.results[0].level, "error");
    assert.match(run.invocations[0].toolExecutionNotifications[0].message.text, /^1 more issue/);
  },
);

test("A fingerprint survives a move of bytes, and changes with what is called", () => {
  const [finding] = harmful();
  const print = (it: Finding): unknown => {
    const log = JSON.parse(renderSarif(report([file("x.pkl", "dangerous", [it])]), SARIF));
    return log.runs[0].results[0].partialFingerprints["modelauditIssue/v1"];
  };
  assert.ok(finding);
  assert.equal(print(finding), print({ ...finding, offset: 999 }));
  const other = { ...finding, details: { ...finding.details, global: "posix.system" } };
  assert.notEqual(print(finding), print(other));
});

test("A member of an archive is an artifact within its archive, and the byte is reported there", () => {
  const [finding] = harmful();
  assert.ok(finding);
  const location = { path: "a/b c.7z", parts: ["inner/ü.zip", "model.pkl", "stream_1"] };
  const sample = report([file("a/b c.7z", "dangerous", [{ ...finding, location, offset: 7 }])]);
  const [run] = JSON.parse(renderSarif(sample, SARIF)).runs;
  assert.deepEqual(
    run.artifacts.map((it: { location: { uri: string }; parentIndex?: number }) => [
      it.location.uri,
      it.parentIndex,
    ]),
    [["a/b%20c.7z", undefined], ["inner/%C3%BC.zip", 0], ["model.pkl", 1], ["stream_1", 2]],
  );
  const [related] = run.results[0].relatedLocations;
  assert.deepEqual(related.physicalLocation, {
    artifactLocation: { uri: "stream_1", index: 3 },
    region: { byteOffset: 7 },
  });
});

test("What a baseline knows is in SARIF, suppressed and with its reason", () => {
  const [finding] = harmful();
  assert.ok(finding);
  const accepted = [{ finding, by: "baseline" as const }];
  const known = { ...file("x.pkl", "dangerous"), accepted };
  const log = JSON.parse(renderSarif(report([known]), SARIF));
  expectValid(log);
  assert.deepEqual(log.runs[0].results[0].suppressions, [
    { kind: "external", status: "accepted", justification: "It is in the baseline." },
  ]);
  assert.equal(log.runs[0].invocations[0].exitCode, 0);
});

test("Paths become URIs, of whatever system they are", () => {
  const uris: Readonly<Record<string, string>> = {
    "models/a b#?.pkl": "models/a%20b%23%3F.pkl",
    "./models/x": "models/x",
    ".": ".",
    "/srv/m.pt": "file:///srv/m.pt",
    "C:\\models\\m.pt": "file:///C:/models/m.pt",
    "javascript:alert(1)": "javascript%3Aalert(1)",
    "//host/share": "file:///host/share",
    "\\\\host\\share": "file://host/share",
    "\ud800": "%EF%BF%BD",
    "https://host/a b.pt": "https://host/a%20b.pt",
    "hf://org/model@main/x.pkl": "hf://org/model@main/x.pkl",
    "https:evil": "https%3Aevil",
  };
  for (const [path, uri] of Object.entries(uris)) assert.equal(uriOf(path), uri, path);
});

test("JUnit counts failures, errors and skipped files, and follows --fail-on", () => {
  const [finding] = harmful();
  assert.ok(finding);
  const sample = report([
    file("a.pkl", "dangerous", [finding]),
    file("b.zip", "incomplete"),
    file("c.txt", "skipped"),
    file("d.pt", "clean"),
  ]);
  assert.match(
    renderJunit(sample, MEDIUM),
    /<testsuites name="modelaudit" tests="4" failures="1" errors="1" skipped="1"/,
  );
  assert.match(renderJunit(sample, { ...MEDIUM, failOn: "never" }), /failures="0" errors="1"/);
});

test("Nothing from a file is markup in XML or in Markdown", () => {
  const [finding] = harmful();
  assert.ok(finding);
  const hostile = "]]></failure>``` ![x](http://evil) @team <img src=x> &amp; \ufffe";
  const path = `a|b\`${hostile}.pkl`;
  const sample = report([
    file(path, "dangerous", [{
      ...finding,
      message: hostile,
      location: { path, parts: [hostile] },
    }]),
  ]);
  const xml = renderJunit(sample, MEDIUM);
  assert.doesNotMatch(xml, /<img|\ufffe/);
  assert.equal(xml.match(/<\/failure>/g)?.length, 1);
  for (const line of renderMarkdown(sample).split("\n")) {
    if (!line.includes("evil")) continue;
    // The fence has four backticks, one more than the longest run inside.
    assert.match(line, /(?<!`)````(?!`) .*evil.* (?<!`)````(?!`)/u);
    assert.doesNotMatch(line.replace(/(?<!`)````(?!`).*(?<!`)````(?!`)/u, ""), /evil|@|</);
  }
});

test("Minor issues alone have a headline of their own in Markdown", () => {
  const [like] = harmful();
  assert.ok(like);
  const headline = (severity: "low" | "medium") =>
    renderMarkdown(report([file("a.pkl", "suspicious", [{ ...like, severity }])])).split("\n")[0];
  assert.equal(headline("low"), "## 🟡 modelaudit: Minor issues only");
  assert.equal(headline("medium"), "## 🟡 modelaudit: A person should look at this");
});

test("A Markdown report of hundreds of issues still fits into a comment", () => {
  const [finding] = harmful();
  assert.ok(finding);
  // Escaped, each of the second text's characters takes six.
  for (const message of ["x".repeat(5000), "\u202e".repeat(5000)]) {
    const many = Array.from({ length: 300 }, (_, offset) => ({ ...finding, message, offset }));
    const text = renderMarkdown(report([file("x.pkl", "dangerous", many)]));
    assert.ok(text.length < 65_536, String(text.length));
    const reported = text.split("**CRITICAL**").length - 1;
    assert.ok(text.includes(`and ${300 - reported} more`), String(reported));
  }
});

function expectValid(log: unknown): void {
  validate(log);
  assert.deepEqual(validate.errors, null);
}

function sampleOf(name: string): ScanReport {
  const sample = SAMPLES[name];
  assert.ok(sample, `there is no sample ${name}`);
  return sample;
}

function harmful(): readonly Finding[] {
  return sampleOf("one_harmful").files[0]?.findings.filter((it) => it.severity === "critical") ??
    [];
}

/** What ajv does not bring along. */
function stringFormats(): Readonly<Record<string, (text: string) => boolean>> {
  const reference = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;
  return {
    "uri": (text) => reference.test(text) && URL.canParse(text),
    "uri-reference": (text) => reference.test(text) && !/%(?![0-9A-F]{2})/.test(text),
    "date-time": (text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text),
  };
}
