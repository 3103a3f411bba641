/**
 * Pairs of transformations that long runs never met: each is applied to sample after sample until the
 * loaders confirm a case of it, so that what is left is known to change no sample, or to be confirmed by none.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { Dice } from "../dice.ts";
import { applied, type Link } from "./chains.ts";
import { fileOf, type Scanned, verdictOf, wrong } from "./judge.ts";
import type { Oracle } from "./oracle.ts";
import type { Finding } from "./smaller.ts";
import type { Draft, Transformation } from "./transformation.ts";

/** Cases of a pair that are tried. */
const TRIES = 400;
/** Cases of a pair that the oracle has at once. */
const BATCH = 8;

type Pair = readonly [Transformation, Transformation];

/** What became of the pairs. */
interface Met {
  readonly confirmed: number;
  /** Pairs that change no sample. */
  readonly inapplicable: readonly string[];
  /** Pairs that change samples, and whose cases no loader confirms. */
  readonly refused: readonly string[];
}

/** The pairs of which the summaries of runs count none. @throws where a file is no summary */
export function missingPairs(due: readonly Pair[], files: readonly string[]): readonly Pair[] {
  const counts = files.map((file): Readonly<Record<string, number>> =>
    JSON.parse(readFileSync(file, "utf8")).pairs
  );
  return due.filter(([a, b]) =>
    counts.every((each) => each[`${a.id} ${b.id}`] === undefined || each[`${a.id} ${b.id}`] === 0)
  );
}

/** Tries pairs; `found` is told each finding. */
export async function meet(
  oracle: Oracle,
  due: readonly Pair[],
  samples: readonly Scanned[],
  seed: number,
  found: (finding: Finding, number: number) => Promise<void>,
): Promise<Met> {
  const inapplicable: string[] = [];
  const refused: string[] = [];
  let confirmed = 0;
  for (const [index, pair] of due.entries()) {
    const dice = new Dice("missing", seed, index);
    const id = pair.map((each) => each.id).join(" ");
    let changes = false;
    let met = false;
    for (let tried = 0; tried < TRIES && !met;) {
      const cases: { sample: Scanned; chain: readonly Link[]; draft: Draft }[] = [];
      for (; cases.length < BATCH && tried < TRIES; tried++) {
        const sample = dice.pick(samples);
        const chain = pair.map((transformation) => ({ transformation, salt: dice.word() }));
        const draft = applied(sample.draft, chain);
        if (draft !== undefined) cases.push({ sample, chain, draft });
      }
      changes ||= cases.length > 0;
      const judged = await oracle.judge(
        cases.map(({ sample, draft }) => ({ of: sample.id, draft })),
      );
      for (const [at, judgement] of judged.entries()) {
        const made = cases[at];
        if (made === undefined || !judgement.same || met) continue;
        met = true;
        const file = fileOf(made.draft, judgement);
        const verdict = await verdictOf(made.draft.name, file);
        const kind = wrong(made.sample, verdict);
        if (kind !== undefined) await found({ ...made, kind, verdict, file }, index);
      }
    }
    if (met) confirmed++;
    else (changes ? refused : inapplicable).push(id);
  }
  return { confirmed, inapplicable, refused };
}
