/**
 * The worker threads of one scan, seen from the main thread.
 *
 * @module
 */

import type { ScannedFile } from "../asset/scan_file.ts";
import type { Thread, Threads } from "../../cli/threads.ts";
import { MAIN_THREAD, WorkList, workListMemory } from "./shared_queue.ts";
import type { Task, WorkerMessage, WorkerStart } from "./worker.ts";

/** What every worker begins with. */
export type CrewStart = Omit<WorkerStart, "memory" | "thread">;

/** Who hears of the workers' doings. */
export interface CrewEvents {
  /** A file is done. */
  scanned(index: number, scanned: ScannedFile): void;
  /** So many bytes of a file were read by now. */
  progress(index: number, bytesRead: number): void;
  /** A file was taken by a worker that is no more; nobody else will scan it. */
  lost(index: number, reason: string): void;
}

/** Milliseconds that a thread may take to start before it counts as none. */
const START_MILLISECONDS = 10_000;

/**
 * Starts one thread and ends it again, to see whether there can be any.
 *
 * @throws Error with the reason when there can be none
 */
export async function tryThread(threads: Threads): Promise<void> {
  const start: WorkerStart = {
    ...{ memory: workListMemory(), thread: MAIN_THREAD + 1, deadline: undefined, limits: {} },
    ...{ texts: { files: [], now: 0 }, keepSuppressed: false, progress: false },
  };
  let thread: Thread | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((done, fail) => {
      const ended = (reason: string): void => fail(new Error(reason));
      timer = setTimeout(() => ended("it does not answer"), START_MILLISECONDS);
      thread = threads.start(start, {
        message(message) {
          const it = message as WorkerMessage;
          if (it.type === "ready") done();
          else if (it.type === "failed") ended(it.reason);
        },
        ended,
      });
    });
  } finally {
    clearTimeout(timer);
    thread?.end();
  }
}

/** Workers that share one list of files. */
export class Crew {
  readonly #list: WorkList;
  readonly #events: CrewEvents;
  readonly #threads = new Map<number, Thread>();
  /** Announced, and neither taken by the main thread nor told of. */
  readonly #open = new Set<number>();

  private constructor(memory: SharedArrayBuffer, events: CrewEvents) {
    this.#list = new WorkList(memory);
    this.#events = events;
  }

  /**
   * Starts workers, as many of them as the system gives.
   *
   * @returns undefined when there is none
   */
  static start(
    threads: Threads,
    count: number,
    start: CrewStart,
    events: CrewEvents,
  ): Crew | undefined {
    const memory = workListMemory();
    const crew = new Crew(memory, events);
    for (let thread = MAIN_THREAD + 1; thread <= MAIN_THREAD + count; thread++) {
      const data: WorkerStart = { ...start, memory, thread };
      try {
        const one = threads.start(data, {
          message: (message) => crew.#receive(thread, message as WorkerMessage),
          ended: (reason) => crew.#bury(thread, reason),
        });
        crew.#threads.set(thread, one);
      } catch {
        // The others scan without it.
      }
    }
    return crew.#threads.size === 0 ? undefined : crew;
  }

  /** Offers files to all workers, in order. */
  announce(tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    for (const { index } of tasks) {
      this.#list.announce(index);
      this.#open.add(index);
    }
    for (const thread of this.#threads.values()) thread.post(tasks);
  }

  /** Takes a file for the main thread; false when a worker has it. */
  take(index: number): boolean {
    if (!this.#list.take(index, MAIN_THREAD)) return false;
    this.#open.delete(index);
    return true;
  }

  /** Tells the workers to end the files that they are at, and to report what they found in them. */
  stop(): void {
    this.#list.stop();
  }

  /** Ends the workers; files that they have taken are lost. */
  end(reason: string): void {
    for (const number of [...this.#threads.keys()]) this.#bury(number, reason);
  }

  #receive(thread: number, message: WorkerMessage): void {
    if (message.type === "failed") return this.#bury(thread, message.reason);
    if (message.type === "ready" || !this.#open.has(message.index)) return;
    if (message.type === "progress") {
      return this.#events.progress(message.index, message.bytesRead);
    }
    this.#open.delete(message.index);
    this.#events.scanned(message.index, message.scanned);
  }

  #bury(thread: number, reason: string): void {
    this.#threads.get(thread)?.end();
    if (!this.#threads.delete(thread)) return;
    for (const index of [...this.#open]) {
      if (!this.#list.isTakenBy(index, thread)) continue;
      this.#open.delete(index);
      this.#events.lost(index, reason);
    }
  }
}
