/**
 * Baselines: known issues, so that only new ones are reported.
 *
 * An issue is identified by its message, its place inside the file and the file's base name, never by
 * offsets or folders: a file that moves, or grows by a byte before the place, keeps its issues; another
 * command in the same call is a new one. Each entry stands for as many issues as were counted, so that
 * a copy of a harmful file is new again.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { fingerprintOf } from "../report/fingerprint.ts";
import { shownAddress, withoutSecrets } from "../core/shown_url.ts";
import { type FileReport, type Finding, SEVERITIES, type Severity } from "../core/types.ts";

/** The key by which a baseline is known, and its version. */
const MARK = "modelaudit_baseline";
const VERSION = 1;

/** One known issue. */
interface BaselineEntry {
  readonly fingerprint: string;
  readonly rule_id: string;
  readonly severity: Severity;
  /** How many issues of a scan this stands for. */
  readonly count: number;
  /** For people; where it was when the baseline was made. */
  readonly path: string;
  readonly message: string;
}

/** The baseline of a scan: all issues that are not innocuous. */
export function baselineOf(files: readonly FileReport[]): BaselineEntry[] {
  const entries = new Map<string, BaselineEntry>();
  for (const finding of files.flatMap((file) => file.findings)) {
    if (finding.safety === "innocuous") continue;
    const fingerprint = fingerprintOf(finding);
    const known = entries.get(fingerprint);
    entries.set(fingerprint, {
      fingerprint,
      rule_id: finding.ruleId,
      severity: known === undefined ? finding.severity : worse(known.severity, finding.severity),
      count: (known?.count ?? 0) + 1,
      path: known?.path ?? finding.location.path,
      message: known?.message ?? finding.message,
    });
  }
  return [...entries.values()].sort((a, b) => a.fingerprint < b.fingerprint ? -1 : 1);
}

function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b;
}

/** The document that `modelaudit baseline` prints. */
export function baselineDocument(entries: readonly BaselineEntry[]): Record<string, unknown> {
  return { [MARK]: VERSION, issues: entries };
}

/**
 * Reads a baseline's file.
 *
 * @throws ConfigError when it cannot be read or is no baseline
 */
export function loadBaseline(file: string): (finding: Finding) => boolean {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Cannot read the baseline ${file}: ${reason}`;
    throw new ConfigError(shownAddress(file), withoutSecrets(message, file), { cause: error });
  }
  return readBaseline(text, file);
}

/**
 * Reads a baseline.
 *
 * @param file its name, for messages
 * @returns a test that is true for an issue that is known, as often as it was counted
 * @throws ConfigError when the text is no baseline
 */
function readBaseline(text: string, file: string): (finding: Finding) => boolean {
  const remaining = new Map<string, { severity: number; count: number }>();
  for (const entry of parse(text, file)) {
    remaining.set(entry.fingerprint, {
      severity: SEVERITIES.indexOf(entry.severity),
      count: entry.count,
    });
  }
  return (finding) => {
    if (finding.safety === "innocuous") return false;
    const known = remaining.get(fingerprintOf(finding));
    if (known === undefined || known.count <= 0) return false;
    // What the rules now think worse of is news.
    if (SEVERITIES.indexOf(finding.severity) < known.severity) return false;
    known.count--;
    return true;
  };
}

function parse(text: string, file: string): BaselineEntry[] {
  const fail = (reason: string, cause?: unknown): never => {
    throw new ConfigError(
      file,
      `Cannot read the baseline ${file}: ${reason}. "modelaudit baseline PATH" makes one`,
      { cause },
    );
  };
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return fail(`it is no JSON (${error instanceof Error ? error.message : String(error)})`, error);
  }
  if (!isRecord(data) || data[MARK] === undefined) return fail(`it has no "${MARK}"`);
  if (data[MARK] !== VERSION) return fail(`its version is ${String(data[MARK])}, not ${VERSION}`);
  const issues: unknown = data["issues"];
  if (!Array.isArray(issues)) return fail('it has no list of "issues"');
  return issues.map((it: unknown, index) =>
    isEntry(it) ? it : fail(`issue ${index + 1} needs "fingerprint", "severity" and "count"`)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEntry(value: unknown): value is BaselineEntry {
  return isRecord(value) && typeof value["fingerprint"] === "string" &&
    SEVERITIES.some((it) => it === value["severity"]) &&
    Number.isSafeInteger(value["count"]);
}
