/**
 * Paths in, reports out, one after the other: what lies between the arguments and the scan loop.
 *
 * @module
 */

import { SourceError } from "../errors.ts";
import type { ScanOptions } from "../scan.ts";
import { fileSource, type FoundPath, scanErrorOf, stdinSource, walk } from "../source/file.ts";
import { Folders } from "../source/folder.ts";
import type { Source } from "../source/source.ts";
import type { FileReport, FolderPlace, Limits, ScanError } from "../types.ts";
import type { Progress } from "./progress.ts";

/** The argument that stands for standard input, and its path in the report. */
export const STDIN_PATH = "-";

/** The scan loop, as `src/scan.ts` has it. */
export type ScanSource = (source: Source, options: ScanOptions) => Promise<FileReport>;

/** What to scan and how. */
export interface ScanPathsOptions {
  readonly scan: ScanSource;
  readonly rules: ScanOptions["rules"];
  readonly suppress?: ScanOptions["suppress"];
  readonly limits: Partial<Limits>;
  readonly followSymlinks: boolean;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly progress: Progress;
  readonly stop: Stop;
}

/** When and why to end before all is scanned. */
export interface Stop {
  readonly signal: AbortSignal;
  /** Milliseconds left of the whole scan; undefined when it may take its time. */
  remaining(): number | undefined;
  /** Why the scan ended early, and what helps; asked once it has. */
  reason(): { readonly message: string; readonly remedy: string };
}

/** What comes of a path. */
export type Scanned =
  | { readonly type: "file"; readonly file: FileReport }
  | { readonly type: "error"; readonly error: ScanError };

/**
 * Scans files and folders in turn. A path that cannot be looked at is an error among the results;
 * the others are still scanned. Once `stop` says so, what is left is one error.
 *
 * @param paths as the user gave them; `-` is standard input
 */
export async function* scanPaths(
  paths: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Scanned> {
  const folders = new Folders();
  for await (const found of findAll(paths, options)) {
    if (found.kind === "error") {
      yield { type: "error", error: found.error };
    } else if (options.stop.signal.aborted) {
      const { message, remedy } = options.stop.reason();
      const text = `${message} This file and what comes after it were not scanned.`;
      const location = { path: found.path, parts: [] };
      yield { type: "error", error: { location, message: text, remedy } };
      return;
    } else {
      options.progress.start(found.path);
      const file = await scanFound(found, folders, options);
      options.progress.finish(file.bytesRead);
      yield { type: "file", file };
    }
  }
}

type Found = FoundPath | { readonly kind: "stdin"; readonly path: string };

async function* findAll(
  paths: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Found> {
  const { followSymlinks, include, exclude } = options;
  yield* walk(paths.filter((it) => it !== STDIN_PATH), { followSymlinks, include, exclude });
  if (paths.includes(STDIN_PATH)) yield { kind: "stdin", path: STDIN_PATH };
}

/** One file; whatever goes wrong becomes part of its report, which is then incomplete. */
async function scanFound(
  found: Exclude<Found, { kind: "error" }>,
  folders: Folders,
  options: ScanPathsOptions,
): Promise<FileReport> {
  const { path } = found;
  const size = found.kind === "file" ? found.size : undefined;
  try {
    if (found.kind === "stdin") {
      const stream = until(options.stop, options.stdin());
      return await scanOne(stdinSource(stream), path, options);
    }
    const source = await fileSource(path);
    try {
      return await scanOne(source, path, options, folders.place(path, found.given));
    } finally {
      source.close();
    }
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    return unreadReport(path, size, error);
  }
}

/** The chunks of a stream until the scan is stopped: who waits for a chunk must not wait for ever. */
async function* until(stop: Stop, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { signal } = stop;
  const iterator = stream[Symbol.asyncIterator]();
  const stopped = new Promise<never>((_, reject) => {
    const fail = (): void => {
      const { message, remedy } = stop.reason();
      reject(new SourceError(STDIN_PATH, message, { remedy }));
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
  // Nobody may be waiting when it comes.
  stopped.catch(() => {});
  while (true) {
    const { done, value } = await Promise.race([iterator.next(), stopped]);
    if (done) return;
    yield value;
  }
}

function scanOne(
  source: Source,
  path: string,
  options: ScanPathsOptions,
  folder?: FolderPlace,
): Promise<FileReport> {
  const remaining = options.stop.remaining();
  const own = options.limits.milliseconds ?? Infinity;
  const milliseconds = Math.min(own, Math.max(remaining ?? Infinity, 1));
  return options.scan(source, {
    rules: options.rules,
    suppress: options.suppress,
    limits: { ...options.limits, ...(Number.isFinite(milliseconds) && { milliseconds }) },
    signal: options.stop.signal,
    path,
    ...(folder && { folder }),
    onProgress: (it) => options.progress.update(it.bytesRead),
  });
}

function defect(path: string, cause: unknown): ScanError {
  return {
    location: { path, parts: [] },
    message: `Cannot scan the file: this program failed (${String(cause)})`,
    remedy: "Do not take the file for clean, and report this failure.",
  };
}

function unreadReport(path: string, size: number | undefined, error: ScanError): FileReport {
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
  };
}
