/**
 * The reports as functions, for programs.
 *
 * @module
 */

import { expectSettings, FLAG, type Kind, oneOf } from "../../core/known.ts";
import { type FailOn, type ScanReport, SEVERITIES } from "../../core/types.ts";
import { renderCycloneDx } from "../cyclonedx.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { renderHtml } from "../html/page.ts";
import { renderJson } from "../json.ts";
import { renderJunit } from "../junit.ts";
import { renderMarkdown } from "../markdown.ts";
import { renderNdjson } from "../ndjson.ts";
import { renderSarif } from "../sarif.ts";
import { exitCode, type ExitOptions, summarize } from "../summary.ts";
import { renderText } from "../text.ts";

/** What decides whether a scan failed, which most reports say. */
export interface WriteOptions {
  /** The least severity that fails a scan; "medium" unless given. */
  readonly failOn?: FailOn;
  /** True when finding nothing to scan is no failure; false unless given. */
  readonly allowNoModels?: boolean;
}

/** How a report is set for terminals and logs. */
export interface TextWriteOptions {
  /** Colours by ANSI escape sequences; false unless given. */
  readonly color?: boolean;
  /** Symbols before the words; false unless given. */
  readonly emoji?: boolean;
  /** Columns; 100 unless given, at least 20. */
  readonly width?: number;
  /** Also what is innocuous, every issue of a file, and every clean and skipped file; false unless given. */
  readonly verbose?: boolean;
  /** A line for each issue and nothing else; false unless given. */
  readonly quiet?: boolean;
  /** Each accepted issue, not only how many there are; false unless given. */
  readonly showAccepted?: boolean;
}

const WRITE: Readonly<Record<keyof Required<WriteOptions>, Kind>> = {
  failOn: oneOf([...SEVERITIES.filter((it) => it !== "debug"), "never"]),
  allowNoModels: FLAG,
};

const OF_TEXT: Readonly<Record<keyof Required<TextWriteOptions>, Kind>> = {
  color: FLAG,
  emoji: FLAG,
  width: {
    label: "a whole number of at least 20",
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 20,
  },
  verbose: FLAG,
  quiet: FLAG,
  showAccepted: FLAG,
};

function exitOf(options: WriteOptions): ExitOptions {
  expectSettings("a report", options, WRITE);
  return { failOn: options.failOn ?? "medium", allowNoModels: options.allowNoModels ?? false };
}

/**
 * The report as people read it, as `modelaudit` shows it.
 *
 * @throws TypeError for options that there are not
 */
export function toText(report: ScanReport, options: TextWriteOptions = {}): string {
  expectSettings("a report as text", options, OF_TEXT);
  const { color = false, emoji = false, width = 100, verbose = false, quiet = false } = options;
  const { showAccepted = false } = options;
  return renderText(
    report,
    { color, emoji, width, verbose, quiet, showAccepted },
    summarize(report),
  );
}

/**
 * The report as JSON, by `docs/report.schema.json`; {@linkcode readReport} reads it.
 *
 * @throws TypeError for options that there are not
 */
export function toJson(report: ScanReport, options: WriteOptions = {}): string {
  return renderJson(report, exitOf(options));
}

/**
 * The report as JSON, one record a line: head, files, errors, summary.
 *
 * @throws TypeError for options that there are not
 */
export function toNdjson(report: ScanReport, options: WriteOptions = {}): string {
  return renderNdjson(report, exitOf(options));
}

/**
 * The report as SARIF 2.1.0, for code scanning.
 *
 * @throws TypeError for options that there are not
 */
export function toSarif(report: ScanReport, options: WriteOptions = {}): string {
  return renderSarif(report, { ...exitOf(options), fingerprintOf });
}

/**
 * The report as JUnit's XML, a test case a file, for continuous integration.
 *
 * @throws TypeError for options that there are not
 */
export function toJunit(report: ScanReport, options: WriteOptions = {}): string {
  return renderJunit(report, exitOf(options));
}

/** The report as Markdown, for comments and summaries. */
export function toMarkdown(report: ScanReport): string {
  return renderMarkdown(report, summarize(report));
}

/**
 * The report as one page of HTML that asks for nothing from the network. Scan with `explain` for opcodes in it.
 *
 * @throws TypeError for options that there are not
 */
export function toHtml(report: ScanReport, options: WriteOptions = {}): string {
  return renderHtml(report, exitOf(options));
}

/**
 * The report as a bill of materials, CycloneDX 1.6. Scan with `hash` for hashes in it.
 *
 * @throws TypeError for options that there are not
 */
export function toCycloneDx(report: ScanReport, options: WriteOptions = {}): string {
  return renderCycloneDx(report, exitOf(options));
}

/**
 * The exit code of `modelaudit` for a report: 0 clean, 1 an issue of `failOn` or worse, 2 something could not be
 * read.
 *
 * @throws TypeError for options that there are not
 */
export function exitCodeOf(report: ScanReport, options: WriteOptions = {}): number {
  return exitCode(summarize(report), exitOf(options));
}
