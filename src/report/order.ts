/**
 * The order of reports (worst first, then by place) and the text form of a place.
 *
 * @module
 */

import {
  type FileReport,
  type Finding,
  type Location,
  type ScanError,
  SEVERITIES,
  VERDICTS,
} from "../core/types.ts";

/** A location as text: `bundle.7z:models/model.pkl:stream_0`. Raw: the caller that shows it escapes it. */
export function locationText(location: Location): string {
  return [location.path, ...location.parts].join(":");
}

/** Findings worst first, then by path, location, offset and rule. Does not change its argument. */
export function orderFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compareLocations(a.location, b.location) ||
    (a.offset ?? -1) - (b.offset ?? -1) ||
    compareText(a.ruleId, b.ruleId) ||
    compareText(a.message, b.message)
  );
}

/** Files by verdict, worst first, then by risk and path. Does not change its argument. */
export function orderFiles(files: readonly FileReport[]): FileReport[] {
  return files.toSorted((a, b) =>
    VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
    b.riskScore - a.riskScore ||
    compareNatural(a.path, b.path)
  );
}

/** Files by path alone. Does not change its argument. */
export function orderFilesByPath(files: readonly FileReport[]): FileReport[] {
  return files.toSorted((a, b) => compareNatural(a.path, b.path));
}

/** Errors by place. Does not change its argument. */
export function orderErrors(errors: readonly ScanError[]): ScanError[] {
  return errors.toSorted((a, b) =>
    compareLocations(a.location, b.location) || compareText(a.message, b.message)
  );
}

function compareLocations(a: Location, b: Location): number {
  return compareNatural(a.path, b.path) || compareParts(a.parts, b.parts);
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareNatural(a[index] ?? "", b[index] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** `stream_2` before `stream_10`; independent of the language of the machine. */
function compareNatural(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [x, y] = [left[index] ?? "", right[index] ?? ""];
    if (x === y) continue;
    const byNumber = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : 0;
    return byNumber || compareText(x, y);
  }
  return left.length - right.length || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
