/**
 * Threads beside the main one, as Node, Deno and Bun have them. Loaded when the first is started.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** Threads at a time unless the user asks for more: each has rules, decoders and memory of its own. */
const JOBS_UNASKED = 4;

/** How many threads scan at a time, the main one included. */
export function jobsOf(asked: number | undefined, cores: number): number {
  return asked ?? Math.max(1, Math.min(cores, JOBS_UNASKED));
}

/** A running thread. */
export interface Thread {
  /** Sends it a message: plain data. */
  post(message: unknown): void;
  /** Ends it at once, whatever it is at. */
  end(): void;
}

/** Who hears of a thread. */
export interface ThreadEvents {
  /** It sent a message. */
  message(data: unknown): void;
  /** It is no more; called once at least, and the reason is for people. */
  ended(reason: string): void;
}

/** What starts threads. */
export interface Threads {
  /** Cores that this process may use. */
  readonly cores: number;
  /**
   * Starts one.
   *
   * @param data plain data and shared memory that it begins with
   * @throws whatever the system says when there can be none
   */
  start(data: unknown, events: ThreadEvents): Thread;
}

/** Threads that run the module at `place`. */
export function threadsAt(place: URL): Threads {
  return {
    cores: availableParallelism(),
    start(data, events) {
      const worker = new Worker(place, { workerData: data });
      worker.on("message", events.message);
      worker.on("messageerror", (error: Error) => {
        events.ended(error.message);
        void worker.terminate();
      });
      worker.on("error", (error: unknown) => {
        events.ended(error instanceof Error ? error.message : String(error));
      });
      worker.on("exit", (code: number) => events.ended(`exit code ${code}`));
      return {
        post: (message) => worker.postMessage(message),
        end: () => void worker.terminate(),
      };
    },
  };
}
