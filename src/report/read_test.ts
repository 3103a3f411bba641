import assert from "node:assert/strict";
import { test } from "node:test";
import { file, report, SAMPLES } from "../../testdata/report/samples.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { ConfigError } from "../core/errors.ts";
import type { ScanReport } from "../core/types.ts";
import { renderHtml } from "./html/page.ts";
import { renderJson } from "./json.ts";
import { renderJunit } from "./junit.ts";
import { renderMarkdown } from "./markdown.ts";
import { renderNdjson } from "./ndjson.ts";
import { readReport } from "./read.ts";
import { renderSarif } from "./sarif.ts";
import type { ExitOptions } from "./summary.ts";
import { renderText } from "./text.ts";

const HIGH: ExitOptions = { failOn: "high", allowNoModels: true };
const TEXT = { color: true, emoji: true, width: 80, verbose: true, quiet: false };

const RENDERERS: Readonly<Record<string, (it: ScanReport, exit: ExitOptions) => string>> = {
  json: renderJson,
  ndjson: renderNdjson,
  junit: renderJunit,
  html: renderHtml,
  markdown: (it) => renderMarkdown(it),
  text: (it) => renderText(it, TEXT),
  sarif: (it, exit) => renderSarif(it, { ...exit, fingerprintOf }),
};

/** A report in which something was accepted, and moved in its score. */
function accepted(): ScanReport {
  const [harmless, decoder, code, process] = SAMPLES["one_harmful"]?.files[0]?.findings ?? [];
  assert.ok(harmless && decoder && code && process);
  const evil = file("evil.pkl", "dangerous", [{ ...decoder, score: 6.5 }]);
  return {
    ...report([
      {
        ...evil,
        suppressed: { allowed: 3, ignored: 1, baseline: 1 },
        accepted: [
          {
            finding: { ...process, location: { path: evil.path, parts: ["a:b"] } },
            by: "baseline",
          },
          { finding: code, by: "ignored", until: "2027-01-31", why: "looked at" },
        ],
        policy: { failOn: "critical" },
      },
      {
        ...file("stream", "clean", [harmless, { ...harmless, offset: 3 }]),
        size: undefined,
        sha256: { value: "0123456789abcdef".repeat(4), by: "listing" },
        loads: [
          {
            loader: "torch.load(weights_only=True)",
            release: "torch 2.4",
            outcome: "loads",
            globals: [],
          },
          {
            loader: "torch.load(weights_only=True)",
            release: "torch 2.6",
            outcome: "refused",
            globals: ["os.system"],
            refusal: "the module of os.system cannot be allowed",
            allowing: "harmful",
          },
        ],
      },
    ]),
    configuration: "security.toml",
    suppressed: 5,
    suppressedBy: { allowed: 3, ignored: 1, baseline: 1 },
  };
}

for (const [name, sample] of Object.entries({ ...SAMPLES, accepted: accepted() })) {
  test(`Each report made of the JSON report of ${name} is the one that the scan makes`, () => {
    for (const exit of [HIGH, { ...HIGH, failOn: "never" as const, interrupted: true }]) {
      const read = readReport(renderJson(sample, exit), "report.json");
      assert.deepEqual(read.exit, { interrupted: false, ...exit });
      for (const [format, render] of Object.entries(RENDERERS)) {
        assert.equal(render(read.report, read.exit), render(sample, exit), format);
      }
    }
  });
}

test("What is no JSON report is refused with the place that is wrong", () => {
  const good = JSON.parse(renderJson(accepted(), HIGH));
  const wrong: readonly (readonly [data: unknown, message: RegExp])[] = [
    [undefined, /it is no JSON/],
    [[], /the document is no object/],
    [{ ...good, schema_version: "2.0" }, /schema_version is 2\.0/],
    [{ ...good, assets: {} }, /assets is no list/],
    [{ ...good, assets: [{ ...good.assets[0], verdict: "fine" }] }, /assets\[0\]\.verdict is none/],
    [{ ...good, issues: [{ ...good.issues[0], offset: -1 }] }, /issues\[0\]\.offset is no number/],
    [{ ...good, issues: [{ ...good.issues[0], location_parts: [] }] }, /parts is empty/],
    [{ ...good, suppressed_by: { liked: 1 } }, /suppressed_by\.liked is none of/],
    [{ ...good, fail_on: undefined }, /fail_on is none of/],
    [{ ...good, tool: null }, /tool is no object/],
    [{ ...good, allow_no_models: 1 }, /allow_no_models is neither/],
  ];
  for (const [data, message] of wrong) {
    const text = data === undefined ? "{" : JSON.stringify(data);
    assert.throws(
      () => readReport(text, "x.json"),
      (error) => error instanceof ConfigError && message.test(error.message),
      String(message),
    );
  }
});

test("Each field of a JSON report that is left out is missed", () => {
  const good = JSON.parse(renderJson(accepted(), HIGH));
  // What follows from other fields is not read.
  const derived = [
    ...["files_scanned", "files_skipped", "bytes_total", "bytes_read", "summary", "exit_code"],
    ...["atlas_version", "title", "why", "fix", "references", "atlas", "sha256_by"],
    ...["location", "format", "path"],
  ];
  const holders = [good, good.issues[0], good.assets[0]];
  for (const holder of holders) {
    for (const key of Object.keys(holder)) {
      if (derived.includes(key) || holder === good.assets[0] && key === "suppressed") continue;
      const { [key]: value } = holder;
      delete holder[key];
      assert.throws(() => readReport(JSON.stringify(good), "x.json"), ConfigError, key);
      holder[key] = value;
    }
  }
});
