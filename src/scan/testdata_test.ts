/**
 * Scans every file of `testdata/` and compares with what the documents demand (`expected.json` beside
 * the samples, written from the requirements and never from this program's output).
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "./scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import { type FileReport, SEVERITIES, type Severity, type Verdict } from "../core/types.ts";

const ROOT = new URL("../../testdata/", import.meta.url);

interface Expectation {
  readonly verdict: Verdict;
  readonly severity?: Severity;
  readonly globals?: readonly string[];
  /** Further verdicts that are right; under one of them nothing else is asked. */
  readonly also?: readonly Verdict[];
  readonly note?: string;
}

const rules = loadRules();

async function scan(url: URL): Promise<FileReport> {
  const name = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
  return await scanSource(bytesSource(name, new Uint8Array(readFileSync(url))), { rules });
}

/** What a report lacks of what was expected. */
function shortcomings(report: FileReport, wanted: Expectation): string[] {
  if (wanted.also?.includes(report.verdict)) return [];
  const found: string[] = [];
  if (report.verdict !== wanted.verdict) found.push(`is ${report.verdict}, not ${wanted.verdict}`);
  const worst = report.findings[0]?.severity ?? "debug";
  const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
  if (wanted.severity !== undefined) {
    const right = wanted.verdict === "clean"
      ? rank(worst) >= rank(wanted.severity)
      : worst === wanted.severity;
    if (!right) found.push(`is at worst ${worst}, not ${wanted.severity}`);
  }
  const reported = report.findings.map(({ message, details }) => message + JSON.stringify(details))
    .join();
  for (const global of wanted.globals ?? []) {
    if (!reported.includes(global)) found.push(`does not name ${global}`);
  }
  return found;
}

/** True when the scanner itself failed. */
function isBroken(report: FileReport): boolean {
  return report.findings.some(({ ruleId }) => ruleId === "scan-defect");
}

/** What `expected.json` of a family demands, by the path below its folder. */
function demands(family: string): Readonly<Record<string, Expectation>> {
  const expected = new URL(`${family}/expected.json`, ROOT);
  return existsSync(expected) ? JSON.parse(readFileSync(expected, "utf8")) : {};
}

const FAMILIES = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "report").map(({ name }) => name);

for (const family of FAMILIES) {
  const files = Object.entries(demands(family));
  if (files.length === 0) continue;
  test(`every file of ${family} gets the verdict that the documents demand`, async () => {
    const wrong: string[] = [];
    for (const [name, wanted] of files) {
      const report = await scan(new URL(`${family}/${encodeURI(name)}`, ROOT));
      if (isBroken(report)) wrong.push(`${name} makes the scanner fail`);
      for (const shortcoming of shortcomings(report, wanted)) {
        wrong.push(`${name} ${shortcoming} (${wanted.note ?? "a real, harmless file"})`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

test("no other file of the test data makes the scanner fail", async () => {
  const failed: string[] = [];
  for (const family of FAMILIES) {
    const known = demands(family);
    const folder = new URL(`${family}/`, ROOT);
    for (const name of readdirSync(folder, { recursive: true }).map(String)) {
      const url = new URL(encodeURI(name.replaceAll("\\", "/")), folder);
      if (name in known || statSync(url).isDirectory()) continue;
      if (isBroken(await scan(url))) failed.push(`${family}/${name}`);
    }
  }
  assert.deepEqual(failed, []);
});

test("every published callable gets its verdict when a pickle calls it", async () => {
  const lines = readFileSync(new URL("pickle/callables.txt", ROOT), "utf8").split("\n");
  const wrong: string[] = [];
  let seen = 0;
  for (const line of lines) {
    if (line === "" || line.startsWith("#")) continue;
    const [module = "", name = "", severity = "", safety = ""] = line.split("\t");
    const pickle = new TextEncoder().encode(`c${module}\n${name}\n(tR.`);
    const report = await scanSource(bytesSource("model.pkl", pickle), { rules });
    const finding = report.findings[0];
    if (finding?.severity !== severity || finding.safety !== safety) {
      wrong.push(
        `${module}.${name}: ${finding?.severity} ${finding?.safety}, not ${severity} ${safety}`,
      );
    }
    seen++;
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 100, `only ${seen} callables`);
});
