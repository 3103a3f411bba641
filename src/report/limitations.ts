/**
 * Limitations of a scan: what it did not look into although the file counts as read, and what reports
 * show of it.
 *
 * @module
 */

import type { ScanReport } from "../core/types.ts";
import { formatCount } from "../core/numbers.ts";

/** The rule of storages that stayed on their server. */
const NOT_FETCHED = "zip-storages-not-fetched";

/**
 * True for an issue that reports show however harmless it is: it says what was not looked into, or
 * why something could not be read, such as a Git-LFS pointer.
 */
export function isAlwaysShown(
  ruleId: string,
  details: Readonly<Record<string, unknown>>,
): boolean {
  return ruleId === NOT_FETCHED || saysUnread(details);
}

/** True for an issue that says why something could not be read. */
export function saysUnread(details: Readonly<Record<string, unknown>>): boolean {
  return details["unread"] === true;
}

/** What the scan did not look into, a sentence each. */
export function limitationsOf(report: Pick<ScanReport, "files">): string[] {
  const files = report.files.filter((file) =>
    file.findings.some(({ ruleId }) => ruleId === NOT_FETCHED)
  );
  if (files.length === 0) return [];
  return [
    `The storages of ${formatCount(files.length, "file")} on a server were not looked into: the ` +
    "checkpoint takes them as numbers. Pass --remote-full to look into them, too.",
  ];
}
