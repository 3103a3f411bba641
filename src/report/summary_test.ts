import assert from "node:assert/strict";
import { test } from "node:test";
import { file, MISSING, report, SAMPLES } from "../../testdata/report/samples.ts";
import type { FailOn, Finding, Severity } from "../core/types.ts";
import { exitCode, summarize } from "./summary.ts";

const [CRITICAL] = SAMPLES["one_harmful"]?.files[0]?.findings ?? [];

function issue(severity: Severity): Finding {
  assert.ok(CRITICAL);
  return { ...CRITICAL, severity };
}

function code(
  sample: ReturnType<typeof report>,
  failOn: FailOn = "medium",
  allowNoModels = false,
  interrupted = false,
): number {
  return exitCode(summarize(sample), { failOn, allowNoModels, interrupted });
}

test("A clean run exits with 0", () => {
  assert.equal(code(report([file("a.pt", "clean", [issue("info")])])), 0);
});

test("An issue at or above the threshold exits with 1, one below with 0", () => {
  const order: readonly Exclude<Severity, "debug">[] = [
    "critical",
    "high",
    "medium",
    "low",
    "info",
  ];
  for (const [threshold, failOn] of order.entries()) {
    for (const [rank, severity] of order.entries()) {
      const sample = report([file("a.pkl", "suspicious", [issue(severity)])]);
      assert.equal(code(sample, failOn), rank <= threshold ? 1 : 0, `${severity} with ${failOn}`);
    }
  }
});

test("With never no issue fails a run, but what could not be read still does", () => {
  assert.equal(code(report([file("a.pkl", "dangerous", [issue("critical")])]), "never"), 0);
  assert.equal(code(report([file("a.zip", "incomplete")]), "never"), 2);
});

test("An incomplete file, or a path that cannot be opened, exits with 2", () => {
  assert.equal(code(report([file("a.zip", "incomplete")])), 2);
  assert.equal(code(report([file("a.pt", "clean")], [MISSING])), 2);
});

test("An issue outranks what could not be read", () => {
  const both = report([
    file("a.zip", "incomplete"),
    file("b.pkl", "dangerous", [issue("critical")]),
  ]);
  assert.equal(code(both), 1);
  assert.equal(code(both, "never"), 2);
});

test("A policy says what fails a run for its file alone", () => {
  const low = (path: string, failOn?: FailOn) => ({
    ...file(path, "suspicious", [issue("low")]),
    ...(failOn && { policy: { failOn } }),
  });
  assert.equal(code(report([low("a.pkl"), low("b.pkl", "low")])), 1);
  assert.equal(code(report([low("a.pkl"), low("b.pkl", "medium")])), 0);
  assert.equal(code(report([low("a.pkl"), low("b.pkl", "medium")]), "low"), 1);
  assert.equal(code(report([low("b.pkl", "never")]), "info"), 0);
  assert.equal(code(report([low("b.pkl", "low")]), "never"), 1);
});

test("An incomplete file that a policy accepts does not exit with 2, its issues still fail", () => {
  const incomplete = { by: "policy", until: "2027-01-31", why: "encrypted" } as const;
  const accepted = { ...file("a.zip", "incomplete"), policy: { incomplete } };
  assert.notEqual(accepted.errors.length, 0);
  assert.equal(code(report([accepted])), 0);
  assert.equal(summarize(report([accepted])).verdict, "incomplete");
  assert.equal(code(report([accepted, file("b.zip", "incomplete")])), 2);
  assert.equal(code(report([accepted], [MISSING])), 2);
  assert.equal(code(report([{ ...accepted, findings: [issue("medium")] }])), 1);
});

test("Nothing scannable exits with 2, or with 0 when that is allowed", () => {
  for (const files of [[], [file("README.md", "skipped")]]) {
    assert.equal(code(report(files)), 2);
    assert.equal(code(report(files), "medium", true), 0);
  }
});

test("A missing path exits with 2 even where finding no models is allowed", () => {
  assert.equal(code(report([], [MISSING]), "medium", true), 2);
});

test("A run that was interrupted exits with 130", () => {
  assert.equal(code(report([file("a.pt", "clean")]), "medium", false, true), 130);
});

test("The verdict of a run is the worst of its files'", () => {
  const verdict = (...files: ReturnType<typeof file>[]) => summarize(report(files)).verdict;
  assert.equal(verdict(file("a", "clean"), file("b", "suspicious")), "suspicious");
  assert.equal(verdict(file("a", "incomplete"), file("b", "suspicious")), "incomplete");
  assert.equal(verdict(file("a", "incomplete"), file("b", "dangerous")), "dangerous");
  assert.equal(verdict(file("a", "skipped"), file("b", "clean")), "clean");
  assert.equal(verdict(file("a", "skipped")), undefined);
});
