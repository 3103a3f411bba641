/**
 * Threads for tests: real ones that start at once, and workers within the test's own thread that can be
 * made to fail in the middle of anything.
 *
 * @module
 */

import type { Port, Task, WorkerMessage, WorkerStart } from "../../scan/schedule/messages.ts";
import type { ThreadEvents, Threads, ThreadSupply } from "../../scan/schedule/threads.ts";
import { runWorker } from "../../scan/schedule/worker.ts";
import { judgesOf } from "../configuration.ts";
import { threadsAt } from "../threads.ts";

/** Starts workers after so many milliseconds; 0 unless given. */
export function supply(threads: Threads | undefined, after = 0): ThreadSupply {
  return {
    whenWorthwhile(callback) {
      const timer = setTimeout(callback, after);
      return () => clearTimeout(timer);
    },
    load: () =>
      threads === undefined
        ? Promise.reject(new Error("this system has no threads"))
        : Promise.resolve(threads),
  };
}

/** Real threads on a machine of so many cores, that tell of every message. */
export function realThreads(
  cores: number,
  heard: (message: WorkerMessage) => void = () => {},
  place: URL = new URL("../../../worker.ts", import.meta.url),
): Threads {
  const { start } = threadsAt(place);
  return {
    cores,
    start: (data, events) =>
      start(data, {
        ...events,
        message: (message) => {
          heard(message as WorkerMessage);
          events.message(message);
        },
      }),
  };
}

/** What may happen to a worker; each is asked at its moment. */
export interface Fate {
  /** Before it starts; throws where there can be no more threads. */
  starting?(start: WorkerStart): void;
  /** Files were announced to it. */
  announced?(tasks: readonly Task[]): void;
  /** A message leaves it: pass it on, or another, or none. `die` ends the worker then and there. */
  sending?(
    message: WorkerMessage,
    die: (reason: string) => never,
  ): WorkerMessage | undefined | Promise<WorkerMessage | undefined>;
}

class Death extends Error {}

/** Workers of the same code as real ones, on a machine of so many cores. */
export function fatedThreads(cores: number, fate: Fate): Threads {
  return {
    cores,
    start(data, events) {
      const start = data as WorkerStart;
      fate.starting?.(start);
      return startFated(start, events, fate);
    },
  };
}

function startFated(start: WorkerStart, events: ThreadEvents, fate: Fate) {
  let alive = true;
  let hear = (_: readonly Task[]): void => {};
  const early: (readonly Task[])[] = [];
  const die = (reason: string): never => {
    alive = false;
    setTimeout(() => events.ended(reason), 0);
    throw new Death(reason);
  };
  const port: Port = {
    on(_, listener) {
      hear = listener;
      for (const tasks of early) listener(tasks);
    },
    postMessage(message) {
      if (!alive) throw new Death();
      const sent = fate.sending === undefined ? message : fate.sending(message, die);
      // As between threads: a copy, and later.
      void Promise.resolve(sent).then((it) =>
        setTimeout(() => it !== undefined && events.message(structuredClone(it)), 0)
      );
    },
  };
  runWorker(port, start, judgesOf).catch((error) => {
    if (!(error instanceof Death)) throw error;
  });
  return {
    post(message: unknown) {
      const tasks = message as readonly Task[];
      fate.announced?.(tasks);
      setTimeout(() => alive && (early.push(tasks), hear(structuredClone(tasks))), 0);
    },
    terminate() {
      alive = false;
    },
  };
}
