/**
 * What a run comes to in one sentence.
 *
 * @module
 */

import type { FileReport, ScanReport, Verdict } from "../core/types.ts";
import { formatCount, formatNumber } from "../core/numbers.ts";
import { isMinor, type Summary } from "./summary.ts";

/**
 * For instance "Do not load: 2 of 5 files would do harm when loaded."
 *
 * @param where the errors stand that it points to
 */
export function headlineOf(
  report: ScanReport,
  summary: Summary,
  where: "above" | "below" = "above",
): string {
  const { files, verdict, errors } = summary;
  if (verdict === undefined) {
    return errors > 0
      ? `Nothing could be scanned: see ${where}.`
      : "No model files were found, so nothing was scanned.";
  }
  const accepted = acceptedAlone(report, verdict);
  if (accepted !== undefined) return accepted;
  const total = Object.values(files).reduce((sum, it) => sum + it, 0) - files.skipped;
  const some = (count: number): string =>
    total === 1 ? "This file" : `${formatNumber(count)} of ${formatCount(total, "file")}`;
  const suppressed = report.suppressed > 0;
  const unread = errors > 0 ? ` Not everything could be read: see ${where}.` : "";
  switch (verdict) {
    case "dangerous":
      return total === 1
        ? "Do not load this file: loading it would do harm."
        : `Do not load: ${some(files.dangerous)} would do harm when loaded.`;
    case "incomplete":
      return `${some(files.incomplete)} could not be read to the end and may do harm.`;
    case "suspicious":
      if (isMinor(summary)) {
        return "Minor issues only: nothing that is known to do harm when it is loaded.";
      }
      if (total === 1) return "This file needs a person's look before it is loaded.";
      return `${some(files.suspicious)} ${
        files.suspicious === 1 ? "needs" : "need"
      } a person's look before loading.`;
    default:
      return `${total === 1 ? "This file" : formatCount(total, "file")}: nothing harmful found${
        suppressed ? " but what is suppressed" : ""
      }.${unread}`;
  }
}

/** What is said where all that makes for the verdict was accepted. */
function acceptedAlone({ files }: ScanReport, verdict: Verdict): string | undefined {
  const worst = files.filter((file) => file.verdict === verdict);
  if (verdict === "incomplete") return incompleteAlone(worst);
  if (verdict !== "dangerous" && verdict !== "suspicious") return undefined;
  const alone = worst.every(({ findings, accepted }) =>
    accepted !== undefined && !findings.some(({ safety }) => safety === verdict)
  );
  if (!alone) return undefined;
  const some = worst.length === 1 ? "One file is" : `${formatNumber(worst.length)} files are`;
  return `${some} ${verdict}; what was found there was accepted and fails no run.`;
}

/** What is said where policies accept every file that is incomplete. */
function incompleteAlone(incomplete: readonly FileReport[]): string | undefined {
  if (!incomplete.every(({ policy }) => policy?.incomplete !== undefined)) return undefined;
  const some = incomplete.length === 1
    ? "One file is"
    : `${formatNumber(incomplete.length)} files are`;
  return `${some} incomplete and may do harm; that was accepted and fails no run.`;
}
