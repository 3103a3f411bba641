/**
 * For tests that a parser takes linear time: they compare two sizes and not a clock with a limit, so that
 * the speed and load of the machine do not matter.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";

/** Times that the input of the measured work is larger. */
const GROWTH = 32;
/**
 * Most times that it may take longer: linear work takes 32, and some times that where memory is cleared or
 * other threads of the process work in the longer run only; quadratic work takes 1,024.
 */
const MOST = 320;
/** Attempts of which one must be good: another process may take the processor in the middle of one. */
const ATTEMPTS = 6;
/** A shorter time, in milliseconds, says more about the clock than about the work. */
const LEAST = 0.5;

/**
 * Asserts that 32 times the input takes at most 320 times as long, in one of a few attempts.
 *
 * @param input makes an input of so many repetitions
 * @param work is measured
 * @param repetitions of the larger input
 * @param now the clock in milliseconds; the processor time of this process unless given, since on a busy
 *   machine a short piece of work ends before others get their turn, and a long one does not
 */
export async function assertLinear<T>(
  input: (repetitions: number) => T,
  work: (input: T) => unknown,
  repetitions: number,
  now: () => number = processorTime,
): Promise<void> {
  const large = input(repetitions);
  const small = input(Math.ceil(repetitions / GROWTH));
  const took = async (one: T): Promise<number> => {
    const start = now();
    await work(one);
    return now() - start;
  };
  await work(small);
  const ratios: number[] = [];
  while (ratios.length < ATTEMPTS) {
    const base = Math.max(LEAST, Math.min(await took(small), await took(small)));
    const ratio = (await took(large)) / base;
    if (ratio <= MOST) return;
    ratios.push(ratio);
  }
  const start = String(large).slice(0, 30);
  assert.fail(
    `${JSON.stringify(start)}: ${GROWTH} times the input took ${ratios.join(", ")} times`,
  );
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
