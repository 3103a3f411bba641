/**
 * Several jobs at a time, their results in order.
 *
 * @module
 */

/** Remote files scanned at a time: as many as there are connections to one host. */
export const REMOTE_AT_ONCE = 8;
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
