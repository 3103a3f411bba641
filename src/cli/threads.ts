/**
 * Threads as Node, Deno and Bun have them. Loaded when the first is started.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Threads } from "../scan/schedule/threads.ts";

/** Threads that run the module at `place`. */
export function threadsAt(place: URL): Threads {
  return {
    cores: availableParallelism(),
    start(data, events, megabytes) {
      const worker = new Worker(place, {
        workerData: data,
        ...(megabytes !== undefined && {
          resourceLimits: { maxOldGenerationSizeMb: Math.max(1, Math.floor(megabytes)) },
        }),
      });
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
        terminate: () => void worker.terminate(),
      };
    },
  };
}
