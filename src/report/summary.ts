/**
 * Counts over a report, the verdict of a run and its exit code.
 *
 * @module
 */

import {
  type FailOn,
  type FileReport,
  type ScanReport,
  SEVERITIES,
  type Severity,
  type Verdict,
  VERDICTS,
} from "../core/types.ts";
import { aggregateInnocuous } from "./aggregate.ts";

/** What the counts of a run amount to. */
export interface Summary {
  /** The worst verdict of its files; undefined when nothing was given a verdict but `skipped`. */
  readonly verdict: Verdict | undefined;
  readonly riskScore: number;
  /** Files by verdict. */
  readonly files: Readonly<Record<Verdict, number>>;
  /** Files that could not be read completely, with any verdict, where nothing accepts that. */
  readonly unread: number;
  /** Issues of the files to which no policy gives a `fail_on` of their own, counted alike. */
  readonly ungoverned: Readonly<Record<Severity, number>>;
  /** Issues that fail the run by the `fail_on` that a policy gives their file. */
  readonly failures: number;
  /** Problems with reading that were accepted, of those in `errors`. */
  readonly errorsAccepted: number;
  /** Issues by severity, innocuous ones among them, each global once a file. */
  readonly issues: Readonly<Record<Severity, number>>;
  /** Problems with reading: those of files and those of the run. */
  readonly errors: number;
  /** Bytes of all files whose size is known. */
  readonly bytesTotal: number;
  readonly bytesRead: number;
}

/** What the exit code depends on besides the report. */
export interface ExitOptions {
  /** The least severity that fails a run. */
  readonly failOn: FailOn;
  /** Nothing scannable is fine, as a commit hook needs it. */
  readonly allowNoModels: boolean;
  /** The user ended the run before its time. */
  readonly interrupted?: boolean;
  /** The code for issues that fail; 1 unless given. */
  readonly failedCode?: number | undefined;
}

/** Collects a {@linkcode Summary} file by file, so that a stream of them can be summed. */
export class SummaryBuilder {
  readonly #files = Object.fromEntries(VERDICTS.map((it) => [it, 0])) as Record<Verdict, number>;
  readonly #issues = noIssues();
  readonly #ungoverned = noIssues();
  #failures = 0;
  #unread = 0;
  #errorsAccepted = 0;
  #riskScore = 0;
  #errors = 0;
  #bytesTotal = 0;
  #bytesRead = 0;

  /** Counts a file. */
  add(file: FileReport): void {
    this.#files[file.verdict]++;
    const { failOn, incomplete } = file.policy ?? {};
    if (incomplete !== undefined) this.#errorsAccepted += file.errors.length;
    else if (isUnread(file)) this.#unread++;
    for (const { severity } of aggregateInnocuous(file.findings)) {
      this.#issues[severity]++;
      if (failOn === undefined) this.#ungoverned[severity]++;
      else if (failingOn(failOn).includes(severity)) this.#failures++;
    }
    this.#riskScore = Math.max(this.#riskScore, file.riskScore);
    this.#errors += file.errors.length;
    this.#bytesTotal += file.size ?? file.bytesRead;
    this.#bytesRead += file.bytesRead;
  }

  /** Clean files so far. */
  get clean(): number {
    return this.#files.clean;
  }

  /** Counts an error of the run. */
  addError(): void {
    this.#errors++;
  }

  /** What was counted so far. */
  summary(): Summary {
    return {
      verdict: VERDICTS.find((verdict) => verdict !== "skipped" && this.#files[verdict] > 0),
      riskScore: this.#riskScore,
      files: { ...this.#files },
      unread: this.#unread,
      ungoverned: { ...this.#ungoverned },
      failures: this.#failures,
      errorsAccepted: this.#errorsAccepted,
      issues: { ...this.#issues },
      errors: this.#errors,
      bytesTotal: this.#bytesTotal,
      bytesRead: this.#bytesRead,
    };
  }
}

function noIssues(): Record<Severity, number> {
  return Object.fromEntries(SEVERITIES.map((it) => [it, 0])) as Record<Severity, number>;
}

/** The severities that fail a run or a file. */
export function failingOn(failOn: FailOn): readonly Severity[] {
  return failOn === "never" ? [] : SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1);
}

/** True for a file of which something was not read; a worse verdict hides it, acceptance must not. */
function isUnread({ verdict, findings }: FileReport): boolean {
  return verdict === "incomplete" || findings.some(({ details }) => details["unread"] === true);
}

/** The summary of a finished report. */
export function summarize(report: ScanReport): Summary {
  const builder = new SummaryBuilder();
  for (const file of report.files) builder.add(file);
  for (const _ of report.errors) builder.addError();
  return builder.summary();
}

/** True when no issue is of severity medium or more. */
export function isMinor({ issues }: Summary): boolean {
  return issues.critical + issues.high + issues.medium === 0;
}

/**
 * The exit code of a run: an issue outranks what could not be read.
 *
 * @param summary counts of the run
 * @param options what counts as failing
 */
export function exitCode(summary: Summary, options: ExitOptions): number {
  const { failOn, allowNoModels, interrupted, failedCode = 1 } = options;
  // What was cut off is itself an issue: the code must still tell a person's Ctrl-C from harm.
  if (interrupted) return 130;
  const failed = summary.failures > 0 ||
    failingOn(failOn).some((severity) => summary.ungoverned[severity] > 0);
  // Who wants no failure for issues still learns what could not be read.
  if (failed && failedCode !== 0) return failedCode;
  if (summary.unread > 0 || summary.errors > summary.errorsAccepted) return 2;
  return summary.verdict === undefined && !allowNoModels ? 2 : 0;
}
