/**
 * A program for the test of the fence: runs the command line, and tries to do what a scan may not once the
 * first byte of a model is asked for. Started with more permissions than the launcher gives.
 *
 *     deno run -A src/cli/testing/fenced.ts SCRATCH ARGS…
 *
 * Writes what happened to standard error, as JSON: attempt to outcome.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { runMain } from "../commands/main.ts";
import { processIo } from "../io.ts";

/** "done", or why not. */
type Outcomes = Record<string, string>;

async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
    return "done";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** Resolves once a connection was made or refused by the other side, which both need the network. */
async function connect(): Promise<void> {
  await new Promise<void>((done, fail) => {
    const socket = createConnection({ host: "127.0.0.1", port: 9 });
    socket.on("connect", () => {
      socket.destroy();
      done();
    });
    socket.on(
      "error",
      (error: Error & { code?: string }) => error.code === "ECONNREFUSED" ? done() : fail(error),
    );
  });
}

async function attempts(scratch: string): Promise<Outcomes> {
  const report = join(scratch, "report.json");
  const started = (program: string): void => {
    // Deno gives an empty result where it does not permit it.
    if (spawnSync(program, ["--version"]).status !== 0) throw new Error("NotCapable: not started");
  };
  return {
    create: await outcome(() => writeFileSync(join(scratch, "new"), "x")),
    append: await outcome(() => appendFileSync(report, "x")),
    remove: await outcome(() => rmSync(report)),
    folder: await outcome(() => mkdirSync(join(scratch, "folder"))),
    run: await outcome(() => started(process.execPath)),
    connect: await outcome(connect),
  };
}

if (isMainThread) {
  const [scratch = "", ...args] = process.argv.slice(2);
  const io = processIo();
  const code = await runMain(args, {
    ...io,
    async *stdin() {
      const main = await attempts(scratch);
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: scratch });
      const thread = await new Promise<Outcomes>((done, fail) => {
        worker.on("message", done);
        worker.on("error", fail);
      });
      await worker.terminate();
      process.stderr.write(JSON.stringify({ main, thread }));
      yield new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
    },
  });
  process.exit(code);
} else {
  parentPort?.postMessage(await attempts(String(workerData)));
}
