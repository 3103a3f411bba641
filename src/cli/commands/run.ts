/**
 * `modelaudit run MANIFEST OUT.ndjson`: the tasks of a file, each once, however often the run is killed.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import { SourceError } from "../../core/errors.ts";
import { formatCount } from "../../core/numbers.ts";
import { jsonText } from "../../report/escape.ts";
import type { Io } from "../io.ts";
import { dispatch, type Runner } from "../tasks/dispatch.ts";
import type { Result } from "../tasks/result.ts";
import type { ResultsFile } from "../tasks/results_file.ts";
import { openSession, type SessionOptions } from "../tasks/session.ts";
import type { Task } from "../tasks/task.ts";
import { tell } from "../terminal.ts";

/** The exit code when tasks are left, or results could not be written. */
const LEFT = 2;

/** Seconds before the second try of a task; each further one waits twice as long. */
const RETRY_SECONDS = 2;

/** Seconds that are waited before a task is tried again, whatever a server says. The hub counts in windows of 300. */
const LONGEST_WAIT_SECONDS = 300;

/** What the options of `run` amount to. */
interface RunOptions extends SessionOptions {
  /** Tries of a task whose failure may pass, after the first. */
  readonly retries: number;
  /** Also write results of tasks that failed each time: they are done then. */
  readonly giveUp: boolean;
}

/**
 * Does the tasks of a manifest that have no result yet, and appends the results.
 *
 * @param manifest a file; "-" for standard input
 * @param out open since before anything was read
 * @returns 0 when every task has a result
 * @throws ConfigError for a wrong configuration, and for results that cannot be read
 */
export async function runManifest(
  manifest: string,
  out: ResultsFile,
  options: RunOptions,
  io: Io,
): Promise<number> {
  const session = await openSession(options, io);
  const ids = new Set(out.done);
  let [written, left, doubled, invalid] = [0, 0, 0, 0];
  try {
    const stream = manifest === "-" ? io.stdin() : fileStream(manifest);
    const runner: Runner = { run: (task) => persistent(task, session, options) };
    await dispatch(stream, runner, {
      concurrency: options.concurrency,
      draining: session.draining,
      wanted({ id }) {
        const isNew = !ids.has(id);
        if (!isNew && !out.done.has(id)) doubled++;
        ids.add(id);
        return isNew;
      },
      emit(result) {
        const { error, id, target } = result;
        // A line that is no task may have the id of one.
        const isLine = error?.reason === "invalid-task" && target === null;
        const isTemporary = error?.class === "retry" &&
          (!options.giveUp || error.reason === "stopped");
        if (id === null || (isLine && ids.has(id))) invalid++;
        else if (isTemporary) left++;
        else if (out.append(`${jsonText(result)}\n`)) written++;
        if (isLine && id !== null) ids.add(id);
        return Promise.resolve(out.failure === undefined);
      },
    });
    if (session.draining.aborted) left++;
  } finally {
    session.close();
    out.close();
  }
  const notes = [
    out.failure === undefined ? "" : `Cannot write to the results: ${out.failure}`,
    doubled === 0 ? "" : `${formatCount(doubled, "task")} had the id of another and was left out`,
    invalid === 0 ? "" : `${formatCount(invalid, "line")} of the manifest is no task`,
    session.draining.aborted
      ? "The run was stopped: give the same command again for what is left"
      : left === 0
      ? ""
      : `${formatCount(left, "task")} failed for now: give the same command again`,
  ];
  for (const note of notes) if (note !== "") await tell(io, `note: ${note}`);
  await tell(
    io,
    `${formatCount(written, "result")} written, ${formatCount(out.done.size, "task")} done before`,
  );
  return out.failure === undefined && left + invalid === 0 ? 0 : LEFT;
}

/** Does a task, again as long as that may help. */
async function persistent(
  task: Task,
  session: Runner & { readonly draining: AbortSignal },
  { retries }: RunOptions,
): Promise<Result> {
  for (let attempt = 0;; attempt++) {
    const result = await session.run(task);
    const { error } = result;
    if (error?.class !== "retry" || error.reason === "stopped" || attempt >= retries) return result;
    const seconds = error.after ?? RETRY_SECONDS * 2 ** attempt;
    if (seconds > LONGEST_WAIT_SECONDS) return result;
    await pause(seconds * 1000, session.draining);
    if (session.draining.aborted) return result;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end, { once: true });
  });
}

async function* fileStream(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError(path, `Cannot read the manifest "${path}": ${reason}`, { cause });
  }
}
