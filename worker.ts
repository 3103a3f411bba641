/**
 * The entry of the worker threads, by which the command line scans several files, or does several tasks, at a time.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { judgesOf } from "./src/cli/configuration.ts";
import { runWorker } from "./src/scan/schedule/worker.ts";

const start: unknown = workerData;
if (parentPort !== null && typeof start === "object" && start !== null && "tasks" in start) {
  const { runTaskThread } = await import("./src/cli/tasks/thread.ts");
  await runTaskThread(parentPort, workerData);
} else if (parentPort !== null) await runWorker(parentPort, workerData, judgesOf);
