/**
 * What a worker thread does: it takes files from the list that all threads share, scans them as the
 * main thread would, and sends the reports.
 *
 * @module
 */

import { scanSource } from "../scan_source.ts";
import { toldElsewhere } from "../asset/folder.ts";
import { Folders } from "../../sources/folder.ts";
import type { Limits } from "../../core/types.ts";
import { type ConfigurationTexts, configuredOf } from "../../cli/configuration.ts";
import { type FileOptions, scanFile, type ScannedFile } from "../asset/scan_file.ts";
import { WorkList } from "./shared_queue.ts";

/** What a worker begins with; plain data, and nothing that it would have to read again. */
export interface WorkerStart {
  /** The work list's memory. */
  readonly memory: SharedArrayBuffer;
  /** Its number in the work list. */
  readonly thread: number;
  readonly texts: ConfigurationTexts;
  readonly limits: Partial<Limits>;
  readonly keepSuppressed: boolean;
  /** When the whole scan's time is spent, milliseconds since 1970. */
  readonly deadline: number | undefined;
  /** Whether somebody watches how far it has come. */
  readonly progress: boolean;
}

/** A file that may be taken. */
export interface Task {
  readonly index: number;
  readonly path: string;
  readonly size: number;
  /** The argument that it was found below. */
  readonly given: string;
}

/** What a worker sends; that it is ready comes first, before it takes a file. */
export type WorkerMessage =
  | { readonly type: "ready" }
  | { readonly type: "progress"; readonly index: number; readonly bytesRead: number }
  | { readonly type: "scanned"; readonly index: number; readonly scanned: ScannedFile }
  | { readonly type: "failed"; readonly reason: string };

/** The end of a channel to the main thread. */
export interface Port {
  on(event: "message", listener: (tasks: readonly Task[]) => void): unknown;
  postMessage(message: WorkerMessage): void;
}

/** Scans until it is ended from outside, as it is when it tells of a failure of its own. */
export async function runWorker(port: Port, start: WorkerStart): Promise<void> {
  try {
    await work(port, start);
  } catch (error) {
    port.postMessage({ type: "failed", reason: String(error) });
  }
}

async function work(port: Port, start: WorkerStart): Promise<void> {
  const { thread, deadline, limits, keepSuppressed } = start;
  const list = new WorkList(start.memory);
  const tasks = receive(port);
  const { rules, configuration } = await configuredOf(start.texts);
  const options: FileOptions = {
    scan: scanSource,
    rules,
    suppress: configuration.suppress,
    keepSuppressed,
    limits,
    stop: {
      signal: {
        get aborted() {
          return list.stopped;
        },
      },
      remaining: () => deadline === undefined ? undefined : deadline - Date.now(),
    },
  };
  const folders = new Folders();
  port.postMessage({ type: "ready" });
  for await (const { index, path, size, given } of tasks) {
    if (list.stopped || !list.take(index, thread)) continue;
    const folder = folders.place(path, given);
    // The main thread scans what the bundles have something to tell about.
    toldElsewhere(folder.listing);
    const scanned = await scanFile({ path, size, folder }, options, (bytesRead) => {
      if (start.progress) port.postMessage({ type: "progress", index, bytesRead });
    });
    port.postMessage({ type: "scanned", index, scanned });
  }
}

/** The tasks as they come, from now on. */
function receive(port: Port): AsyncIterable<Task> {
  const tasks: Task[] = [];
  let wake = (): void => {};
  port.on("message", (more) => {
    tasks.push(...more);
    wake();
  });
  return (async function* () {
    for (;;) {
      const task = tasks.shift();
      if (task !== undefined) yield task;
      else await new Promise<void>((done) => wake = done);
    }
  })();
}
