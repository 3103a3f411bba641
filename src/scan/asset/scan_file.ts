/**
 * One file from its path to its report. The main thread and the workers scan by this same code.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../../core/errors.ts";
import type { SuppressedFinding } from "../../report/sarif.ts";
import { defect, unreadReport } from "./placeholder_reports.ts";
import type { ScanOptions } from "../scan_source.ts";
import { fileSource } from "../../sources/file.ts";
import type { Source } from "../../core/source.ts";
import type { FileReport, FolderPlace, Limits } from "../../core/types.ts";

/** Suppressed findings that are kept of one file, and for one report; all are counted. */
export const MOST_SUPPRESSED = 10_000;

/** The scan loop, as `src/scan/scan_source.ts` has it. */
export type ScanSource = (source: Source, options: ScanOptions) => Promise<FileReport>;

/** How files are scanned. */
export interface FileOptions {
  readonly scan: ScanSource;
  readonly rules: ScanOptions["rules"];
  readonly suppress?: ScanOptions["suppress"];
  /** Also keep what is let through. */
  readonly keepSuppressed?: boolean | undefined;
  readonly limits: Partial<Limits>;
  readonly stop: {
    readonly signal: { readonly aborted: boolean };
    /** Milliseconds left of the whole scan; undefined when it may take its time. */
    remaining(): number | undefined;
  };
}

/** A file's report, and what of it was let through, if that was to be kept. */
export interface ScannedFile {
  readonly type: "file";
  readonly file: FileReport;
  readonly suppressed?: readonly SuppressedFinding[];
}

/** Where a file is. */
export interface FilePlace {
  readonly path: string;
  /** Bytes, where they are known. */
  readonly size: number | undefined;
  readonly folder?: FolderPlace | undefined;
}

/** Scans a local file; whatever goes wrong becomes part of its report, which is then incomplete. */
export async function scanFile(
  place: FilePlace,
  options: FileOptions,
  update: (bytesRead: number) => void,
): Promise<ScannedFile> {
  return await unlessUnread(place, async () => {
    const source = await fileSource(place.path);
    try {
      return await scanOpened(source, place, options, update);
    } finally {
      source.close();
    }
  });
}

/** What `scan` gives; an incomplete report when it throws. */
export async function unlessUnread(
  { path, size }: FilePlace,
  scan: () => Promise<ScannedFile>,
): Promise<ScannedFile> {
  try {
    return await scan();
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    return { type: "file", file: unreadReport(path, size, error) };
  }
}

/** Scans what was opened, within the limits of a file and what is left of the whole scan's time. */
export async function scanOpened(
  source: Source,
  { path, folder }: Omit<FilePlace, "size">,
  options: FileOptions,
  update: (bytesRead: number) => void,
): Promise<ScannedFile> {
  const { limits, rules, stop } = options;
  const own = limits.milliseconds ?? Infinity;
  const milliseconds = Math.min(own, Math.max(stop.remaining() ?? Infinity, 1));
  const suppressed: SuppressedFinding[] = [];
  const file = await options.scan(source, {
    rules,
    suppress: options.keepSuppressed ? kept(options.suppress, suppressed) : options.suppress,
    limits: { ...limits, ...(Number.isFinite(milliseconds) && { milliseconds }) },
    signal: stop.signal,
    path,
    ...(folder && { folder }),
    onProgress: (it) => update(it.bytesRead),
  });
  return { type: "file", file, ...(suppressed.length > 0 && { suppressed }) };
}

/** Keeps what is let through, with the reason. */
function kept(
  suppress: ScanOptions["suppress"],
  found: SuppressedFinding[],
): ScanOptions["suppress"] {
  return (finding) => {
    const reason = suppress?.(finding);
    if (reason !== undefined && found.length < MOST_SUPPRESSED) found.push({ finding, reason });
    return reason;
  };
}
