/**
 * What a quantity comes to that grows in each round of a loop, by what it was in the first rounds.
 *
 * @module
 */

/** By what each of the first rounds adds more than the one before, where the growth is no sum. */
const FACTOR = 1.7;
/** The same from one third of the rounds to the next, where there are enough of them to tell. */
const LATE = 1.5;
/**
 * How far the growth of the growth may fall from third to third. Of sums, and of sums of sums, its
 * logarithm halves; of products it stays.
 */
const FALLING = 0.75;
/** Rounds by which thirds are told apart. */
const ENOUGH = 8;
/** Times that what doubles with each message of a conversation is doubled. */
const DOUBLED = 200;

/** What a quantity comes to. */
interface Growth {
  readonly grown: number;
  /** Whether each round multiplies it. */
  readonly geometric: boolean;
}

/**
 * Extrapolates a quantity.
 *
 * @param samples before the first round and behind each of the next ones
 * @param rounds of the loop; undefined where the conversation decides
 * @param least what one round of a conversation counts as
 * @returns undefined where it has not grown in the last round
 */
export function extrapolate(
  samples: readonly number[],
  rounds: number | undefined,
  least: number,
): Growth | undefined {
  const all = samples[0] === 0 ? samples.slice(1) : samples;
  const steps = stepsOf(all);
  const last = steps.at(-1) ?? 0;
  const size = all.at(-1) ?? 0;
  if (last <= 0) return undefined;
  const factor = steps.length >= ENOUGH ? lateFactor(steps) : earlyFactor(steps);
  if (factor === undefined) {
    return { grown: Math.min(size + last * (rounds ?? least), 1e300), geometric: false };
  }
  if (rounds !== undefined && rounds < all.length) {
    return { grown: all[Math.ceil(rounds)] ?? size, geometric: true };
  }
  const more = rounds === undefined ? 2 ** DOUBLED : factor ** (rounds - all.length);
  return { grown: Math.min(size * more, 1e300), geometric: true };
}

/** Whether more rounds are needed to tell how a quantity grows. */
export function isUnclear(samples: readonly number[]): boolean {
  const steps = stepsOf(samples);
  const [before = 0, last = 0] = steps.slice(-2);
  return last > before * 1.01;
}

function stepsOf(samples: readonly number[]): number[] {
  return samples.slice(1).map((size, at) => size - (samples[at] ?? 0));
}

/** By what each round multiplies the growth; undefined where it does not. */
function earlyFactor(steps: readonly number[]): number | undefined {
  const ratios = steps.slice(1).map((step, at) => step / Math.max(1, steps[at] ?? 1));
  if (ratios.length === 0 || ratios.some((ratio) => ratio < FACTOR)) return undefined;
  return Math.min(...ratios);
}

function lateFactor(steps: readonly number[]): number | undefined {
  const third = Math.floor(steps.length / 3);
  const sum = (from: number): number =>
    steps.slice(steps.length - from, steps.length - from + third).reduce(
      (all, one) => all + one,
      0,
    );
  const [early, middle, late] = [sum(3 * third), sum(2 * third), sum(third)];
  const factor = late / Math.max(1, middle);
  if (factor < LATE) return undefined;
  const before = middle / Math.max(1, early);
  if (before > 1 && Math.log(factor) < FALLING * Math.log(before)) return undefined;
  return factor ** (1 / third);
}
