/**
 * Reports of files that were not scanned.
 *
 * @module
 */

import type { FileReport, ScanError } from "../../core/types.ts";

/** A failure of this program while it scanned the file at `path`. */
export function defect(path: string, cause: unknown): ScanError {
  return {
    location: { path, parts: [] },
    message: `Cannot scan the file: this program failed (${String(cause)})`,
    remedy: "Do not take the file for clean, and report this failure.",
    failure: { kind: "defect", passing: false },
  };
}

/** A file that could not be scanned at all, and why; `size` is in bytes where it is known. */
export function unreadReport(path: string, size: number | undefined, error: ScanError): FileReport {
  return {
    path,
    formats: [],
    size,
    bytesRead: 0,
    verdict: "incomplete",
    riskScore: 0,
    findings: [],
    errors: [error],
    partsScanned: 0,
    unsettled: true,
  };
}
