/**
 * A worker for tests that comes to grief, each in its own way, over a file whose name says so.
 *
 * @module
 */

import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import type { Port, WorkerMessage } from "../../scan/schedule/messages.ts";
import { runWorker } from "../../scan/schedule/worker.ts";
import { judgesOf } from "../configuration.ts";

if (parentPort !== null) {
  const real = parentPort;
  const port: Port = {
    on: (event, listener) => real.on(event, listener),
    postMessage: (message) => {
      comeToGrief(message);
      real.postMessage(message);
    },
  };
  await runWorker(port, workerData, judgesOf);
}

function comeToGrief(message: WorkerMessage): void {
  if (message.type !== "scanned") return;
  const { path } = message.scanned.file;
  if (path.includes("exits")) process.exit(3);
  if (path.includes("throws")) throw new Error("an error that nobody foresaw");
  // What cannot be sent to another thread.
  if (path.includes("clones")) Object.assign(message.scanned.file, { notCloneable: () => {} });
  if (!path.includes("hangs")) return;
  parentPort?.postMessage({ type: "progress", index: message.index, bytesRead: 1 });
  for (;;) Math.random();
}
