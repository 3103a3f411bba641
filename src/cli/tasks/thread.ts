/**
 * The thread's side: does the tasks that it is sent.
 *
 * @module
 */

import { Engine } from "./engine.ts";
import type { TaskPort, TaskThreadStart } from "./messages.ts";

/** Does tasks until the thread is terminated. */
export async function runTaskThread(port: TaskPort, { setup }: TaskThreadStart): Promise<void> {
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
