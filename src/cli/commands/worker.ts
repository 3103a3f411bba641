/**
 * `modelaudit worker`: tasks on standard input, results on standard output.
 *
 * @module
 */

import { jsonText } from "../../report/escape.ts";
import type { Io } from "../io.ts";
import { dispatch } from "../tasks/dispatch.ts";
import { openSession, type SessionOptions } from "../tasks/session.ts";

/** The exit code when results could not be written. */
const NOT_WRITTEN = 2;

/**
 * Does tasks until standard input ends, or the process is asked to end.
 *
 * @returns the exit code; that of a task that failed is 0, too
 * @throws ConfigError for a wrong configuration, and for results that cannot be read
 */
export async function runWorkerCommand(options: SessionOptions, io: Io): Promise<number> {
  const session = await openSession(options, io);
  let last: Promise<unknown> = Promise.resolve();
  try {
    await dispatch(io.stdin(), session, {
      concurrency: options.concurrency,
      draining: session.draining,
      async emit(result) {
        // A line at a time: a result that waits for its reader keeps its place.
        const written = last.then(() => io.stdout.write(`${jsonText(result)}\n`));
        last = written;
        await written;
        return !io.stdout.closed;
      },
    });
  } finally {
    session.close();
  }
  return io.stdout.failure === undefined ? 0 : NOT_WRITTEN;
}
