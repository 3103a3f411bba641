import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SAMPLES } from "../../testdata/report/samples.ts";
import type { FileReport } from "../core/types.ts";
import { escapeText } from "./escape.ts";

/** What a consumer read, see scripts/fixtures/junit_consumers.py. */
interface Read {
  readonly counts: Readonly<Record<"tests" | "failures" | "errors" | "skipped", number>>;
  readonly cases: readonly (readonly [name: string, result: string])[];
}

type Recorded = Readonly<Record<"junitparser" | "xunitparser", Read>> & { readonly sha256: string };

const FOLDER = new URL("../../testdata/report/", import.meta.url);

/** What a file is to be in a consumer, when issues of severity medium fail. */
function expected({ verdict, findings, errors, policy }: FileReport): string {
  if (findings.some(({ severity }) => /^(?:critical|high|medium)$/.test(severity))) {
    return "failure";
  }
  const isUnread = verdict === "incomplete" || errors.length > 0;
  if (isUnread && policy?.incomplete === undefined) return "error";
  return verdict === "skipped" ? "skipped" : "passed";
}

test("consumers of JUnit's XML read which files failed, broke off, were skipped and passed", () => {
  const { reports } = JSON.parse(
    readFileSync(new URL("junit_consumers.json", FOLDER), "utf8"),
  ) as { readonly reports: Readonly<Record<string, Recorded>> };
  let compared = 0;
  for (const [name, report] of Object.entries(SAMPLES)) {
    const recorded = reports[`${name}.junit.xml`];
    if (recorded === undefined) continue;
    const xml = readFileSync(new URL(`${name}.junit.xml`, FOLDER));
    // What was recorded is of the report that is written now.
    assert.equal(createHash("sha256").update(xml).digest("hex"), recorded.sha256, name);
    const cases = [
      ...report.files.map((it) => `${escapeText(it.path)}: ${expected(it)}`),
      ...report.errors.map(({ location }) => `${escapeText(location.path)}: error`),
    ].sort();
    for (const consumer of ["junitparser", "xunitparser"] as const) {
      const { counts, cases: read }: Read = recorded[consumer];
      assert.deepEqual(read.map((it) => it.join(": ")).sort(), cases, `${name}: ${consumer}`);
      const count = (result: string): number => cases.filter((it) => it.endsWith(result)).length;
      assert.deepEqual(counts, {
        tests: cases.length,
        failures: count(": failure"),
        errors: count(": error"),
        skipped: count(": skipped"),
      });
      compared++;
    }
  }
  assert.ok(compared >= 12, String(compared));
});
