/**
 * Tasks as they are read, results as they come: a bounded number at a time, in no order.
 *
 * @module
 */

import type { Failure } from "./failure.ts";
import { failedResult, type Result } from "./result.ts";
import { type Line, LineReader } from "./lines.ts";
import { type InvalidTask, LINE_BYTES, parseTask, type Task } from "./task.ts";

/** Does tasks; where is its own affair. */
export interface Runner {
  /** Never rejects. */
  run(task: Task): Promise<Result>;
}

/** How tasks are dispatched. */
interface DispatchOptions {
  readonly concurrency: number;
  /** No task is begun any more once it is aborted; those that are running go on. */
  readonly draining: AbortSignal;
  /** Writes a result; settles once it was handed over. False: nothing arrives any more. */
  emit(result: Result): Promise<boolean>;
  /** False for a task that is to be left out. */
  wanted?(task: Task): boolean;
}

const STOPPED: Failure = {
  class: "retry",
  reason: "stopped",
  message: "The worker was stopped before it began the task",
  after: null,
};

/**
 * Reads tasks and writes results until the input ends. No more is read than there is room for, and there is
 * room once a result was taken. A line that is no task has a result that says so.
 */
export async function dispatch(
  stream: AsyncIterable<Uint8Array>,
  runner: Runner,
  options: DispatchOptions,
): Promise<void> {
  const { concurrency, draining, emit, wanted } = options;
  const lines = new LineReader(stream, LINE_BYTES);
  const running = new Set<Promise<void>>();
  const drained = new Promise<undefined>((done) => {
    if (draining.aborted) done(undefined);
    draining.addEventListener("abort", () => done(undefined), { once: true });
  });
  let lost = false;
  const write = async (result: Result): Promise<void> => {
    if (!await emit(result)) lost = true;
  };
  while (!lost && !draining.aborted) {
    const line = await Promise.race([lines.next(), drained]);
    if (line === undefined) break;
    if (draining.aborted) {
      await write(stopped(line));
      break;
    }
    const task = parseTask(line.bytes);
    if (isInvalid(task)) {
      await write(invalidResult(task, line));
      continue;
    }
    if (wanted?.(task) === false) continue;
    const one: Promise<void> = runner.run(task).then(write).finally(() => running.delete(one));
    running.add(one);
    while (running.size >= concurrency && !lost) await Promise.race(running);
  }
  // What was taken out of the pipe cannot be put back: it is given back with a word.
  for (const line of lost ? [] : lines.takeReady()) await write(stopped(line));
  await Promise.all(running);
}

function isInvalid(task: Task | InvalidTask): task is InvalidTask {
  return "failure" in task;
}

function invalidResult({ id, failure }: InvalidTask, { number }: Line): Result {
  return failedResult(id === undefined ? { line: number } : { id }, failure);
}

function stopped(line: Line): Result {
  const task = parseTask(line.bytes);
  if (isInvalid(task)) return invalidResult(task, line);
  return failedResult({ id: task.id }, STOPPED);
}
