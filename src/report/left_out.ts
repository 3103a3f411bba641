/**
 * What a scan left out on purpose although the file counts as read: harmless to say, wrong to keep back.
 *
 * @module
 */

import type { ScanReport } from "../types.ts";
import { formatCount } from "./format.ts";

/** The rule of storages that stayed on their server. */
const NOT_FETCHED = "zip-storages-not-fetched";

/** True for an issue that every report shows, however harmless it is: it says what was left out. */
export function tellsWhatIsLeftOut(ruleId: string): boolean {
  return ruleId === NOT_FETCHED;
}

/** What was left out, a sentence each. */
export function leftOut(report: Pick<ScanReport, "files">): string[] {
  const files = report.files.filter((file) =>
    file.findings.some(({ ruleId }) => tellsWhatIsLeftOut(ruleId))
  );
  if (files.length === 0) return [];
  return [
    `The storages of ${formatCount(files.length, "file")} on a server were not looked into: the ` +
    "checkpoint takes them as numbers. Pass --remote-full to look into them, too.",
  ];
}
