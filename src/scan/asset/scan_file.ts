/**
 * One file, stream or remote file from being opened to its report; all threads scan by this code.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type {
  FileReport,
  FolderPlace,
  Limits,
  ScanError,
  SuppressedFinding,
} from "../../core/types.ts";
import { AssetScan, type ScanOptions } from "./asset_scan.ts";
import { defect, unreadReport } from "./placeholder_reports.ts";

/**
 * Suppressed findings kept of one file, and of one report; all are counted. No configuration is known to
 * suppress as many. CWE-779.
 */
export const MAX_SUPPRESSED_KEPT = 10_000;

/** How one asset is scanned: as `scanSource` does, or what a test puts in its place. */
export type ScanSource = (source: Source, options: ScanOptions) => Promise<FileReport>;

/** How each file is scanned, whichever thread does it. */
export interface FileOptions extends Omit<ScanOptions, "path" | "folder" | "signal"> {
  /** As `scanSource` does unless given. */
  readonly scan?: ScanSource | undefined;
  /** Also keep the findings that `suppress` lets through. */
  readonly keepSuppressed?: boolean | undefined;
  readonly stop: {
    readonly signal: { readonly aborted: boolean };
    /** Milliseconds left for the scan of all files; undefined without a limit. */
    remaining(): number | undefined;
  };
}

/** A file's report, and which of its findings were let through, if these were to be kept. */
export interface ScannedFile {
  readonly type: "file";
  readonly file: FileReport;
  readonly suppressed?: readonly SuppressedFinding[];
  /** Entries of the configuration that matched the file or its findings, as file and line. */
  readonly matched?: readonly string[];
}

/** What comes of an input: files, and what could not be looked at. */
export type Scanned = ScannedFile | { readonly type: "error"; readonly error: ScanError };

/** A source that can be closed, where it holds something open. */
type OpenedSource = Source & { close?(): void };

/** What is to be scanned, and where it is. */
export interface FilePlace {
  readonly path: string;
  /** Bytes, where they can be known without opening it; asked when it cannot be read. */
  size(): number | undefined;
  readonly folder?: FolderPlace | undefined;
  open(): OpenedSource | Promise<OpenedSource>;
  /** True for what its owner closes. */
  readonly keepOpen?: boolean | undefined;
}

/**
 * Opens and scans a file, within its limits and the time left for the scan of all files. An exception
 * becomes part of the report, which is then incomplete.
 *
 * @param update is called at intervals with the bytes read so far
 */
export async function scanFile(
  place: FilePlace,
  options: FileOptions,
  update: (bytesRead: number) => void,
): Promise<ScannedFile> {
  const { path } = place;
  try {
    const opened = place.open();
    const source = opened instanceof Promise ? await opened : opened;
    try {
      return await scanOpened(source, place, options, update);
    } finally {
      if (!place.keepOpen) source.close?.();
    }
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    return { type: "file", file: unreadReport(path, place.size(), error) };
  }
}

async function scanOpened(
  source: Source,
  { path, folder }: Pick<FilePlace, "path" | "folder">,
  options: FileOptions,
  update: (bytesRead: number) => void,
): Promise<ScannedFile> {
  const { scan = scanAsset, stop, rules, formats, bundles } = options;
  const kept: SuppressedFinding[] = [];
  const matched = new Set<string>();
  const noted = options.suppress && noting(options.suppress, matched);
  const suppress = options.keepSuppressed ? keeping(noted, kept) : noted;
  const file = await scan(source, {
    ...{ rules, suppress, path },
    ...(formats && { formats }),
    ...(bundles && { bundles }),
    ...(folder && { folder }),
    limits: limitsNow(options),
    signal: stop.signal,
    onProgress: (progress) => {
      update(progress.bytesRead);
      options.onProgress?.(progress);
    },
  });
  return {
    ...{ type: "file", file },
    ...(kept.length > 0 && { suppressed: kept }),
    ...(matched.size > 0 && { matched: [...matched] }),
  };
}

/** The limits of a file; its time is at most what is left for the scan of all files. */
function limitsNow({ limits = {}, stop }: FileOptions): Partial<Limits> {
  const remaining = stop.remaining();
  if (remaining === undefined) return limits;
  return {
    ...limits,
    milliseconds: Math.min(limits.milliseconds ?? Infinity, Math.max(remaining, 1)),
  };
}

/** Notes which entries of the configuration accepted something: a report lists some of them only. */
function noting(
  suppress: NonNullable<ScanOptions["suppress"]>,
  matched: Set<string>,
): ScanOptions["suppress"] {
  return (finding) => {
    const reason = suppress(finding);
    if (typeof reason === "object") { for (const it of reason.origins ?? []) matched.add(it); }
    return reason;
  };
}

/** Keeps what is let through, with the reason. */
function keeping(
  suppress: ScanOptions["suppress"],
  kept: SuppressedFinding[],
): ScanOptions["suppress"] {
  return (finding) => {
    const reason = suppress?.(finding);
    if (reason !== undefined && kept.length < MAX_SUPPRESSED_KEPT) {
      kept.push({ finding, reason: typeof reason === "string" ? reason : reason.by });
    }
    return reason;
  };
}

async function scanAsset(source: Source, options: ScanOptions): Promise<FileReport> {
  return await new AssetScan(source, options).run();
}
