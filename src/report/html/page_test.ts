import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { file, report, SAMPLES } from "../../../testdata/report/samples.ts";
import type { Finding, ScanReport } from "../../core/types.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./embedded.ts";
import { renderHtml } from "./page.ts";
import { type View, viewOf } from "./view.ts";

const EXIT = { failOn: "medium", allowNoModels: false } as const;

function sampleOf(name: string): ScanReport {
  const sample = SAMPLES[name];
  assert.ok(sample);
  return sample;
}

function harmful(): Finding {
  const found = sampleOf("one_harmful").files[0]?.findings.find((it) => it.severity === "critical");
  assert.ok(found);
  return found;
}

/** What stands in the block of data. */
function dataOf(page: string): View {
  const [, data = ""] =
    /<script type="application\/json" id="report">([^<]*)<\/script>/.exec(page) ??
      [];
  return JSON.parse(data);
}

test("the policy names the one script and the one style that are in the page, by their hashes", () => {
  const page = renderHtml(sampleOf("mixed_folder"), EXIT);
  const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];
  const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
  assert.equal(
    policy,
    `default-src 'none'; script-src 'sha256-${hash(PAGE_SCRIPT)}'; ` +
      `style-src 'sha256-${hash(PAGE_STYLE)}'; base-uri 'none'; form-action 'none'`,
  );
  assert.equal(page.split(`<script>${PAGE_SCRIPT}</script>`).length, 2);
  assert.equal(page.split(`<style>${PAGE_STYLE}</style>`).length, 2);
  // A policy counts from where it stands.
  assert.ok(page.indexOf("Content-Security-Policy") < page.indexOf("<style>"));
  // No attribute of style or of an event, which the policy would switch off, and no address.
  const markup = page.replace(PAGE_SCRIPT, "").replace(PAGE_STYLE, "")
    .replace(/(<script type="application\/json"[^>]*>)[^<]*/, "$1");
  assert.doesNotMatch(markup, /\son\w+=|\sstyle=|https?:|url\(/);
});

test("the page of every sample has its data, and what they say ends no element", () => {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    const page = renderHtml(sample, EXIT);
    assert.deepEqual(dataOf(page), JSON.parse(JSON.stringify(viewOf(sample, EXIT))), name);
    assert.equal(page.match(/<script/g)?.length, 2, name);
    assert.doesNotMatch(page.replaceAll("\n", ""), /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u, name);
  }
});

test("text from a file is neither markup nor an address of its own", () => {
  const nasty = "</script><!--<img src=x onerror=alert(1)>\"'& javascript:alert(1)";
  const finding = { ...harmful(), ruleId: "own", message: nasty, details: { calls: [] } };
  const base = report([file(`${nasty}.pkl`, "dangerous", [finding])], [
    { location: { path: nasty, parts: [] }, message: nasty, remedy: nasty },
  ]);
  const references = [
    "javascript:alert(1)",
    "http://plain",
    "https://a b",
    "CWE-1\n",
    "CVE-2024-12345",
  ];
  const atlas = ["AML.T0050", "AML.T0050/../x"];
  const rules = { own: { title: nasty, why: nasty, fix: nasty, references, atlas } };
  const page = renderHtml({ ...base, rules }, EXIT);
  const [noscript = ""] = /<noscript>[^]*<\/noscript>/.exec(page) ?? [];
  assert.doesNotMatch(noscript, /<(?!\/?(?:noscript|h1|table|tr|td|br|p)\b)/);
  const { see } = dataOf(page).rules["own"] ?? { see: [] };
  assert.deepEqual(see.map(({ href }) => href), [
    undefined,
    undefined,
    undefined,
    undefined,
    "https://nvd.nist.gov/vuln/detail/CVE-2024-12345",
    "https://atlas.mitre.org/techniques/AML.T0050",
    undefined,
  ]);
});

test("files and issues come worst first, and what is accepted is not called clean", () => {
  const view = viewOf(sampleOf("mixed_folder"), EXIT);
  assert.equal(view.verdict, "dangerous");
  assert.match(view.headline, /^Do not load: 2 of 2\d files/);
  assert.deepEqual([...new Set(view.files.map(({ verdict }) => verdict))], [
    "dangerous",
    "incomplete",
    "suspicious",
    "clean",
    "skipped",
  ]);
  const accepted = report([{
    ...file("known.pkl", "dangerous"),
    accepted: [{ finding: harmful(), by: "baseline", until: "2027-01-31", why: "ours" }],
  }]);
  const [known] = viewOf(accepted, EXIT).files;
  assert.equal(known?.verdict, "dangerous");
  assert.match(known?.accepted[0] ?? "", /\(baseline until 2027-01-31: ours\)/);
});

test("a run in which nothing could be opened is not a clean page", () => {
  const view = viewOf(sampleOf("errors_only"), EXIT);
  assert.equal(view.verdict, "incomplete");
  assert.match(view.headline, /see below/);
  assert.equal(view.errors.length, 2);
});
