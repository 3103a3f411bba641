/**
 * Local files, streams and memory in turn, over threads. The main thread begins at the front, as if it
 * were alone. Once the scan has taken a while and files are left, workers are started, and each thread
 * takes the next file that no other has taken. Reports come in the order of the files.
 *
 * @module
 */

import type { FileHash, FolderPlace, ScanError } from "../../core/types.ts";
import type { Bundle } from "../../core/bundle.ts";
import type { Source } from "../../core/source.ts";
import { withDefaults } from "../../core/limits.ts";
import { Budget } from "../asset/budget.ts";
import { concernsFolder } from "../asset/folder.ts";
import { unreadReport } from "../asset/placeholder_reports.ts";
import { type FileOptions, type FilePlace, scanFile, type Scanned } from "../asset/scan_file.ts";
import { ConcurrentProgress, type Progress } from "./progress.ts";
import type { Task } from "./messages.ts";
import { MAIN_THREAD, QUEUE_CAPACITY } from "./shared_queue.ts";
import { notScanned, notScannedToEnd, type Stop } from "./stop.ts";
import { jobsOf, type Workers } from "./threads.ts";
import type { PoolEvents, WorkerPool } from "./worker_pool.ts";

/** Files that must be left before a worker is started. */
const FILES_LEFT = 2;

/** Milliseconds after which the main thread yields to the event loop, where messages of workers wait. */
const YIELD_MILLISECONDS = 50;

/** Milliseconds that workers have, once the scan is to stop, to report what they found by then. */
const GRACE_MILLISECONDS = 500;

/** The file system, as far as a scan of files found in it needs it. */
export interface LocalFiles {
  /** @throws SourceError when the file cannot be opened */
  open(path: string): Source & { close(): void };
  /** Bytes of a file; undefined where it cannot be looked at. */
  sizeOf(path: string): number | undefined;
  /** As the `hash` of a {@linkcode FilePlace}. */
  hash(path: string, stopped: () => boolean): Promise<FileHash | undefined>;
  /**
   * Device and inode of a file that several paths name, and whether this thread keeps bytes of it;
   * undefined for every other file.
   */
  linked(path: string): { readonly inode: string; readonly kept: boolean } | undefined;
  /**
   * Where a found file lies.
   *
   * @param argument the argument that it was found below
   */
  place(path: string, argument: string): FolderPlace;
}

/** A local file, which any thread can scan. */
interface FoundFile {
  readonly kind: "file";
  readonly path: string;
  /** The argument that it was found below; the same as `path` when it was named itself. */
  readonly argument: string;
  readonly files: LocalFiles;
}

/** What is found at the inputs: a file, something that only the main thread can open, or an error. */
export type Found =
  | FoundFile
  | ({ readonly kind: "opened" } & FilePlace)
  | { readonly kind: "error"; readonly error: ScanError };

type Scannable = Exclude<Found, { readonly kind: "error" }>;

/** Options of a scan in order. */
interface OrderedScanOptions extends FileOptions {
  readonly stop: Stop;
  readonly progress: Progress;
  readonly workers?: Workers | undefined;
}

/** A file, or a path that cannot be looked at, in the order of the report. */
interface Entry {
  readonly index: number;
  readonly found: Scannable | undefined;
  /** True for what only the main thread can scan. */
  mainOnly: boolean;
  /** True once a thread is known to scan it. */
  started: boolean;
  result: Scanned | undefined;
  /** Device and inode of a file that several paths name; known once there are workers. */
  inode: string | undefined;
}

interface Amount {
  files: number;
  bytes: number;
}

/** One scan; used once. */
export class OrderedScan {
  readonly #found: Iterator<Found>;
  readonly #options: OrderedScanOptions;
  readonly #concurrent: ConcurrentProgress;
  /** Not reported yet, in order. */
  readonly #queue: Entry[] = [];
  #count = 0;
  /** What was reported. */
  readonly #done: Amount = { files: 0, bytes: 0 };
  /** Entries that may be in the queue: without workers only the one that is being scanned. */
  #room = 1;
  /** True when nothing more is to be found. */
  #ended = false;
  #pool: WorkerPool | undefined;
  #bundles: readonly Bundle[] | undefined;
  /**
   * Of files that several paths name, by device and inode: the thread that scanned one first, which
   * scans it under its other paths too, since it keeps the bytes; until it is known, what waits for it.
   */
  readonly #scannedBy = new Map<string, number | Entry[]>();
  /** Index of the first entry that may not be started. */
  #next = 0;
  /** True while the main thread scans. */
  #busy = false;
  #failure: { readonly cause: unknown } | undefined;
  /** The first path that was not begun when the scan was stopped. */
  #left: string | undefined;
  #stopping = false;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #lastYield = performance.now();
  #woken = false;
  #wakeUp: (() => void) | undefined;

  /** @param found files in the order of the report */
  constructor(found: Iterable<Found>, options: OrderedScanOptions) {
    this.#found = found[Symbol.iterator]();
    this.#options = options;
    this.#concurrent = new ConcurrentProgress(options.progress);
  }

  /** True once the scan was stopped before all files were begun; the first of them was then an error. */
  get leftFiles(): boolean {
    return this.#left !== undefined;
  }

  /** Scans; what is left when the scan is stopped is one error. */
  async *run(): AsyncGenerator<Scanned> {
    const { stop, workers } = this.#options;
    let yieldDue = false;
    const unsubscribe = workers?.supply.whenWorthwhile(() => {
      yieldDue = true;
      this.#wake();
    });
    const abort = (): void => {
      this.#pool?.stop();
      this.#wake();
    };
    stop.signal.addEventListener("abort", abort);
    try {
      for (;;) {
        if (stop.signal.aborted) this.#withdraw();
        if (yieldDue && !stop.signal.aborted) {
          yieldDue = false;
          await this.#startWorkers();
        }
        if (!this.#ended && this.#queue.length < this.#room) await this.#fill();
        for (let done = this.#nextDone(); done !== undefined; done = this.#nextDone()) yield done;
        if (this.#queue.length === 0 && this.#ended) break;
        if (this.#queue.length === 0) continue;
        this.#scanNext();
        await this.#event();
      }
      if (stop.signal.aborted) yield* this.#notScanned();
    } finally {
      unsubscribe?.();
      stop.signal.removeEventListener("abort", abort);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#pool?.terminate("the scan is over");
    }
  }

  /** Finds files as far as there is room for them. */
  async #fill(): Promise<void> {
    // Workers are sent many at a time: a message for each costs as much as a small file.
    if (this.#queue.length > this.#room / 2) return;
    const news: Entry[] = [];
    while (!this.#ended && this.#queue.length < this.#room && !this.#options.stop.signal.aborted) {
      const { done, value } = this.#found.next();
      if (done) {
        this.#ended = true;
        break;
      }
      const entry = this.#enter(value);
      if (this.#pool === undefined) continue;
      await this.#assign(entry);
      news.push(entry);
    }
    if (news.length > 0) this.#offer(news);
  }

  #enter(found: Found): Entry {
    const index = this.#count++;
    const entry: Entry = found.kind === "error"
      ? {
        ...{ index, found: undefined, mainOnly: true, started: true },
        ...{ result: { type: "error", error: found.error }, inode: undefined },
      }
      : {
        ...{ index, found, mainOnly: found.kind !== "file", started: false },
        ...{ result: undefined, inode: undefined },
      };
    this.#queue.push(entry);
    return entry;
  }

  /** Decides which threads may scan a file. */
  async #assign(entry: Entry): Promise<void> {
    const { found } = entry;
    if (found === undefined) return;
    entry.mainOnly = await this.#isMainOnly(found);
    if (found.kind !== "file") return;
    const linked = found.files.linked(found.path);
    if (linked === undefined) return;
    if (linked.kept) entry.mainOnly = true;
    entry.inode = linked.inode;
  }

  /** Files that bundles have observations of stay here: a folder is observed by one thread. */
  async #isMainOnly(found: Scannable): Promise<boolean> {
    if (found.kind !== "file") return true;
    const { stop, limits } = this.#options;
    const remaining = stop.remaining() ?? Infinity;
    const milliseconds = Math.min(limits?.milliseconds ?? Infinity, Math.max(0, remaining));
    const budget = new Budget(withDefaults({ ...limits, milliseconds }), stop.signal);
    this.#bundles ??= this.#options.bundles ??
      (await import("../../bundles/registry.ts")).BUNDLES;
    return await concernsFolder(
      found.files.place(found.path, found.argument),
      this.#bundles,
      this.#options.rules.interest,
      () => budget.checkDeadline(),
    );
  }

  #offer(entries: readonly Entry[]): void {
    this.#pool?.offer(entries.flatMap((entry) => {
      const task = taskOf(entry);
      return task === undefined || this.#isFurtherPath(entry) ? [] : [task];
    }));
  }

  /** True for a further path of a file: it goes to the thread that scans the first of them. */
  #isFurtherPath(entry: Entry): boolean {
    if (entry.inode === undefined) return false;
    const first = this.#scannedBy.get(entry.inode);
    if (first === undefined) this.#scannedBy.set(entry.inode, []);
    else if (typeof first === "number") this.#offerTo(first, entry);
    else first.push(entry);
    return first !== undefined;
  }

  #offerTo(thread: number, entry: Entry): void {
    const task = taskOf(entry);
    if (task === undefined || this.#pool?.offerTo(thread, task)) return;
    entry.mainOnly = true;
    this.#next = Math.min(this.#next, entry.index);
  }

  /** Starts workers where enough is left for them. */
  async #startWorkers(): Promise<void> {
    this.#room = QUEUE_CAPACITY;
    await this.#fill();
    const waiting = this.#queue.filter(({ started }) => !started);
    // Where files are left that were not even found yet, that is enough.
    if (!this.#ended || isWorth(this.#queue, waiting, this.#done)) {
      this.#pool = await this.#startPool({
        scanned: (index, scanned, thread) => this.#settle(index, scanned, thread),
        progress: (index, bytesRead) => this.#watch(index, bytesRead),
        lost: (index, reason) => this.#lose(index, reason),
        returned: (index) => this.#takeBack(index),
      });
    }
    if (this.#pool === undefined) this.#room = 1;
    // The signal may have come while they were started.
    if (this.#options.stop.signal.aborted) this.#pool?.stop();
    if (this.#pool === undefined) return;
    for (const entry of waiting) await this.#assign(entry);
    this.#offer(waiting);
  }

  /** Undefined where there are no threads: the main thread then scans everything. */
  async #startPool(events: PoolEvents): Promise<WorkerPool | undefined> {
    const { workers, limits = {}, hash = false, explain = false, stop } = this.#options;
    if (workers === undefined) return undefined;
    const { setup, progress } = workers;
    try {
      const [{ WorkerPool }, threads] = await Promise.all([
        import("./worker_pool.ts"),
        workers.supply.load(),
      ]);
      const remaining = stop.remaining();
      const deadline = remaining === undefined ? undefined : Date.now() + remaining;
      const start = { setup, limits, hash, explain, deadline, progress };
      return WorkerPool.start(threads, jobsOf(workers.jobs, threads.cores) - 1, start, events);
    } catch {
      return undefined;
    }
  }

  /** Takes the first file out of the queue, if it is done. */
  #nextDone(): Scanned | undefined {
    const result = this.#queue[0]?.result;
    if (result === undefined) return undefined;
    this.#queue.shift();
    this.#done.files++;
    if (result.type === "file") this.#done.bytes += result.file.size ?? 0;
    return result;
  }

  /** Sets the main thread to the next file, if it has none and there is one. */
  #scanNext(): void {
    if (this.#busy) return;
    const entry = this.#takeNext();
    if (entry?.found === undefined) return;
    const { index, found } = entry;
    entry.started = true;
    this.#busy = true;
    this.#concurrent.start(index, found.path);
    const update = (bytesRead: number): void => this.#concurrent.update(index, bytesRead);
    this.#scan(found, update).then(
      (scanned) => {
        this.#busy = false;
        this.#settle(index, scanned);
      },
      (cause) => {
        this.#failure = { cause };
        this.#wake();
      },
    );
  }

  /** Takes the first entry that no thread has begun. */
  #takeNext(): Entry | undefined {
    const first = this.#queue[0]?.index ?? 0;
    for (let at = Math.max(this.#next, first); at < first + this.#queue.length; at++) {
      const entry = this.#queue[at - first] as Entry;
      this.#next = at + 1;
      if (!entry.started && this.#take(entry)) return entry;
    }
    return undefined;
  }

  #take(entry: Entry): boolean {
    return entry.mainOnly || this.#pool === undefined || this.#pool.take(entry.index);
  }

  #scan(found: Scannable, update: (bytesRead: number) => void): Promise<Scanned> {
    if (found.kind === "opened") return scanFile(found, this.#options, update);
    const { path, argument, files } = found;
    const folder = files.place(path, argument);
    const place: FilePlace = {
      ...{ path, folder },
      size: () => files.sizeOf(path),
      open: () => files.open(path),
      hash: (stopped) => files.hash(path, stopped),
    };
    return scanFile(place, this.#options, update);
  }

  #entry(index: number): Entry | undefined {
    const first = this.#queue[0];
    return first && this.#queue[index - first.index];
  }

  /** @param thread that scanned the file; the main thread unless given */
  #settle(index: number, scanned: Scanned, thread = MAIN_THREAD): void {
    const entry = this.#entry(index);
    if (entry === undefined) return;
    entry.started = true;
    entry.result = scanned;
    if (entry.inode !== undefined) this.#release(entry.inode, thread);
    this.#concurrent.finish(index, scanned.type === "file" ? scanned.file.bytesRead : 0);
    this.#wake();
  }

  /** Hands further paths of a file to the thread that scanned the first. */
  #release(inode: string, thread: number): void {
    const waiting = this.#scannedBy.get(inode);
    if (typeof waiting === "number") return;
    this.#scannedBy.set(inode, thread);
    for (const entry of waiting ?? []) this.#offerTo(thread, entry);
  }

  /** A file that its worker did not take before it ended. */
  #takeBack(index: number): void {
    const entry = this.#entry(index);
    if (entry === undefined) return;
    entry.mainOnly = true;
    this.#next = Math.min(this.#next, index);
    this.#wake();
  }

  #watch(index: number, bytesRead: number): void {
    const entry = this.#entry(index);
    if (entry?.found === undefined) return;
    if (!entry.started) this.#concurrent.start(index, entry.found.path);
    entry.started = true;
    this.#concurrent.update(index, bytesRead);
  }

  /** A file whose worker has ended: it is not tried again, for it may be what ended the worker. */
  #lose(index: number, reason: string): void {
    const found = this.#entry(index)?.found;
    if (found === undefined) return;
    const { path } = found;
    const error = this.#stopping
      ? notScannedToEnd(path, this.#options.stop)
      : workerEnded(path, reason);
    this.#settle(index, { type: "file", file: unreadReport(path, sizeOf(found), error) });
  }

  /** Once the scan is to stop: what no thread has begun is not begun any more. */
  #withdraw(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#ended = true;
    this.#timers.push(
      setTimeout(() => this.#pool?.terminate("it did not stop"), GRACE_MILLISECONDS),
    );
    this.#next = this.#queue[0]?.index ?? this.#next;
    for (const waiting of this.#scannedBy.values()) {
      if (typeof waiting === "number") continue;
      for (const entry of waiting) entry.mainOnly = true;
    }
    for (let last = this.#queue.at(-1); last?.found !== undefined; last = this.#queue.at(-1)) {
      // What lies between files that were begun is begun, too, and ends at once.
      if (last.started || !this.#take(last)) break;
      this.#queue.pop();
      this.#left = last.found.path;
    }
  }

  /** The first path of what was not begun, as an error; paths before it that cannot be looked at. */
  *#notScanned(): Generator<Scanned> {
    while (this.#left === undefined) {
      const { done, value } = this.#found.next();
      if (done) return;
      if (value.kind === "error") yield { type: "error", error: value.error };
      else this.#left = value.path;
    }
    yield { type: "error", error: notScanned(this.#left, this.#options.stop) };
  }

  #wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Waits until something has happened. */
  async #event(): Promise<void> {
    if (!this.#woken) await new Promise<void>((done) => this.#wakeUp = done);
    this.#wakeUp = undefined;
    this.#woken = false;
    // A file that is scanned without waiting never yields.
    if (performance.now() - this.#lastYield > YIELD_MILLISECONDS) {
      await new Promise<void>((done) => setTimeout(done, 0));
      this.#lastYield = performance.now();
    }
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

/** What a worker is told of a file; undefined where only the main thread can scan it, or one does. */
function taskOf({ index, found, mainOnly, started, inode }: Entry): Task | undefined {
  if (mainOnly || started || found?.kind !== "file") return undefined;
  const { path, argument } = found;
  return { index, path, argument, inode };
}

function sizeOf(found: Scannable): number | undefined {
  return found.kind === "file" ? found.files.sizeOf(found.path) : found.size();
}

/** Total bytes; costs a system call for each file. */
function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { found } of entries) bytes += found && sizeOf(found) || 0;
  return bytes;
}

/** True when as much waits, in files or in bytes, as was done or begun so far. */
function isWorth(queue: readonly Entry[], waiting: readonly Entry[], done: Amount): boolean {
  if (waiting.length < FILES_LEFT) return false;
  const begun = queue.filter(({ started }) => started);
  return waiting.length >= begun.length + done.files ||
    bytesOf(waiting) >= bytesOf(begun) + done.bytes;
}

function workerEnded(path: string, reason: string): ScanError {
  return {
    location: { path, parts: [] },
    message: `Cannot scan the file: the thread that scanned it ended (${reason})`,
    remedy: "Do not take the file for clean. Scan it alone, and report this failure.",
  };
}
