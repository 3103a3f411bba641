/**
 * The report as one JSON document. Deterministic but for its times.
 *
 * @module
 */

import { type ScanReport, SEVERITIES } from "../core/types.ts";
import { jsonText } from "./escape.ts";
import { orderFiles, orderFilesByPath } from "./order.ts";
import {
  type AssetRecord,
  assetRecord,
  type ErrorRecord,
  errorRecords,
  type ExitRecord,
  exitRecord,
  type HeadRecord,
  headRecord,
  type IssueRecord,
  issueRecords,
  type SummaryRecord,
  summaryRecord,
  type TotalsRecord,
  totalsRecord,
} from "./record.ts";
import { type ExitOptions, summarize } from "./summary.ts";

/** The JSON report: what `docs/report.schema.json` describes. */
interface JsonReport extends HeadRecord, TotalsRecord, ExitRecord {
  readonly issues: readonly IssueRecord[];
  readonly assets: readonly AssetRecord[];
  readonly errors: readonly ErrorRecord[];
  /** What the rules say that issues name, by id. */
  readonly rules: ScanReport["rules"];
  readonly summary: SummaryRecord;
}

/**
 * The report as plain data, ready for `JSON.stringify`.
 *
 * @param report what was found
 * @param options what counts as failing, for `exit_code`
 */
export function jsonReport(report: ScanReport, options: ExitOptions): JsonReport {
  const summary = summarize(report);
  const files = orderFiles(report.files);
  const { duration, suppressed, suppressed_by, ...counts } = totalsRecord(report, summary);
  return {
    ...headRecord(report),
    duration,
    ...counts,
    // Sorting is stable: within a severity the order of paths and each file's own stay.
    issues: orderFilesByPath(files).flatMap((file) => issueRecords(file, report.rules)).toSorted((
      a,
      b,
    ) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)),
    assets: files.map((file) => assetRecord(file, report.rules)),
    errors: errorRecords([...report.errors, ...files.flatMap((file) => file.errors)]),
    suppressed,
    suppressed_by,
    rules: report.rules,
    summary: summaryRecord(summary),
    ...exitRecord(summary, options),
  };
}

/**
 * The report as JSON text, indented, with a line break at its end. No character in it means anything
 * to a terminal.
 */
export function renderJson(report: ScanReport, options: ExitOptions): string {
  return jsonText(jsonReport(report, options), 2) + "\n";
}
