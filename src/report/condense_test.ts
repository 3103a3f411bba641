import assert from "node:assert/strict";
import { test } from "node:test";
import { file, SAMPLES } from "../../testdata/report/samples.ts";
import type { FileReport, ScanReport } from "../core/types.ts";
import { isShown } from "./condense.ts";
import { renderMarkdown } from "./markdown.ts";
import { SummaryBuilder } from "./summary.ts";
import { renderText } from "./text.ts";

const TEXT = { color: false, emoji: true, width: 100, verbose: false };

/** The report of which only what is shown was kept, and the summary of all of it. */
function condense(report: ScanReport) {
  const builder = new SummaryBuilder();
  const files: FileReport[] = [];
  for (const one of report.files) {
    builder.add(one);
    if (isShown(one, builder.clean)) files.push(one);
  }
  for (const _ of report.errors) builder.addError();
  return { report: { ...report, files }, summary: builder.summary() };
}

/** The report with as many clean and skipped files besides. */
function withMore(report: ScanReport, clean: number): ScanReport {
  const more = Array.from({ length: clean }, (_, index) => file(`more/${index}.pkl`, "clean"));
  return { ...report, files: [...more, file("more.txt", "skipped"), ...report.files] };
}

test("A report of what is shown and a summary of all files reads as that of all files", () => {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    for (const clean of [0, 1, 5, 6, 40]) {
      const complete = withMore(sample, clean);
      const { report, summary } = condense(complete);
      for (const quiet of [false, true]) {
        const options = { ...TEXT, quiet };
        assert.equal(renderText(report, options, summary), renderText(complete, options), name);
      }
      assert.equal(renderMarkdown(report, summary), renderMarkdown(complete), name);
    }
  }
});

test("Of many clean files the first few are kept", () => {
  const { report } = condense({
    ...withMore(SAMPLES["one_harmful"] ?? assert.fail(), 1000),
  });
  assert.ok(report.files.length < 10, String(report.files.length));
});
