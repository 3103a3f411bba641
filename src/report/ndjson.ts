/**
 * The report as newline-delimited JSON: one record a line, each with a `type`, written during the scan.
 * `start`, then for each file its `issue`s, its `error`s and its `asset`, then `summary`.
 *
 * @module
 */

import type { FileReport, ScanError, ScanReport } from "../core/types.ts";
import { jsonText } from "./escape.ts";
import { orderFiles } from "./order.ts";
import {
  assetRecord,
  errorRecords,
  exitRecord,
  headRecord,
  issueRecords,
  summaryRecord,
  totalsRecord,
} from "./record.ts";
import { type ExitOptions, summarize, type Summary } from "./summary.ts";

/** The first line. */
export function ndjsonStart(
  report: Pick<ScanReport, "tool" | "startTime" | "configuration" | "configurationNotes">,
): string {
  return line({ type: "start", ...headRecord(report) });
}

/** The lines of one file. */
export function ndjsonFile(file: FileReport, rules: ScanReport["rules"]): string {
  return [
    ...issueRecords(file, rules).map((issue) => line({ type: "issue", ...issue })),
    ...errorRecords(file.errors).map((error) => line({ type: "error", ...error })),
    line({ type: "asset", ...assetRecord(file, rules) }),
  ].join("");
}

/** The line of an error that belongs to no file. */
export function ndjsonError(error: ScanError): string {
  return errorRecords([error]).map((record) => line({ type: "error", ...record })).join("");
}

/** The last line. It repeats the notes of the first, with those that only the end of a run can tell. */
export function ndjsonSummary(
  report: Pick<ScanReport, "duration" | "suppressed" | "suppressedBy" | "configurationNotes">,
  summary: Summary,
  options: ExitOptions,
): string {
  return line({
    type: "summary",
    ...totalsRecord(report, summary),
    ...summaryRecord(summary),
    configuration_notes: report.configurationNotes ?? [],
    ...exitRecord(summary, options),
  });
}

/** A finished report at once. */
export function renderNdjson(report: ScanReport, options: ExitOptions): string {
  return [
    ndjsonStart(report),
    ...orderFiles(report.files).map((file) => ndjsonFile(file, report.rules)),
    ...report.errors.map(ndjsonError),
    ndjsonSummary(report, summarize(report), options),
  ].join("");
}

function line(record: { readonly type: string; readonly [key: string]: unknown }): string {
  return jsonText(record) + "\n";
}
