/**
 * Reports as plain records in snake_case, the shape that every machine-readable format shares.
 * `docs/report.schema.json` describes it.
 *
 * @module
 */

import type { ModelAbout } from "../core/about.ts";
import type { RestrictedLoad } from "../core/restricted_load.ts";
import { ATLAS_VERSION } from "../core/atlas.ts";
import {
  type FailOn,
  type FileHash,
  type FileReport,
  type Finding,
  type IncompleteAcceptance,
  type Safety,
  type ScanError,
  type ScanReport,
  type Severity,
  SEVERITY_SCORES,
  type Suppressed,
  type Verdict,
} from "../core/types.ts";
import { reasonsOf } from "../core/reasons.ts";
import { aggregateInnocuous } from "./aggregate.ts";
import { locationText, orderErrors, orderFindings } from "./order.ts";
import { exitCode, type ExitOptions, type Summary } from "./summary.ts";

/** Grows with a change that breaks readers; fields may be added without. */
export const SCHEMA_VERSION = "1.0";

/** One issue. */
export interface IssueRecord {
  readonly rule_id: string;
  readonly severity: Severity;
  readonly severity_score: number;
  readonly safety_level: Safety;
  readonly message: string;
  /** Path, members and stream as text. */
  readonly location: string;
  /** The same, apart. */
  readonly location_parts: readonly string[];
  /** Equal to its asset's. */
  readonly path: string;
  /**
   * Byte in the innermost part of the location; null when the issue concerns the file and no place in
   * it.
   */
  readonly offset: number | null;
  /** How often it was seen. */
  readonly count: number;
  /** The title of its rule. */
  readonly title: string;
  /** The rule whose reasons apply, where it is another; else null. */
  readonly reasons_rule_id: string | null;
  readonly why: string;
  readonly fix: string;
  readonly references: readonly string[];
  /** Techniques of MITRE ATLAS. */
  readonly atlas: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** One file given or found; its verdict covers everything inside it. */
export interface AssetRecord {
  readonly path: string;
  /** Id of the outermost format; null when none matched. */
  readonly format: string | null;
  readonly formats: readonly string[];
  readonly size: number | null;
  /** What the file says of the model in it or beside it, unchecked; null where it says nothing. */
  readonly about: AboutRecord | null;
  /** How loaders that refuse code take the file, by release; empty for formats that have none. */
  readonly loads: readonly RestrictedLoad[];
  readonly verdict: Verdict;
  readonly risk_score: number;
  readonly bytes_read: number;
  /** Bytes that there are, read or not: the size, beside what of it was read. */
  readonly bytes_total: number | null;
  /** Lower-case hexadecimal; null where it was not asked for or cannot be had. */
  readonly sha256: string | null;
  /** Whence that is: computed of the content, or from the hub's listing. */
  readonly sha256_by: FileHash["by"] | null;
  readonly parts_scanned: number;
  /** Issues of this file that the configuration or a baseline let through. */
  readonly suppressed: number;
  /** The same by reason. */
  readonly suppressed_by: Suppressed;
  /** Issues that were accepted: they fail no run, and count in the verdict and the risk score. */
  readonly accepted: readonly AcceptedRecord[];
  /** The least severity that fails a run, where a policy gives this file one of its own; else null. */
  readonly fail_on: FailOn | null;
  /** By what it was accepted that the file is incomplete, so that it fails no run; null when it was not. */
  readonly incomplete_accepted: IncompleteAcceptance | null;
}

/** What a file says of a model; only what it says. */
interface AboutRecord extends Omit<ModelAbout, "baseModels"> {
  readonly base_models?: readonly string[];
}

function aboutRecord({ baseModels, ...about }: ModelAbout): AboutRecord {
  return { ...about, ...(baseModels !== undefined && { base_models: baseModels }) };
}

/** An issue that was accepted. */
interface AcceptedRecord {
  readonly rule_id: string;
  readonly severity: Severity;
  readonly safety_level: Safety;
  readonly message: string;
  readonly location: string;
  /** All of the issue, as in the list of issues. */
  readonly issue: IssueRecord;
  /** By what: disabled, ignored, baseline. */
  readonly by: string;
  /** The last day on which that holds; null for no end. */
  readonly until: string | null;
  /** The reason that was given; null for none. */
  readonly why: string | null;
}

/** Something that could not be read. */
export interface ErrorRecord {
  readonly path: string;
  readonly location: string;
  readonly location_parts: readonly string[];
  readonly message: string;
  readonly remedy: string;
}

/** Verdict and counts of a run. */
export interface SummaryRecord {
  /** The worst verdict; null when nothing scannable was found. */
  readonly verdict: Verdict | null;
  readonly risk_score: number;
  readonly files: Readonly<Record<Verdict, number>>;
  readonly issues: Readonly<Record<Severity, number>>;
  readonly errors: number;
}

/** What is known before the first file is read. */
export interface HeadRecord {
  readonly schema_version: string;
  readonly tool: ScanReport["tool"];
  readonly start_time: string;
  readonly configuration: string;
  /** What in it took no effect, or will not for long. */
  readonly configuration_notes: readonly string[];
  /** The release of MITRE ATLAS that techniques are of. */
  readonly atlas_version: string;
}

/** The exit code of a run, and what decided it besides what was found. */
export interface ExitRecord {
  /** The least severity that fails the run where no policy says another. */
  readonly fail_on: FailOn;
  readonly allow_no_models: boolean;
  readonly exit_code: number;
}

/** The counts of a run that stand at the top of a JSON report. */
export interface TotalsRecord {
  readonly duration: number;
  readonly files_scanned: number;
  readonly files_skipped: number;
  readonly bytes_total: number;
  readonly bytes_read: number;
  readonly suppressed: number;
  /** The same by reason: allowed, disabled, ignored, baseline. */
  readonly suppressed_by: Suppressed;
}

/** The issues of one file: worst first, innocuous ones of the same global reported as one. */
export function issueRecords(
  file: Pick<FileReport, "path" | "findings">,
  rules: ScanReport["rules"],
): IssueRecord[] {
  return orderFindings(aggregateInnocuous(file.findings))
    .map((finding) => issueRecord(finding, file.path, rules));
}

function issueRecord(finding: Finding, path: string, rules: ScanReport["rules"]): IssueRecord {
  const { title, why, fix, references, atlas } = reasonsOf(finding, rules);
  return {
    rule_id: finding.ruleId,
    severity: finding.severity,
    severity_score: finding.score ?? SEVERITY_SCORES[finding.severity],
    safety_level: finding.safety,
    message: finding.message,
    location: locationText(finding.location),
    location_parts: [finding.location.path, ...finding.location.parts],
    path,
    offset: finding.offset ?? null,
    count: finding.count,
    title,
    reasons_rule_id: finding.reasons ?? null,
    ...{ why, fix, references, atlas },
    details: finding.details,
  };
}

/** One file as a record. */
export function assetRecord(file: FileReport, rules: ScanReport["rules"]): AssetRecord {
  return {
    path: file.path,
    format: file.formats[0] ?? null,
    formats: file.formats,
    size: file.size ?? null,
    about: file.about === undefined ? null : aboutRecord(file.about),
    loads: file.loads ?? [],
    verdict: file.verdict,
    risk_score: file.riskScore,
    bytes_read: file.bytesRead,
    bytes_total: file.size ?? null,
    sha256: file.sha256?.value ?? null,
    sha256_by: file.sha256?.by ?? null,
    parts_scanned: file.partsScanned,
    suppressed: Object.values(file.suppressed ?? {}).reduce((sum, count) => sum + count, 0),
    suppressed_by: file.suppressed ?? {},
    accepted: (file.accepted ?? []).map(({ finding, by, until, why }) => ({
      rule_id: finding.ruleId,
      severity: finding.severity,
      safety_level: finding.safety,
      message: finding.message,
      location: locationText(finding.location),
      issue: issueRecord(finding, file.path, rules),
      by,
      until: until ?? null,
      why: why ?? null,
    })),
    fail_on: file.policy?.failOn ?? null,
    incomplete_accepted: file.policy?.incomplete ?? null,
  };
}

/** Errors as records, by place. */
export function errorRecords(errors: readonly ScanError[]): ErrorRecord[] {
  return orderErrors(errors).map((error) => ({
    path: error.location.path,
    location: locationText(error.location),
    location_parts: [error.location.path, ...error.location.parts],
    message: error.message,
    remedy: error.remedy,
  }));
}

/** Verdict and counts as a record. */
export function summaryRecord(summary: Summary): SummaryRecord {
  return {
    verdict: summary.verdict ?? null,
    risk_score: summary.riskScore,
    files: summary.files,
    issues: summary.issues,
    errors: summary.errors,
  };
}

/** What stands at the head of a report. */
export function headRecord(
  report: Pick<ScanReport, "tool" | "startTime" | "configuration" | "configurationNotes">,
): HeadRecord {
  return {
    schema_version: SCHEMA_VERSION,
    tool: report.tool,
    start_time: report.startTime,
    configuration: report.configuration,
    configuration_notes: report.configurationNotes ?? [],
    atlas_version: ATLAS_VERSION,
  };
}

/** The exit code of a run as a record. */
export function exitRecord(summary: Summary, options: ExitOptions): ExitRecord {
  return {
    fail_on: options.failOn,
    allow_no_models: options.allowNoModels,
    exit_code: exitCode(summary, options),
  };
}

/** The counts at the top of a report. */
export function totalsRecord(
  report: Pick<ScanReport, "duration" | "suppressed" | "suppressedBy">,
  summary: Summary,
): TotalsRecord {
  const files = Object.values(summary.files).reduce((sum, count) => sum + count, 0);
  return {
    duration: report.duration,
    files_scanned: files - summary.files.skipped,
    files_skipped: summary.files.skipped,
    bytes_total: summary.bytesTotal,
    bytes_read: summary.bytesRead,
    suppressed: report.suppressed,
    suppressed_by: report.suppressedBy ?? {},
  };
}
