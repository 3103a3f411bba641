/**
 * Scans files over workers: the first hands out what concerns several files of a folder, all take what is left.
 * A file whose worker ends is incomplete, and the others are still scanned.
 *
 * @module
 */

import type { ScanError, ScanReport } from "../../src/core/types.ts";
import { unreadReport } from "../../src/scan/asset/placeholder_reports.ts";
import type { Scanned } from "../../src/scan/asset/scan_file.ts";
import { notScanned, notScannedToEnd, type Stop } from "../../src/scan/schedule/stop.ts";
import type { FromWorker, GivenGroup, Task, ToWorker } from "./messages.ts";

/** What is used of a worker of the browser. */
export interface WorkerPort {
  postMessage(message: ToWorker): void;
  terminate(): void;
  addEventListener(type: "message", listener: (event: { data: FromWorker }) => void): void;
  addEventListener(type: "error", listener: (event: { message?: string }) => void): void;
}

/** How far a scan has come. */
export interface PageProgress {
  readonly files: number;
  readonly totalFiles: number;
  readonly bytesRead: number;
  /** Sizes of all files. */
  readonly totalBytes: number | undefined;
  /** A file that is being scanned. */
  readonly path: string;
  /** False while it is found out what the files of a folder mean together. */
  readonly isDealt: boolean;
}

/** What a scan reports while it runs. */
export interface ScanEvents {
  /** Which rules judge, their version. */
  ready(rules: string): void;
  scanned(scanned: Scanned, rules: ScanReport["rules"]): void;
  progress(progress: PageProgress): void;
  note(text: string): void;
}

/** How files are scanned. */
interface PoolOptions {
  /** Starts a worker. */
  readonly start: () => WorkerPort;
  /** Workers at a time. */
  readonly workers: number;
  readonly hash: boolean;
  readonly signal: AbortSignal;
}

/** Files for each worker below which another is not worth its start. */
const FILES_A_WORKER = 4;
/** Milliseconds that workers have, once the scan is cancelled, to report what they found by then. */
const GRACE_MILLISECONDS = 1000;

/** A worker, and what it does. */
interface Member {
  readonly port: WorkerPort;
  /** True for the one that hands out what concerns several files. */
  readonly first: boolean;
  task: Task | undefined;
}

/** One scan of files; used once. */
export class FileScan {
  readonly #groups: readonly GivenGroup[];
  readonly #options: PoolOptions;
  readonly #events: ScanEvents;
  readonly #stop: Stop;
  readonly #tasks: Task[] = [];
  /** Tasks for any worker, and for the first alone; the next is the last. */
  #open: Task[] = [];
  #firsts: Task[] = [];
  readonly #members = new Set<Member>();
  readonly #reading = new Map<number, number>();
  #bytesEnded = 0;
  #ended = 0;
  /** True once it is known which files are the first worker's. */
  #isDealt = false;
  readonly #totalBytes: number;
  #finish: () => void = () => {};

  /** @param groups files as they were given */
  constructor(groups: readonly GivenGroup[], options: PoolOptions, events: ScanEvents) {
    this.#groups = groups;
    this.#options = options;
    this.#events = events;
    this.#stop = {
      signal: options.signal,
      remaining: () => undefined,
      reason: () => ({ message: "The scan was cancelled.", remedy: "Scan again." }),
    };
    let bytes = 0;
    for (const [group, { files }] of groups.entries()) {
      for (const [file, { bytes: of }] of files.entries()) {
        this.#tasks.push({ index: this.#tasks.length, group, file });
        bytes += of.kind === "blob" ? of.blob.size : of.size;
      }
    }
    this.#totalBytes = bytes;
  }

  /** Scans all files; settles when all have ended, or shortly after the signal. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const abort = (): void => {
      for (const { port } of this.#members) port.postMessage({ type: "stop" });
      this.#withdraw();
      grace = setTimeout(() => this.#abandon(), GRACE_MILLISECONDS);
    };
    const done = new Promise<void>((resolve) => this.#finish = resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      if (signal.aborted) abort();
      this.#say();
      this.#startFirst();
      this.#check();
      await done;
    } finally {
      clearTimeout(grace);
      signal.removeEventListener("abort", abort);
      for (const { port } of this.#members) port.terminate();
      this.#members.clear();
    }
  }

  /** The first worker is asked which files are its own; the others start when that is known. */
  #startFirst(): void {
    const member = this.#start(true);
    member.port.postMessage({ type: "concerns", tasks: this.#tasks });
  }

  #start(first: boolean): Member {
    const { start, hash } = this.#options;
    const member: Member = { port: start(), first, task: undefined };
    this.#members.add(member);
    const { port } = member;
    port.addEventListener("message", ({ data }) => this.#hear(member, data));
    port.addEventListener("error", ({ message = "" }) => this.#lose(member, message));
    port.postMessage({ type: "begin", groups: this.#groups, hash, observedElsewhere: !first });
    return member;
  }

  #hear(member: Member, message: FromWorker): void {
    if (!this.#members.has(member)) return;
    switch (message.type) {
      case "ready":
        return this.#events.ready(message.rules);
      case "concerned":
        return this.#share(new Set(message.indexes));
      case "progress":
        this.#reading.set(message.index, message.bytesRead);
        return this.#say(member.task);
      case "scanned":
        member.task = undefined;
        this.#settle(message.index, message.scanned, message.rules);
        return this.#next(member);
      case "failed":
        return this.#lose(member, message.reason);
    }
  }

  /** Deals the files out. */
  #share(own: ReadonlySet<number>): void {
    if (this.#options.signal.aborted) return;
    this.#isDealt = true;
    const tasks = this.#tasks.toReversed();
    this.#firsts = tasks.filter(({ index }) => own.has(index));
    this.#open = tasks.filter(({ index }) => !own.has(index));
    const wanted = Math.ceil(this.#tasks.length / FILES_A_WORKER);
    const more = Math.min(this.#options.workers, wanted) - this.#members.size;
    for (let count = 0; count < more; count++) this.#start(false);
    for (const member of this.#members) this.#next(member);
  }

  #next(member: Member): void {
    if (this.#options.signal.aborted) return this.#check();
    const task = (member.first ? this.#firsts.pop() : undefined) ?? this.#open.pop();
    member.task = task;
    if (task === undefined) return this.#check();
    member.port.postMessage({ type: "scan", task });
    this.#say(task);
  }

  #settle(index: number | undefined, scanned: Scanned, rules: ScanReport["rules"]): void {
    this.#ended++;
    if (index !== undefined) this.#reading.delete(index);
    if (scanned.type === "file") this.#bytesEnded += scanned.file.bytesRead;
    this.#events.scanned(scanned, rules);
    this.#say();
    this.#check();
  }

  /** A worker that ended: its file is not tried again, for it may be what ended it. */
  #lose(member: Member, reason: string): void {
    if (!this.#members.delete(member)) return;
    member.port.terminate();
    const { task, first } = member;
    if (first && !this.#isDealt) {
      // It could not even say which files are its own.
      for (const it of this.#tasks) this.#unread(it, workerEnded(this.#pathOf(it), reason));
      return;
    }
    if (task !== undefined) this.#unread(task, workerEnded(this.#pathOf(task), reason));
    if (this.#options.signal.aborted) return this.#check();
    if (this.#open.length + (first ? this.#firsts.length : 0) > 0) this.#next(this.#start(first));
    else this.#check();
  }

  #unread(task: Task, error: ScanError): void {
    const given = this.#groups[task.group]?.files[task.file]?.bytes;
    const size = given?.kind === "blob" ? given.blob.size : given?.size;
    const file = unreadReport(this.#pathOf(task), size, error);
    this.#settle(task.index, { type: "file", file }, {});
  }

  #pathOf({ group, file }: Task): string {
    const given = this.#groups[group];
    return `${given?.prefix ?? ""}${given?.files[file]?.name ?? ""}`;
  }

  /** What was not begun is one error. */
  #withdraw(): void {
    const left = this.#isDealt ? [...this.#open, ...this.#firsts] : [...this.#tasks];
    const [first] = left.sort((a, b) => a.index - b.index);
    this.#open = [];
    this.#firsts = [];
    if (first !== undefined) {
      const error = notScanned(this.#pathOf(first), this.#stop);
      this.#events.scanned({ type: "error", error }, {});
    }
    this.#check();
  }

  /** Ends what did not end by itself. */
  #abandon(): void {
    for (const { task } of this.#members) {
      if (task !== undefined) this.#unread(task, notScannedToEnd(this.#pathOf(task), this.#stop));
    }
    this.#finish();
  }

  #check(): void {
    const busy = [...this.#members].some(({ task }) => task !== undefined);
    const isDone = this.#options.signal.aborted ? !busy : this.#ended >= this.#tasks.length;
    if (isDone) this.#finish();
  }

  #say(task?: Task): void {
    let reading = 0;
    for (const bytes of this.#reading.values()) reading += bytes;
    this.#events.progress({
      files: this.#ended,
      totalFiles: this.#tasks.length,
      bytesRead: this.#bytesEnded + reading,
      totalBytes: this.#totalBytes,
      path: task === undefined ? "" : this.#pathOf(task),
      isDealt: this.#isDealt,
    });
  }
}

function workerEnded(path: string, reason: string): ScanError {
  return {
    location: { path, parts: [] },
    message: `Cannot scan the file: the worker that scanned it ended (${
      reason || "no reason given"
    })`,
    remedy: "Do not take the file for clean. Scan it alone, and report this failure.",
  };
}

/**
 * Scans what an address names, in one worker. `hub` is a mirror of the hub.
 *
 * @throws Error when the worker ends
 */
export async function scanAddress(
  address: string,
  { start, signal, hub }: Pick<PoolOptions, "start" | "signal"> & { readonly hub?: string },
  events: ScanEvents,
): Promise<void> {
  const port = start();
  let grace: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((done, fail) => {
      port.addEventListener("message", ({ data }) => {
        if (data.type === "fetched") done();
        else if (data.type === "ready") events.ready(data.rules);
        else if (data.type === "scanned") events.scanned(data.scanned, data.rules);
        else if (data.type === "note") events.note(data.text);
        else if (data.type === "fetching") {
          events.progress({ ...data, totalBytes: undefined, isDealt: true });
        } else if (data.type === "failed") fail(new Error(data.reason));
      });
      port.addEventListener("error", ({ message = "" }) => fail(new Error(message)));
      const cancelled = (): void => {
        const reason =
          "The scan was cancelled. This address and what it names were not scanned to the end.";
        const location = { path: address, parts: [] };
        const error = { location, message: reason, remedy: "Scan again." };
        events.scanned({ type: "error", error }, {});
        done();
      };
      const abort = (): void => {
        port.postMessage({ type: "stop" });
        grace = setTimeout(cancelled, GRACE_MILLISECONDS);
      };
      if (signal.aborted) return cancelled();
      signal.addEventListener("abort", abort, { once: true });
      port.postMessage({ type: "fetch", address, hub });
    });
  } finally {
    clearTimeout(grace);
    port.terminate();
  }
}
