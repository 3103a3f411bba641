/**
 * Pairs of transformations that long runs never met: each is applied to sample after sample until the
 * loaders confirm a case of it, so that of what is left it is known why there is none.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { Dice } from "../dice.ts";
import type { Link } from "./chains.ts";
import { fileOf, type Scanned, verdictOf, wrong } from "./judge.ts";
import type { Oracle } from "./oracle.ts";
import type { Finding } from "./smaller.ts";
import type { Draft, Transformation } from "./transformation.ts";

/** Cases of a pair that are tried. */
const TRIES = 400;
/** Cases of one transformation by itself that are tried. */
const ALONE = 3000;
/** Cases of a pair that the oracle has at once. */
const BATCH = 8;

type Pair = readonly [Transformation, Transformation];
/** Pairs by the reason for which there is no case of them, as "first second". */
type Reasons = Readonly<Record<string, readonly string[]>>;

/** What became of the pairs. */
interface Met {
  readonly confirmed: readonly string[];
  /** Pairs of which one leaves a state that the other never changes, by what the other says of it. */
  readonly excluded: Reasons;
  /** Pairs that change no sample, by what finds no place in one. */
  readonly inapplicable: Reasons;
  /** Pairs that change samples, by the loaders' most frequent answer. */
  readonly refused: Reasons;
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

/** A case of a pair, or why a sample has none. */
type Made =
  | { readonly chain: readonly Link[]; readonly draft: Draft }
  | { readonly why: string; readonly kind: "first" | "excluded" | "inapplicable" };

/**
 * Applies transformations to a sample.
 *
 * @param all the pair, with others before it and amid it
 * @param second the later one of the pair
 */
export function madeOf(
  sample: Draft,
  all: readonly Transformation[],
  second: Transformation,
  dice: Dice,
): Made {
  let draft = sample;
  const chain: Link[] = [];
  for (const [at, transformation] of all.entries()) {
    const { id } = transformation;
    const isSecond = at > 0 && transformation === second;
    const excluded = transformation.excludedBy?.(draft);
    if (excluded !== undefined) {
      return { why: `${id}: ${excluded}`, kind: isSecond ? "excluded" : "first" };
    }
    const salt = dice.word();
    const changed = transformation.apply(draft, new Dice(id, salt), salt);
    if (changed === undefined) {
      return { why: `${id} finds no place`, kind: isSecond ? "inapplicable" : "first" };
    }
    chain.push({ transformation, salt });
    draft = changed;
  }
  return { chain, draft };
}

/** A pair, in every other case with one more before or amid it, which may make a place for one of the two. */
function withOneMore(
  [first, second]: Pair,
  links: readonly Transformation[],
  tried: number,
  dice: Dice,
): readonly Transformation[] {
  if (tried % 2 === 0) return [first, second];
  const more = dice.pick(links.filter(({ stage }) => stage <= second.stage));
  return more.stage > first.stage || (more.stage === first.stage && dice.chance(1, 2))
    ? [first, more, second]
    : [more, first, second];
}

/** Reasons with how often each was met. */
class Tally {
  readonly #times = new Map<string, number>();

  add(reason: string): void {
    this.#times.set(reason, (this.#times.get(reason) ?? 0) + 1);
  }

  get most(): string | undefined {
    return [...this.#times].sort(([, a], [, b]) => b - a)[0]?.[0];
  }
}

/** What cases of pairs are made of. */
interface Plan {
  /** Those of which one more may be taken. */
  readonly links: readonly Transformation[];
  readonly samples: readonly Scanned[];
  readonly seed: number;
}

/** A case that the loaders have confirmed, with its file. */
interface ConfirmedCase {
  readonly sample: Scanned;
  readonly chain: readonly Link[];
  readonly draft: Draft;
  readonly file: Uint8Array;
}

/** Why the cases that were tried are none. */
type Tallies = Readonly<Record<"refused" | "inapplicable" | "excluded" | "first", Tally>>;

/** Makes cases until the loaders confirm one, or as many as may be were tried. */
async function firstConfirmed(
  oracle: Oracle,
  make: (tried: number) => { readonly sample: Scanned; readonly made: Made },
  most: number,
): Promise<{ readonly met: ConfirmedCase | undefined; readonly tallies: Tallies }> {
  const tallies: Tallies = {
    refused: new Tally(),
    inapplicable: new Tally(),
    excluded: new Tally(),
    first: new Tally(),
  };
  for (let tried = 0; tried < most;) {
    const cases: { sample: Scanned; chain: readonly Link[]; draft: Draft }[] = [];
    for (; cases.length < BATCH && tried < most; tried++) {
      const { sample, made } = make(tried);
      if ("draft" in made) cases.push({ sample, ...made });
      else tallies[made.kind].add(made.why);
    }
    const judged = await oracle.judge(
      cases.map(({ sample, draft }) => ({ of: sample.id, draft })),
    );
    for (const [at, judgement] of judged.entries()) {
      const one = cases[at];
      if (one === undefined) continue;
      if (judgement.same) {
        return { met: { ...one, file: fileOf(one.draft, judgement) }, tallies };
      }
      tallies.refused.add(judgement.why?.replace(/[\d'"(].*/u, "") ?? "nothing");
    }
  }
  return { met: undefined, tallies };
}

/** Why a transformation is never confirmed by itself; undefined where it is. */
async function refusedAlone(
  oracle: Oracle,
  transformation: Transformation,
  { samples, seed }: Plan,
): Promise<string | undefined> {
  const dice = new Dice("alone", seed, transformation.id);
  const { met, tallies: { refused } } = await firstConfirmed(oracle, () => {
    const sample = dice.pick(samples);
    return { sample, made: madeOf(sample.draft, [transformation], transformation, dice) };
  }, ALONE);
  return met === undefined && refused.most !== undefined
    ? `${transformation.id} by itself in ${ALONE} cases: ${refused.most}`
    : undefined;
}

/** Tries pairs; `found` is told each finding. */
export async function meet(
  oracle: Oracle,
  due: readonly Pair[],
  plan: Plan,
  found: (finding: Finding, number: number) => Promise<void>,
): Promise<Met> {
  const { links, samples, seed } = plan;
  const confirmed: string[] = [];
  const reasons = { excluded: {}, inapplicable: {}, refused: {} } as Record<
    "excluded" | "inapplicable" | "refused",
    Record<string, string[]>
  >;
  const alone = new Map<Transformation, string | undefined>();
  for (const [index, pair] of due.entries()) {
    const dice = new Dice("missing", seed, index);
    const id = pair.map((each) => each.id).join(" ");
    const hopeless = pair.map((each) => alone.get(each)).find((why) => why !== undefined);
    if (hopeless !== undefined) {
      (reasons.refused[hopeless] ??= []).push(id);
      continue;
    }
    const { met, tallies } = await firstConfirmed(oracle, (tried) => {
      const sample = dice.pick(samples);
      const all = withOneMore(pair, links, tried, dice);
      return { sample, made: madeOf(sample.draft, all, pair[1], dice) };
    }, TRIES);
    if (met !== undefined) {
      confirmed.push(id);
      const verdict = await verdictOf(met.draft.name, met.file);
      const kind = wrong(met.sample, verdict);
      if (kind !== undefined) await found({ ...met, kind, verdict }, index);
      continue;
    }
    // Where the first leaves no sample that the second excludes for its opcodes, its state does it.
    const kind = (["refused", "inapplicable", "excluded"] as const)
      .find((each) => tallies[each].most !== undefined);
    const why = tallies[kind ?? "first"].most ?? "nothing";
    (reasons[kind ?? "excluded"][why] ??= []).push(id);
    if (kind !== "refused") continue;
    // Others with it need not be tried where the loaders never confirm one of the two by itself.
    for (const each of pair) {
      if (!alone.has(each)) alone.set(each, await refusedAlone(oracle, each, plan));
    }
  }
  return { confirmed, ...reasons };
}
