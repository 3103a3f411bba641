/**
 * One file, stream or remote file from being opened to its report; all threads scan by this code.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { FileHash, FileReport, FolderPlace, Limits, ScanError } from "../../core/types.ts";
import { AssetScan, type AssetScanOptions, type ScanOptions } from "./asset_scan.ts";
import { defect, unreadReport } from "./placeholder_reports.ts";

/** How one asset is scanned: as `scanSource` does, or what a test puts in its place. */
export type ScanSource = (source: Source, options: AssetScanOptions) => Promise<FileReport>;

/** How each file is scanned, whichever thread does it. */
export interface FileOptions extends Omit<AssetScanOptions, "path" | "folder" | "signal"> {
  /** As `scanSource` does unless given. */
  readonly scan?: ScanSource | undefined;
  /** Also gives the SHA-256 of each file, for which all of it is read. */
  readonly hash?: boolean | undefined;
  readonly stop: {
    readonly signal: { readonly aborted: boolean };
    /** Milliseconds left for the scan of all files; undefined without a limit. */
    remaining(): number | undefined;
  };
}

/** A file's report. */
export interface ScannedFile {
  readonly type: "file";
  readonly file: FileReport;
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
  /**
   * The SHA-256 of all of it, asked for after the scan; undefined where it cannot be had.
   *
   * @param stopped true once the scan is to end
   * @throws SourceError when it cannot be read
   */
  hash?(stopped: () => boolean): Promise<FileHash | undefined>;
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
      const scanned = await scanOpened(source, place, options, update);
      return options.hash
        ? { ...scanned, file: await hashed(scanned.file, place, options) }
        : scanned;
    } finally {
      if (!place.keepOpen) source.close?.();
    }
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    return { type: "file", file: unreadReport(path, place.size(), error) };
  }
}

/** The report with the hash of its file; an error of reading is one of the report. */
async function hashed(
  file: FileReport,
  { path, hash }: FilePlace,
  { stop }: FileOptions,
): Promise<FileReport> {
  try {
    const sha256 = await hash?.(() => stop.signal.aborted);
    return sha256 === undefined ? file : { ...file, sha256 };
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause;
    return { ...file, errors: [...file.errors, scanErrorOf(path, cause)] };
  }
}

async function scanOpened(
  source: Source,
  { path, folder }: Pick<FilePlace, "path" | "folder">,
  options: FileOptions,
  update: (bytesRead: number) => void,
): Promise<ScannedFile> {
  const { scan = scanAsset, stop, rules, formats, bundles } = options;
  const matched = new Set<string>();
  const suppress = options.suppress && noting(options.suppress, matched);
  const file = await scan(source, {
    ...{ rules, suppress, path },
    ...(formats && { formats }),
    ...(bundles && { bundles }),
    ...(folder && { folder }),
    ...(options.explain && { explain: true }),
    ...(options.facts && { facts: options.facts }),
    limits: limitsNow(options),
    signal: stop.signal,
    onProgress: (progress) => {
      update(progress.bytesRead);
      options.onProgress?.(progress);
    },
  });
  return {
    ...{ type: "file", file },
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

async function scanAsset(source: Source, options: AssetScanOptions): Promise<FileReport> {
  return await new AssetScan(source, options).run();
}
