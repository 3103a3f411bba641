/**
 * The worker threads of one scan, seen from the main thread.
 *
 * @module
 */

import type { ScannedFile } from "../asset/scan_file.ts";
import type { Task, WorkerMessage, WorkerStart } from "./messages.ts";
import { allocateQueue, MAIN_THREAD, SharedQueue } from "./shared_queue.ts";
import type { Thread, Threads } from "./threads.ts";

/** What every worker begins with. */
type PoolStart = Omit<WorkerStart, "memory" | "thread">;

/** Receives the events of the workers. */
export interface PoolEvents {
  /** A file was scanned by a thread. */
  scanned(index: number, scanned: ScannedFile, thread: number): void;
  /** So many bytes of a file were read by now. */
  progress(index: number, bytesRead: number): void;
  /** A file was taken by a worker that has ended; no other thread will scan it. */
  lost(index: number, reason: string): void;
  /** A file was offered to one worker alone, which has ended before it took it. */
  returned(index: number): void;
}

/** Milliseconds in which a thread that is tried out must start. */
const START_MILLISECONDS = 10_000;

/**
 * Starts one thread and ends it again, to see whether threads can be had.
 *
 * @param setup as in {@linkcode WorkerStart}
 * @throws Error with the reason when there can be none
 */
export async function tryThread(threads: Threads, setup: unknown): Promise<void> {
  const start: WorkerStart = {
    ...{ memory: allocateQueue(), thread: MAIN_THREAD + 1, deadline: undefined, limits: {} },
    ...{ setup, hash: false, explain: false, progress: false },
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
    thread?.terminate();
  }
}

/** Workers that take files from one shared queue. */
export class WorkerPool {
  readonly #queue: SharedQueue;
  readonly #events: PoolEvents;
  readonly #threads = new Map<number, Thread>();
  /** Files offered, neither taken by the main thread nor reported. */
  readonly #open = new Set<number>();
  /** Those of them that were offered to one worker alone, and its number. */
  readonly #reserved = new Map<number, number>();

  private constructor(memory: SharedArrayBuffer, events: PoolEvents) {
    this.#queue = new SharedQueue(memory);
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
    start: PoolStart,
    events: PoolEvents,
  ): WorkerPool | undefined {
    const memory = allocateQueue();
    const pool = new WorkerPool(memory, events);
    for (let thread = MAIN_THREAD + 1; thread <= MAIN_THREAD + count; thread++) {
      const data: WorkerStart = { ...start, memory, thread };
      try {
        const one = threads.start(data, {
          message: (message) => pool.#receive(thread, message as WorkerMessage),
          ended: (reason) => pool.#remove(thread, reason),
        });
        pool.#threads.set(thread, one);
      } catch {
        // The others scan without it.
      }
    }
    return pool.#threads.size === 0 ? undefined : pool;
  }

  /** Offers files to all workers, in order. */
  offer(tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    for (const { index } of tasks) {
      this.#queue.offer(index);
      this.#open.add(index);
    }
    for (const thread of this.#threads.values()) thread.post(tasks);
  }

  /** Offers a file to one worker alone; false when that has ended. */
  offerTo(number: number, task: Task): boolean {
    const thread = this.#threads.get(number);
    if (thread === undefined) return false;
    this.#queue.offer(task.index);
    this.#open.add(task.index);
    this.#reserved.set(task.index, number);
    thread.post([task]);
    return true;
  }

  /** Takes a file for the main thread; false when a worker has it. */
  take(index: number): boolean {
    if (this.#reserved.has(index) || !this.#queue.take(index, MAIN_THREAD)) return false;
    this.#open.delete(index);
    return true;
  }

  /** Makes the workers end the files that they scan and report what they found in them. */
  stop(): void {
    this.#queue.stop();
    // No worker takes a file any more; the main thread may have each.
    this.#reserved.clear();
  }

  /** Terminates the workers; files that they have taken are lost. */
  terminate(reason: string): void {
    for (const number of [...this.#threads.keys()]) this.#remove(number, reason);
  }

  #receive(thread: number, message: WorkerMessage): void {
    if (message.type === "failed") return this.#remove(thread, message.reason);
    if (message.type === "ready" || !this.#open.has(message.index)) return;
    if (message.type === "progress") {
      return this.#events.progress(message.index, message.bytesRead);
    }
    this.#open.delete(message.index);
    this.#reserved.delete(message.index);
    this.#events.scanned(message.index, message.scanned, thread);
  }

  #remove(thread: number, reason: string): void {
    this.#threads.get(thread)?.terminate();
    if (!this.#threads.delete(thread)) return;
    for (const index of [...this.#open]) {
      const taken = this.#queue.isTakenBy(index, thread);
      if (!taken && this.#reserved.get(index) !== thread) continue;
      this.#open.delete(index);
      this.#reserved.delete(index);
      if (taken) this.#events.lost(index, reason);
      else this.#events.returned(index);
    }
  }
}
