/**
 * Which files a report shows more of than their number, so that a scan of many files need not keep the
 * reports of all of them.
 *
 * @module
 */

import type { FileReport } from "../core/types.ts";
import { isAlwaysShown } from "./limitations.ts";

/** More clean files than this are only counted. */
export const CLEAN_FILES_SHOWN = 5;

/**
 * True for a file that the text report (unless verbose) and the Markdown report may show. The others are
 * counted, by `SummaryBuilder`.
 *
 * @param clean clean files so far, this one among them
 */
export function isShown(file: FileReport, clean: number): boolean {
  if (file.verdict !== "clean" && file.verdict !== "skipped") return true;
  if (file.verdict === "clean" && clean <= CLEAN_FILES_SHOWN) return true;
  return file.errors.length > 0 ||
    file.findings.some(({ safety, ruleId, details }) =>
      safety !== "innocuous" || isAlwaysShown(ruleId, details)
    );
}
