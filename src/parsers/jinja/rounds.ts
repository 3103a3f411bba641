/**
 * Goes round in a loop until nothing changes any more, and estimates what has grown by then.
 *
 * @module
 */

import type { Block, Expression, Tag } from "./ast.ts";
import { type Abstract, digitsOf, isNumber, TEXT } from "./domain.ts";
import { extrapolate, isUnclear } from "./growth.ts";
import { keyed } from "./paths.ts";
import { GROWN, GROWN_DIGITS, type Loop, type Run } from "./run.ts";
import { bindTargets, guardBy, joinStates, writtenAs } from "./scopes.ts";
import { changes, type State, TOTAL } from "./state.ts";

/** Rounds until a variable that changes in a loop counts as unknown. CWE-834. */
const ROUNDS = 4;
/** Rounds that are evaluated to tell what grows by a sum from what grows by a product. CWE-834. */
const SAMPLES = 40;
/** Size of a text at which no more rounds are needed to tell. */
const PLENTY = 1e30;

/** How large something is. */
interface Sample {
  readonly size: number;
  /** Binary digits, of a number. */
  readonly digits: number;
}

/** One round; what it leaves behind is the state. */
export function runRound(
  run: Run,
  loop: Loop,
  item: Abstract,
  iterated: Expression,
  body: readonly Block[],
): void {
  const { tag } = loop;
  const depth = run.state.scopes.length;
  run.state.scopes.push(new Map());
  run.state.bind("loop", run.domain.known({ type: "loop", tag }));
  bindTargets(run, tag.targets, item);
  bindKeys(run, tag, iterated);
  const guards = run.guards.length;
  if (tag.only !== undefined) {
    run.evaluate(tag.only);
    guardBy(run, tag.only);
  }
  run.body(body);
  run.guards.length = guards;
  for (const state of loop.left.splice(0)) run.state = joinStates(run, run.state, state);
  run.state.scopes.length = depth;
}

/** The first name of a loop over a dictionary is one of its keys. */
function bindKeys(run: Run, { targets }: Tag, iterated: Expression): void {
  const [first] = targets;
  const base = keyed(iterated, targets.length);
  const value = first === undefined ? undefined : run.state.scopes.at(-1)?.get(first);
  if (base === undefined || first === undefined || value === undefined) return;
  run.state.bind(first, run.domain.with(value, { keyOf: writtenAs(run, base) }));
}

/** Goes round until nothing changes any more. */
export function untilStable(
  run: Run,
  loop: Loop,
  element: Abstract,
  iterated: Expression,
  body: readonly Block[],
  { rounds, counted }: { readonly rounds: number; readonly counted: boolean },
): void {
  const work = run.work;
  let last = work;
  const samples: Map<string, Sample>[] = [];
  let target: readonly Abstract[] | undefined;
  let sampled = ROUNDS;
  let known = 0;
  for (let round = 0; round < sampled + ROUNDS; round++) {
    const before = run.state.clone();
    const stamp = run.stamp;
    last = run.work;
    const steps = run.steps;
    runRound(run, loop, run.domain.join(element, loop.again), iterated, body);
    last = run.work - last;
    if (round >= ROUNDS && round < sampled) run.sampleSteps -= steps - run.steps;
    const after = run.state;
    run.state = joinStates(run, before, after);
    const changed = changes(before, run.state);
    const texts = target === undefined &&
      (before.written?.some((one, at) => one !== run.state.written?.[at]) ?? false);
    if (texts) target = repeatedTexts(run, before, rounds);
    if (target !== undefined) run.state.written = target;
    if (round === 0) samples.push(sizesAt(before, changed));
    if (round < sampled) samples.push(sizesAt(run.state, changed));
    if (changed.length === 0 && !texts && (stamp === run.stamp || round > sampled)) break;
    if (
      round === ROUNDS - 1 && !run.sampled.has(loop.tag) &&
      areUnclear(run, samples, changed.length > known)
    ) {
      run.sampled.add(loop.tag);
      sampled = Math.min(SAMPLES, 2 * (ROUNDS + changed.length));
    }
    known = changed.length;
    if (round < sampled - 1 && !arePlenty(run, samples)) continue;
    if (round < sampled) {
      sampled = round + 1;
      estimateGrowth(run, loop, samples, rounds, counted);
    }
    widenState(run, before, round > sampled + 1);
    const settled = changes(before, run.state).length === 0 && !texts;
    if (settled && (stamp === run.stamp || round > sampled)) break;
  }
  run.work = work + last;
}

function sizesAt(state: State, changed: readonly string[]): Map<string, Sample> {
  return new Map(changed.map((where) => {
    const value = valueAt(state, where);
    return [where, {
      size: value?.size ?? 0,
      digits: value !== undefined && isNumber(value) ? digitsOf(value) : 0,
    }];
  }));
}

/** Whether more rounds are needed to tell how what changes in a loop grows. */
function areUnclear(
  run: Run,
  samples: readonly ReadonlyMap<string, Sample>[],
  more: boolean,
): boolean {
  if (run.sampleSteps < 0) return false;
  return more || [...samples.at(-1)?.keys() ?? []].some((where) => {
    const all = samplesOf(samples, where);
    return isUnclear(all.map(({ size }) => size)) || isUnclear(all.map(({ digits }) => digits));
  });
}

function arePlenty(run: Run, samples: readonly ReadonlyMap<string, Sample>[]): boolean {
  return run.sampleSteps < 0 ||
    [...samples.at(-1)?.values() ?? []].some(({ size, digits }) => digits === 0 && size > PLENTY);
}

function valueAt(state: State, where: string): Abstract | undefined {
  const gap = where.indexOf(" ");
  const name = where.slice(gap + 1);
  const map = where.startsWith("heap") ? state.heap : state.scopes[Number(where.slice(0, gap))];
  return map?.get(name);
}

/** What changes in every round is not known, and as large as it has become by then. */
function widenState(run: Run, before: State, rough: boolean): void {
  const widened = (
    one: ReadonlyMap<string, Abstract> | undefined,
    map: Map<string, Abstract>,
  ): void => {
    for (const [name, value] of map) {
      const old = one?.get(name);
      if (old !== undefined && old !== value) {
        if (run.domain.with(value, old) === old) {
          const size = Math.max(old.size, run.multiplied.get(name) ?? 0);
          map.set(name, run.domain.with(old, { size }));
          continue;
        }
        const wide = run.domain.widen(old, value, rough);
        map.set(
          name,
          run.domain.with(wide, { size: Math.max(wide.size, run.grown.get(name) ?? 0) }),
        );
      }
    }
  };
  run.state.scopes.forEach((scope, at) => widened(before.scopes[at], scope));
  widened(before.heap, run.state.heap);
}

/** Takes what has grown in the first rounds for what it will be after all of them. */
function estimateGrowth(
  run: Run,
  { tag }: Loop,
  samples: readonly ReadonlyMap<string, Sample>[],
  rounds: number,
  counted: boolean,
): void {
  for (const where of samples.at(-1)?.keys() ?? []) {
    const name = where.slice(where.indexOf(" ") + 1);
    const value = valueAt(run.state, where);
    const all = samplesOf(samples, where);
    const sizes = all.map(({ size }) => size);
    const growth = extrapolate(sizes, counted ? rounds : undefined, rounds);
    if (growth !== undefined) {
      run.grown.set(name, growth.grown);
      if (counted || growth.geometric) run.multiplied.set(name, growth.grown);
    }
    const numeric = value !== undefined && isNumber(value) && !name.startsWith(TOTAL);
    if (!numeric) {
      if (growth !== undefined && growth.grown > GROWN) run.cost(tag, "growth", growth.grown);
      continue;
    }
    const digits = extrapolate(
      all.map((one) => one.digits),
      counted ? rounds : undefined,
      rounds,
    );
    if (digits !== undefined && digits.grown > GROWN_DIGITS) {
      run.cost(tag, "digits", digits.grown);
    }
  }
}

/** What a loop writes is not known when it is not known how often it runs. */
function repeatedTexts(run: Run, before: State, rounds: number): readonly Abstract[] | undefined {
  return run.state.written?.map(({ size }, at) => {
    const start = before.written?.[at]?.size ?? 0;
    const grown = Math.min(start + (size - start) * rounds, 1e300);
    return run.domain.of([], TEXT, { size: grown });
  });
}

/** What was measured of one name, before the first round and behind each. */
function samplesOf(samples: readonly ReadonlyMap<string, Sample>[], where: string): Sample[] {
  const first = samples.find((round) => round.has(where))?.get(where);
  let last = first ?? { size: 0, digits: 0 };
  return samples.map((round) => last = round.get(where) ?? last);
}
