import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { file, MISSING, report, SAMPLES } from "../../testdata/report/samples.ts";
import type { Finding, ScanReport } from "../core/types.ts";
import { renderText, type TextOptions } from "./text.ts";
import { displayWidth } from "./width.ts";

const PLAIN: TextOptions = { color: false, emoji: true, width: 80, verbose: false, quiet: false };

const GOLDENS: readonly (readonly [name: string, sample: string, options: Partial<TextOptions>])[] =
  [
    ...Object.keys(SAMPLES).map((name) => [name, name, {}] as const),
    ["one_harmful_40", "one_harmful", { width: 40 }],
    ["mixed_folder_40", "mixed_folder", { width: 40 }],
    ["mixed_folder_quiet", "mixed_folder", { quiet: true }],
    ["one_harmful_verbose", "one_harmful", { verbose: true }],
    ["one_harmful_plain", "one_harmful", { emoji: false }],
    ["one_harmful_color", "one_harmful", { color: true }],
  ];

for (const [name, sample, options] of GOLDENS) {
  test(`The text report of ${name} looks as its golden file shows`, () => {
    const text = renderText(sampleOf(sample), { ...PLAIN, ...options });
    // The escape character is made visible, so that the file can be looked at.
    const visible = text.replaceAll("\x1b", "␛");
    const path = new URL(`../../testdata/report/${name}.txt`, import.meta.url);
    if (updating()) writeFileSync(path, visible);
    assert.equal(visible, readFileSync(path, "utf8"));
  });
}

test("The totals name paths that could not be opened beside the files that were", () => {
  const text = renderText({ ...report([file("a.pkl", "clean")]), errors: [MISSING] }, PLAIN);
  assert.match(text, /\n1 file: 1 clean; 1 path could not be opened\n/);
});

test("No line is wider than the terminal, whatever its width and whatever names a file bears", () => {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    for (const width of [20, 33, 40, 59, 60, 61, 80, 100]) {
      for (const emoji of [true, false]) {
        for (
          const line of renderText(sample, { ...PLAIN, width, emoji, verbose: true }).split("\n")
        ) {
          assert.ok(displayWidth(line) <= width, `${name} at ${width}: ${JSON.stringify(line)}`);
        }
      }
    }
  }
});

test("A report never passes control or bidirectional characters from a file to the terminal", () => {
  for (const verbose of [true, false]) {
    for (const quiet of [true, false]) {
      for (const sample of Object.values(SAMPLES)) {
        const text = renderText(sample, { ...PLAIN, verbose, quiet });
        assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]/u);
      }
    }
  }
  const hostile = renderText(sampleOf("hostile_names"), PLAIN);
  assert.match(hostile, /a\\x1b\[31mred\\u202egpj\.pkl/);
});

test("A critical issue's line holds the symbol and the word, and so does a medium one's", () => {
  const text = renderText(sampleOf("one_harmful"), PLAIN);
  assert.match(text, /^ *🔴 CRITICAL .*os\.system\('echo hi'\)/mu);
  assert.match(text, /^ *🟡 MEDIUM .*base64\.b64decode/mu);
});

test("Each severity has its own symbol, word and colour", () => {
  const expected: readonly (readonly [Finding["severity"], string, number])[] = [
    ["critical", "🔴 CRITICAL", 31],
    ["high", "🟠 HIGH", 91],
    ["medium", "🟡 MEDIUM", 33],
    ["low", "🔵 LOW", 34],
    ["info", "ℹ️ INFO", 36],
    ["debug", "🐛 DEBUG", 37],
  ];
  for (const [severity, label, color] of expected) {
    const one = findings("one_harmful").slice(0, 1).map((it) => ({
      ...it,
      severity,
      safety: "suspicious" as const,
    }));
    const text = renderText(report([file("x.pkl", "suspicious", one)]), { ...PLAIN, color: true });
    assert.ok(text.includes(`\x1b[1m\x1b[${color}m${label}\x1b[39m`), severity);
  }
});

test("Words stand alone when symbols are not wanted", () => {
  for (const sample of Object.values(SAMPLES)) {
    const text = renderText(sample, { ...PLAIN, emoji: false, verbose: true });
    assert.doesNotMatch(text, /\p{Emoji_Presentation}|[⚪⚫ℹ─│]/u);
  }
});

test("What is innocuous is shown only when verbose", () => {
  const sample = sampleOf("one_clean");
  assert.doesNotMatch(renderText(sample, PLAIN), /INFO/);
  assert.match(renderText(sample, { ...PLAIN, verbose: true }), /ℹ️ INFO .*_rebuild_tensor_v2/);
});

test("A rule gives its reasons once in a report", () => {
  const text = renderText(sampleOf("mixed_folder"), PLAIN);
  assert.equal(text.split("Decoders hide what comes next").length, 2);
});

test("The worst file comes first and the verdict of all last", () => {
  const lines = renderText(sampleOf("mixed_folder"), PLAIN).trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^🔴 DANGEROUS {2}models\/evil\.pkl/);
  assert.match(lines.slice(-6).join("\n"), /^🔴 DANGEROUS {2}Do not load: 2 of 25 files/m);
});

test("Clean files are only counted when they are many", () => {
  const text = renderText(sampleOf("all_clean"), PLAIN);
  assert.ok(text.split("\n").length < 6);
  assert.match(text, /200 files: nothing harmful found/);
});

test("A clean run with quiet says nothing at all", () => {
  assert.equal(renderText(sampleOf("all_clean"), { ...PLAIN, quiet: true }), "");
});

test("A quiet report has one line an issue", () => {
  const lines = renderText(sampleOf("mixed_folder"), { ...PLAIN, quiet: true }).trimEnd().split(
    "\n",
  );
  assert.equal(lines.length, 7);
  for (const line of lines) assert.match(line, /^(🔴 CRITICAL|🟡 MEDIUM|⚪ INCOMPLETE) models\//u);
});

test("An incomplete file says what could not be read and what helps", () => {
  const text = renderText(sampleOf("incomplete"), PLAIN);
  assert.match(text, /INCOMPLETE {2}models\/locked\.zip/);
  assert.match(text, /it is encrypted/);
  assert.match(text, /Unpack it with its password/);
});

test("A problem that is both a finding and an error is reported once", () => {
  const [finding] = findings("one_harmful");
  assert.ok(finding);
  const broken = file("x.zip", "incomplete", [{
    ...finding,
    safety: "suspicious",
    message: `Part of the file is unreadable: ${file("x.zip", "incomplete").errors[0]?.message}`,
  }]);
  assert.equal(renderText(report([broken]), PLAIN).split("it is encrypted").length, 2);
});

test("A clean run with an unreadable path does not sound as if all were well", () => {
  const text = renderText(report([file("a.pt", "clean")], [MISSING]), PLAIN);
  assert.match(text, /UNREAD {2}nosuch\.pkl/);
  assert.match(text, /Not everything could be read/);
});

test("A file with hundreds of issues shows the worst and counts the rest", () => {
  const [finding] = findings("one_harmful");
  assert.ok(finding);
  const many = Array.from({ length: 300 }, (_, offset) => ({ ...finding, offset }));
  const sample = report([file("x.pkl", "dangerous", many)]);
  const text = renderText(sample, PLAIN);
  assert.match(text, /and 280 more issues; --verbose shows all/);
  assert.match(renderText(sample, { ...PLAIN, verbose: true }), /byte 299/);
});

test("The report names its configuration and what was suppressed", () => {
  const sample: ScanReport = {
    ...sampleOf("one_clean"),
    configuration: "/etc/x.toml",
    suppressed: 3,
  };
  assert.match(renderText(sample, PLAIN), /rules of \/etc\/x\.toml 0123456789ab ·\n3 suppressed/);
});

function sampleOf(name: string): ScanReport {
  const sample = SAMPLES[name];
  assert.ok(sample, `there is no sample ${name}`);
  return sample;
}

function findings(name: string): readonly Finding[] {
  return sampleOf(name).files[0]?.findings.filter((it) => it.severity === "critical") ?? [];
}

/** Goldens are written anew with UPDATE_GOLDEN=1 and looked at before they are kept. */
function updating(): boolean {
  return process.env["UPDATE_GOLDEN"] === "1";
}
