/**
 * The worker's side: takes files from the shared queue, scans them as the main thread would, and sends
 * the reports.
 *
 * @module
 */

import { markObservedElsewhere } from "../asset/folder.ts";
import type { FileOptions, FilePlace } from "../asset/scan_file.ts";
import { scanFile } from "../asset/scan_file.ts";
import type { Port, Task, WorkerStart } from "./messages.ts";
import { SharedQueue } from "./shared_queue.ts";

/** What a worker judges by. */
type Judges = Pick<FileOptions, "rules" | "suppress">;

/**
 * Scans until the thread is terminated, as it is when it sends that it failed.
 *
 * @param configure makes rules from the setup that {@linkcode WorkerStart} hands over
 */
export async function runWorker(
  port: Port,
  start: WorkerStart,
  configure: (setup: unknown) => Promise<Judges>,
): Promise<void> {
  try {
    await work(port, start, configure);
  } catch (error) {
    port.postMessage({ type: "failed", reason: String(error) });
  }
}

async function work(
  port: Port,
  start: WorkerStart,
  configure: (setup: unknown) => Promise<Judges>,
): Promise<void> {
  const { thread, deadline, limits, hash, explain } = start;
  const queue = new SharedQueue(start.memory);
  const tasks = receive(port);
  const [{ rules, suppress }, { openRegular, sizeOf, hashFile }, { Folders }, { LinkedFiles }] =
    await Promise
      .all([
        configure(start.setup),
        import("../../sources/file.ts"),
        import("../../sources/folder.ts"),
        import("../../sources/linked.ts"),
      ]);
  const signal = {
    get aborted() {
      return queue.stopped;
    },
  };
  const remaining = (): number | undefined =>
    deadline === undefined ? undefined : deadline - Date.now();
  const options: FileOptions = {
    ...{ rules, suppress, limits, hash, explain },
    stop: { signal, remaining },
  };
  const linked = new LinkedFiles();
  const folders = new Folders(linked);
  port.postMessage({ type: "ready" });
  for await (const { index, path, argument, inode } of tasks) {
    if (queue.stopped || !queue.take(index, thread)) continue;
    if (inode !== undefined) linked.expect(inode);
    const folder = folders.place(path, argument);
    // The main thread scans the files that bundles have observations of.
    markObservedElsewhere(folder.listing);
    const place: FilePlace = {
      ...{ path, folder },
      size: () => sizeOf(path),
      open: () => openRegular(path, linked),
      hash: (stopped) => hashFile(path, stopped),
    };
    const scanned = await scanFile(place, options, (bytesRead) => {
      if (start.progress) port.postMessage({ type: "progress", index, bytesRead });
    });
    port.postMessage({ type: "scanned", index, scanned });
  }
}

/** The tasks as they come, from now on. */
function receive(port: Port): AsyncIterable<Task> {
  const tasks: Task[] = [];
  let wake = (): void => {};
  port.on("message", (more) => {
    tasks.push(...more);
    wake();
  });
  return (async function* () {
    for (;;) {
      const task = tasks.shift();
      if (task !== undefined) yield task;
      else await new Promise<void>((done) => wake = done);
    }
  })();
}
