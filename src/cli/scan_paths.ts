/**
 * Paths in, reports out: what lies between the arguments and the scan loop.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { stdinSource, walk } from "../sources/file.ts";
import type { ScanError } from "../core/types.ts";
import type { RemoteFound } from "../remote/find.ts";
import { isRemote } from "../remote/resolve.ts";
import { inOrder, REMOTE_AT_ONCE, REPORTS_HELD } from "../scan/schedule/in_order.ts";
import { skippedReport } from "../scan/asset/placeholder_reports.ts";
import type { Crew, CrewEvents } from "../scan/schedule/worker_pool.ts";
import { type Found, LocalScan, notScanned } from "../scan/schedule/ordered_scan.ts";
import { InFlight, type Progress } from "./progress.ts";
import type { Remote } from "./network.ts";
import {
  type FileOptions,
  type ScannedFile,
  scanOpened,
  unlessUnread,
} from "../scan/asset/scan_file.ts";

/** The argument that stands for standard input, and its path in the report. */
export const STDIN_PATH = "-";

/** What to scan and how. */
export interface ScanPathsOptions extends FileOptions {
  readonly followSymlinks: boolean;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly progress: Progress;
  readonly stop: Stop;
  /** Scans local files besides the main thread; nobody unless given. */
  readonly workers?: Workers | undefined;
  /** Makes the network ready; asked only when there is something to fetch. */
  readonly remote?: ((signal: AbortSignal) => Promise<Remote>) | undefined;
  /** Tells the user something that is no part of the report. */
  readonly note?: ((text: string) => Promise<void>) | undefined;
}

/** Workers that can be had. */
export interface Workers {
  /** Calls back once the scan has cost so much that they may be worth their start; returns how to stop listening. */
  whenWorth(callback: () => void): () => void;
  /** Starts them; undefined when there are none after all. */
  start(events: CrewEvents): Promise<Crew | undefined>;
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
  | ScannedFile
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
  const local = paths.filter((it) => !isRemote(it));
  if (local.length > 0) yield* new LocalScan(findAll(local, options), options).run();
  if (distant.length > 0) yield* scanDistant([...new Set(distant)], options);
}

/** Scans what has to be fetched, several files at a time, and tells of them in order. */
async function* scanDistant(
  args: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Scanned> {
  const { stop, progress } = options;
  if (options.remote === undefined) throw new Error("there is no network to scan with");
  const remote = await options.remote(stop.signal);
  const inFlight = new InFlight(progress);
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

/** One remote file. */
async function scanFetched(
  found: RemoteFound,
  inFlight: InFlight,
  options: ScanPathsOptions,
): Promise<Scanned> {
  if (found.kind === "error") return { type: "error", error: found.error };
  const { path, size } = found;
  if (found.kind === "skipped") return { type: "file", file: skippedReport(path, found.size) };
  inFlight.start(path, path);
  const scanned = await unlessUnread({ path, size }, async () => {
    const source = await found.open();
    try {
      const update = (bytes: number): void => inFlight.update(path, bytes);
      return await scanOpened(source, { path, folder: found.folder }, options, update);
    } finally {
      source.close();
    }
  });
  inFlight.finish(path, scanned.file.bytesRead);
  return scanned;
}

async function* findAll(
  paths: readonly string[],
  options: ScanPathsOptions,
): AsyncGenerator<Found> {
  const { followSymlinks, include, exclude } = options;
  yield* walk(paths.filter((it) => it !== STDIN_PATH), { followSymlinks, include, exclude });
  if (paths.includes(STDIN_PATH)) {
    yield { kind: "stdin", path: STDIN_PATH, scan: (update) => scanStdin(options, update) };
  }
}

/** Standard input; what breaks it off makes its report incomplete. */
async function scanStdin(
  options: ScanPathsOptions,
  update: (bytesRead: number) => void,
): Promise<Scanned> {
  const place = { path: STDIN_PATH, size: undefined };
  return await unlessUnread(place, async () => {
    const source = stdinSource(until(options.stop, options.stdin()));
    return await scanOpened(source, place, options, update);
  });
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
