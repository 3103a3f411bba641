/**
 * Several jobs at a time, their results in order.
 *
 * @module
 */

/** Remote files scanned at a time: as many as there are connections to one host. */
export const REMOTE_AT_ONCE = 16;
/** Of these, those that are longer than `LONG_BYTES`, or may be: each takes memory. CWE-770. */
export const LONG_AT_ONCE = 8;
/** Bytes from which on a file is scanned longer than it is waited for. */
export const LONG_BYTES = 256 * 1024;
/** Reports that wait for that of a slow file before them. CWE-770. */
export const REPORTS_HELD = 256;

/**
 * Runs jobs, a bounded number at a time, and gives what they come to in the order of the jobs. A slow
 * one holds back what comes after it, not the work on it.
 *
 * @param jobs started as soon as there is room
 * @param atOnce jobs that run at a time
 * @param held results that may wait for an earlier one
 * @throws what a job throws, at its turn
 */
export async function* inOrder<T>(
  jobs: AsyncIterable<() => Promise<T>>,
  atOnce: number,
  held: number,
): AsyncGenerator<T> {
  const queue: { result: Promise<T>; done: boolean }[] = [];
  const running = new Set<Promise<void>>();
  const room = async (): Promise<void> => {
    while (running.size >= atOnce) await Promise.race(running);
  };
  for await (const job of jobs) {
    await room();
    const one = { result: job(), done: false };
    const end = (): void => {
      one.done = true;
      running.delete(ended);
    };
    const ended: Promise<void> = one.result.then(end, end);
    running.add(ended);
    queue.push(one);
    while (queue[0] !== undefined && (queue[0].done || queue.length > held)) {
      const first = queue.shift();
      if (first !== undefined) yield await first.result;
    }
  }
  for (const { result } of queue) yield await result;
}

/**
 * Lets a bounded number of jobs run at a time; the others wait for their turn.
 *
 * @param atOnce jobs that run at a time
 * @returns runs a job when there is room, and gives what it comes to
 */
export function turnstile(atOnce: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (running < atOnce) running++;
    else await new Promise<void>((done) => waiting.push(done));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
