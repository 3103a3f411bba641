/**
 * The thread's side: does the tasks that it is sent.
 *
 * @module
 */

import { getHeapStatistics } from "node:v8";
import { resourceLimits } from "node:worker_threads";
import { Engine } from "./engine.ts";
import type { TaskPort, TaskThreadStart } from "./messages.ts";

/** Milliseconds between two looks at the limit of memory. */
const LOOK_MILLISECONDS = 500;

/**
 * Says so when the values of this thread were more than it may have. Node ends such a thread. Deno 2.9 raises the
 * limit and breaks off what runs, which goes unnoticed behind an `await`: thread and task would stay, and never end.
 */
function watchMemory(port: TaskPort): void {
  // Bun has no limit, and what it calls one grows.
  if (resourceLimits?.maxOldGenerationSizeMb === undefined) return;
  const limit = getHeapStatistics().heap_size_limit;
  const timer = setInterval(() => {
    if (getHeapStatistics().heap_size_limit <= limit) return;
    clearInterval(timer);
    port.postMessage({ type: "failed", reason: "its limit of memory was reached" });
  }, LOOK_MILLISECONDS);
}

/** Does tasks until the thread is terminated. */
export async function runTaskThread(port: TaskPort, { setup }: TaskThreadStart): Promise<void> {
  watchMemory(port);
  const waiting = new Map<number, (line: string | undefined) => void>();
  let searches = 0;
  try {
    const opening = Engine.open(setup, (key, siblingsKey) =>
      new Promise((done) => {
        const index = ++searches;
        waiting.set(index, done);
        port.postMessage({ type: "find", index, key, siblingsKey });
      }));
    port.on("message", (order) => {
      if (order.type === "found") {
        waiting.get(order.index)?.(order.line);
        waiting.delete(order.index);
        return;
      }
      void opening.then(async (engine) => {
        if (order.type === "stop") return engine.stop();
        const result = await engine.run(order.task);
        port.postMessage({ type: "done", index: order.index, result });
      }).catch((error) => port.postMessage({ type: "failed", reason: String(error) }));
    });
    await opening;
    port.postMessage({ type: "ready" });
  } catch (error) {
    port.postMessage({ type: "failed", reason: String(error) });
  }
}
