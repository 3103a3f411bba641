/**
 * Local files in turn. The main thread begins at the front, as if it were alone. Once the scan has
 * taken a while and files are left, workers are started, and everybody takes the next file that nobody
 * has taken. Reports come in the order of the files, whoever made them.
 *
 * @module
 */

import { concernsFolder } from "../asset/folder.ts";
import { unreadReport } from "../asset/placeholder_reports.ts";
import type { FoundPath } from "../../sources/file.ts";
import { Folders } from "../../sources/folder.ts";
import type { ScanError } from "../../core/types.ts";
import type { Crew } from "./worker_pool.ts";
import { InFlight } from "../../cli/progress.ts";
import { scanFile } from "../asset/scan_file.ts";
import type { Scanned, ScanPathsOptions, Stop } from "../../cli/scan_paths.ts";
import { FILES_HELD } from "./shared_queue.ts";

/** Files that must be left for a worker to be worth its start. */
const FILES_LEFT = 2;

/** Milliseconds after which the main thread hears what others have to say. */
const TURN_MILLISECONDS = 50;

/** Milliseconds that workers have, once the scan is to stop, to report what they found by then. */
const GRACE_MILLISECONDS = 500;

/** What is found at the paths given: a file, a path that cannot be looked at, or something else to scan. */
export type Found =
  | FoundPath
  | {
    readonly kind: "stdin";
    readonly path: string;
    scan(update: (bytesRead: number) => void): Promise<Scanned>;
  };

/** A file, or a path that cannot be looked at, in the order of the report. */
interface Entry {
  readonly index: number;
  readonly found: Exclude<Found, { kind: "error" }> | undefined;
  /** True for what only the main thread can scan. */
  own: boolean;
  /** True once somebody is known to scan it. */
  started: boolean;
  result: Scanned | undefined;
}

interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** One scan of local files; used once. */
export class LocalScan {
  readonly #found: AsyncIterator<Found>;
  readonly #options: ScanPathsOptions;
  readonly #folders = new Folders();
  readonly #inFlight: InFlight;
  /** Not told of yet, in order. */
  readonly #queue: Entry[] = [];
  #count = 0;
  /** What was told of. */
  #done: Amount = { files: 0, bytes: 0 };
  /** Entries that may be in the queue: without workers only the one that is being scanned. */
  #room = 1;
  /** True when nothing more is to be found. */
  #ended = false;
  #crew: Crew | undefined;
  /** True while the main thread scans. */
  #busy = false;
  #failure: { readonly cause: unknown } | undefined;
  /** The first path that was not scanned because the scan was stopped. */
  #left: string | undefined;
  #stopping = false;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #lastTurn = performance.now();
  #woken = false;
  #wakeUp: (() => void) | undefined;

  /** @param found files in the order of the report */
  constructor(found: AsyncIterable<Found>, options: ScanPathsOptions) {
    this.#found = found[Symbol.asyncIterator]();
    this.#options = options;
    this.#inFlight = new InFlight(options.progress);
  }

  /** Scans; what is left when the scan is stopped is one error. */
  async *run(): AsyncGenerator<Scanned> {
    const { stop, workers } = this.#options;
    let due = false;
    const deaf = workers?.whenWorth(() => {
      due = true;
      this.#wake();
    });
    const abort = (): void => {
      this.#crew?.stop();
      this.#wake();
    };
    stop.signal.addEventListener("abort", abort);
    try {
      for (;;) {
        if (stop.signal.aborted) this.#withdraw();
        if (due && !stop.signal.aborted) {
          due = false;
          await this.#hire();
        }
        await this.#fill();
        yield* this.#ready();
        if (this.#queue.length === 0 && this.#ended) break;
        if (this.#queue.length === 0) continue;
        this.#scanNext();
        await this.#event();
      }
      if (stop.signal.aborted) yield* this.#notScanned();
    } finally {
      deaf?.();
      stop.signal.removeEventListener("abort", abort);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#crew?.end("the scan is over");
    }
  }

  /** Finds files as far as there is room for them. */
  async #fill(): Promise<void> {
    const news: Entry[] = [];
    while (!this.#ended && this.#queue.length < this.#room && !this.#options.stop.signal.aborted) {
      const { done, value } = await this.#found.next();
      if (done) this.#ended = true;
      else news.push(await this.#enter(value));
    }
    this.#announce(news);
  }

  async #enter(found: Found): Promise<Entry> {
    const index = this.#count++;
    const entry: Entry = found.kind === "error"
      ? {
        ...{ index, found: undefined, own: true, started: true },
        result: { type: "error", error: found.error },
      }
      : { index, found, own: await this.#isOwn(found), started: false, result: undefined };
    this.#queue.push(entry);
    return entry;
  }

  /** What the bundles have something to tell about stays here: they speak once for each folder. */
  async #isOwn(found: Exclude<Found, { kind: "error" }>): Promise<boolean> {
    if (found.kind !== "file") return true;
    if (this.#crew === undefined) return false;
    const { BUNDLES } = await import("../../bundles/registry.ts");
    return await concernsFolder(this.#folders.place(found.path, found.given), BUNDLES);
  }

  #announce(entries: readonly Entry[]): void {
    this.#crew?.announce(entries.flatMap(({ index, found, own, started }) => {
      if (own || started || found?.kind !== "file") return [];
      const { path, size, given } = found;
      return [{ index, path, size, given }];
    }));
  }

  /** Starts workers if enough is left for them. */
  async #hire(): Promise<void> {
    this.#room = FILES_HELD;
    await this.#fill();
    const waiting = this.#queue.filter(({ started }) => !started);
    // Where files are left that were not even found yet, that is enough.
    if (!this.#ended || isWorth(this.#queue, waiting, this.#done)) {
      this.#crew = await this.#options.workers?.start({
        scanned: (index, scanned) => this.#settle(index, scanned),
        progress: (index, bytesRead) => this.#watch(index, bytesRead),
        lost: (index, reason) => this.#lose(index, reason),
      });
    }
    if (this.#crew === undefined) this.#room = 1;
    // They were on their way when it was said.
    if (this.#options.stop.signal.aborted) this.#crew?.stop();
    for (const entry of waiting) {
      if (entry.found !== undefined) entry.own = await this.#isOwn(entry.found);
    }
    this.#announce(waiting);
  }

  /** What can be told of in order. */
  *#ready(): Generator<Scanned> {
    for (;;) {
      const [first] = this.#queue;
      if (first?.result === undefined) return;
      this.#queue.shift();
      this.#done = amountOf([first], this.#done);
      yield first.result;
    }
  }

  /** Sets the main thread to the next file, if it has none and there is one. */
  #scanNext(): void {
    if (this.#busy) return;
    const entry = this.#queue.find((it) => !it.started && this.#take(it));
    if (entry?.found === undefined) return;
    const { index, found } = entry;
    entry.started = true;
    this.#busy = true;
    this.#inFlight.start(index, found.path);
    const update = (bytesRead: number): void => this.#inFlight.update(index, bytesRead);
    this.#scan(found, update).then(
      (scanned) => this.#settle(index, scanned),
      (cause) => this.#failure = { cause },
    ).finally(() => {
      this.#busy = false;
      this.#wake();
    });
  }

  #take(entry: Entry): boolean {
    return entry.own || this.#crew === undefined || this.#crew.take(entry.index);
  }

  async #scan(
    found: Exclude<Found, { kind: "error" }>,
    update: (bytesRead: number) => void,
  ): Promise<Scanned> {
    if (found.kind === "stdin") return await found.scan(update);
    const { path, size, given } = found;
    const folder = this.#folders.place(path, given);
    return await scanFile({ path, size, folder }, this.#options, update);
  }

  #entry(index: number): Entry | undefined {
    const first = this.#queue[0];
    return first && this.#queue[index - first.index];
  }

  #settle(index: number, scanned: Scanned): void {
    const entry = this.#entry(index);
    if (entry === undefined) return;
    entry.started = true;
    entry.result = scanned;
    this.#inFlight.finish(index, scanned.type === "file" ? scanned.file.bytesRead : 0);
    this.#wake();
  }

  #watch(index: number, bytesRead: number): void {
    const entry = this.#entry(index);
    if (entry?.found === undefined) return;
    if (!entry.started) this.#inFlight.start(index, entry.found.path);
    entry.started = true;
    this.#inFlight.update(index, bytesRead);
  }

  /** A file whose worker is no more: it is not tried again, for it may be what ended the worker. */
  #lose(index: number, reason: string): void {
    const found = this.#entry(index)?.found;
    if (found === undefined) return;
    const { path } = found;
    const size = found.kind === "file" ? found.size : undefined;
    const error = this.#stopping
      ? stoppedWithin(path, this.#options.stop)
      : workerEnded(path, reason);
    this.#settle(index, { type: "file", file: unreadReport(path, size, error) });
  }

  /** Once the scan is to stop: what nobody has begun is not begun any more. */
  #withdraw(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#ended = true;
    this.#timers.push(setTimeout(() => this.#crew?.end("it did not stop"), GRACE_MILLISECONDS));
    for (let last = this.#queue.at(-1); last?.found !== undefined; last = this.#queue.at(-1)) {
      // What lies between files that were begun is begun, too, and ends at once.
      if (last.started || !this.#take(last)) break;
      this.#queue.pop();
      this.#left = last.found.path;
    }
  }

  /** The first path of what was not begun, as an error; paths before it that cannot be looked at. */
  async *#notScanned(): AsyncGenerator<Scanned> {
    while (this.#left === undefined) {
      const { done, value } = await this.#found.next();
      if (done) return;
      if (value.kind === "error") yield { type: "error", error: value.error };
      else this.#left = value.path;
    }
    yield notScanned(this.#left, this.#options.stop);
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
    // Files that are scanned in no time would otherwise leave nobody else a word.
    if (performance.now() - this.#lastTurn > TURN_MILLISECONDS) {
      await new Promise<void>((done) => setTimeout(done, 0));
      this.#lastTurn = performance.now();
    }
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

function amountOf(entries: readonly Entry[], before: Amount = { files: 0, bytes: 0 }): Amount {
  let { files, bytes } = before;
  for (const { found } of entries) {
    files++;
    if (found?.kind === "file") bytes += found.size;
  }
  return { files, bytes };
}

/** True when as much waits, in files or in bytes, as was done or begun so far. */
function isWorth(queue: readonly Entry[], waiting: readonly Entry[], done: Amount): boolean {
  const left = amountOf(waiting);
  const begun = amountOf(queue.filter(({ started }) => started), done);
  return left.files >= FILES_LEFT &&
    (left.files >= begun.files || left.bytes >= begun.bytes);
}

/** What is said of all that was not begun when the scan was stopped. */
export function notScanned(path: string, stop: Stop): Scanned {
  const { message, remedy } = stop.reason();
  const text = `${message} This file and what comes after it were not scanned.`;
  return { type: "error", error: { location: { path, parts: [] }, message: text, remedy } };
}

function stoppedWithin(path: string, stop: Stop): ScanError {
  const { message, remedy } = stop.reason();
  const text = `${message} This file was not scanned to its end.`;
  return { location: { path, parts: [] }, message: text, remedy };
}

function workerEnded(path: string, reason: string): ScanError {
  return {
    location: { path, parts: [] },
    message: `Cannot scan the file: the thread that scanned it ended (${reason})`,
    remedy: "Do not take the file for clean. Scan it alone, and report this failure.",
  };
}
