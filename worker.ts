/**
 * The entry of the worker threads, by which the command line scans several files at a time.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { judgesOf } from "./src/cli/configuration.ts";
import { runWorker } from "./src/scan/schedule/worker.ts";

if (parentPort !== null) await runWorker(parentPort, workerData, judgesOf);
