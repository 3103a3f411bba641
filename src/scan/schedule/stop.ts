/**
 * The end of a scan before all is scanned, and what the report then says.
 *
 * @module
 */

import type { ScanError } from "../../core/types.ts";

/** When and why to end before all is scanned. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Milliseconds left for the scan of all files; undefined without a limit. */
  remaining(): number | undefined;
  /** Why the scan ended early, and what helps; asked once it has. */
  reason(): { readonly message: string; readonly remedy: string };
}

/** All that was not begun when the scan was stopped, by its first path. */
export function notScanned(path: string, stop: Stop): ScanError {
  return stopError(path, stop, "This file and what comes after it were not scanned.");
}

/** A file that was begun and not ended when the scan was stopped. */
export function notScannedToEnd(path: string, stop: Stop): ScanError {
  return stopError(path, stop, "This file was not scanned to its end.");
}

function stopError(path: string, stop: Stop, consequence: string): ScanError {
  const { message, remedy } = stop.reason();
  return { location: { path, parts: [] }, message: `${message} ${consequence}`, remedy };
}
