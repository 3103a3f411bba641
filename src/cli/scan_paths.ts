/**
 * Paths in, reports out, one after the other: what lies between the arguments and the scan loop.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../errors.ts";
import type { ScanOptions } from "../scan.ts";
import { fileSource, type FoundPath, stdinSource, walk } from "../source/file.ts";
import { Folders } from "../source/folder.ts";
import type { Source } from "../source/source.ts";
import type { FileReport, FolderPlace, Limits, ScanError } from "../types.ts";
import type { RemoteFound } from "../remote/find.ts";
import { isRemote } from "../remote/resolve.ts";
import { inOrder, REMOTE_AT_ONCE, REPORTS_HELD } from "../scan/in_order.ts";
import { defect, skippedReport, unreadReport } from "../scan/unscanned.ts";
import type { Progress } from "./progress.ts";
import type { Remote } from "./remote.ts";

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
  /** Makes the network ready; asked only when there is something to fetch. */
  readonly remote?: ((signal: AbortSignal) => Promise<Remote>) | undefined;
  /** Tells the user something that is no part of the report. */
  readonly note?: ((text: string) => Promise<void>) | undefined;
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
  const distant = paths.filter(isRemote);
  yield* scanLocal(paths.filter((it) => !isRemote(it)), options);
  if (distant.length > 0) yield* scanDistant([...new Set(distant)], options);
}

async function* scanLocal(
  paths: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Scanned> {
  const folders = new Folders();
  for await (const found of findAll(paths, options)) {
    if (found.kind === "error") {
      yield { type: "error", error: found.error };
    } else if (options.stop.signal.aborted) {
      yield notScanned(found.path, options.stop);
      return;
    } else {
      options.progress.start(found.path);
      const file = await scanFound(found, folders, options);
      options.progress.finish(file.bytesRead);
      yield { type: "file", file };
    }
  }
}

function notScanned(path: string, stop: Stop): Scanned {
  const { message, remedy } = stop.reason();
  const text = `${message} This file and what comes after it were not scanned.`;
  return { type: "error", error: { location: { path, parts: [] }, message: text, remedy } };
}

/** Scans what has to be fetched, several files at a time, and tells of them in order. */
async function* scanDistant(
  args: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Scanned> {
  const { stop, progress } = options;
  if (options.remote === undefined) throw new Error("there is no network to scan with");
  const remote = await options.remote(stop.signal);
  const inFlight = new Map<string, number>();
  const hooks = {
    note: async (text: string) => await options.note?.(text),
    expect: progress.expect,
  };
  async function* jobs(): AsyncGenerator<() => Promise<Scanned>> {
    for await (const found of remote.find(args, hooks)) {
      if (stop.signal.aborted) {
        yield () => Promise.resolve(notScanned(found.path, stop));
        return;
      }
      yield () => scanFetched(found, inFlight, options);
    }
  }
  try {
    yield* inOrder(jobs(), REMOTE_AT_ONCE, REPORTS_HELD);
  } finally {
    remote.close();
  }
}

/** One remote file; `inFlight` are the bytes of those that are being scanned. */
async function scanFetched(
  found: RemoteFound,
  inFlight: Map<string, number>,
  options: ScanPathsOptions,
): Promise<Scanned> {
  if (found.kind === "error") return { type: "error", error: found.error };
  const { path, size } = found;
  if (found.kind === "skipped") return { type: "file", file: skippedReport(path, found.size) };
  const { progress } = options;
  const sum = (): number => [...inFlight.values()].reduce((all, it) => all + it, 0);
  progress.start(path);
  inFlight.set(path, 0);
  let file: FileReport;
  try {
    const source = await found.open();
    try {
      file = await scanOne(source, path, options, found.folder, (bytes) => {
        inFlight.set(path, bytes);
        progress.update(sum());
      });
    } finally {
      source.close();
    }
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    file = unreadReport(path, size, error);
  }
  inFlight.delete(path);
  progress.finish(file.bytesRead);
  progress.update(sum());
  return { type: "file", file };
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
  update: (bytesRead: number) => void = options.progress.update,
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
    onProgress: (it) => update(it.bytesRead),
  });
}
