/**
 * What a macro came to before, and whether it comes to the same again.
 *
 * @module
 */

import type { Tag } from "./ast.ts";
import { type Abstract, digitsOf, isNumber, NOMINAL } from "./domain.ts";
import { extrapolate } from "./growth.ts";
import { heldUnder, holdUnder } from "./heap.ts";
import { GROWN, GROWN_DIGITS, type Outcome, type Run } from "./run.ts";
import { contextValue } from "./scopes.ts";
import { TOTAL } from "./state.ts";

/** Widens what objects hold that is another thing each time that a macro is called. */
export function settle(run: Run, tag: Tag, outcomes: readonly Outcome[]): void {
  const [last, before] = outcomes;
  for (const [name, old] of last?.reads ?? []) {
    if (!name.startsWith("heap ")) continue;
    const key = name.slice(5);
    const now = run.state.heap.get(key);
    if (now === undefined || old === undefined || now === old) continue;
    const rough = before?.reads.get(name)?.known.length === old.known.length;
    const frozen = run.domain.with(now, old) === old;
    const size = grownByCalls(run, tag, name, now, outcomes);
    const wide = frozen ? old : run.domain.widen(old, run.domain.join(old, now), rough);
    holdUnder(run, key, run.domain.with(wide, { size: Math.max(wide.size, size) }));
  }
}

/** What something has grown to that a macro adds to, when it has been called as often as the loops around it run. */
function grownByCalls(
  run: Run,
  tag: Tag,
  name: string,
  now: Abstract,
  outcomes: readonly Outcome[],
): number {
  if (run.exactRounds <= 1) return 0;
  const before = outcomes.map(({ reads }) => reads.get(name)).reverse();
  if (before.includes(undefined)) return 0;
  const values = [...before.filter((one) => one !== undefined), now];
  const measure = isNumber(now) ? digitsOf : ({ size }: Abstract) => size;
  const growth = extrapolate(values.map(measure), run.exactRounds, NOMINAL);
  if (growth === undefined) return 0;
  if (isNumber(now) && !name.startsWith(`heap ${TOTAL}`)) {
    if (growth.grown > GROWN_DIGITS) run.cost(tag, "digits", growth.grown);
    return 0;
  }
  if (growth.grown > GROWN) run.cost(tag, "growth", growth.grown);
  return growth.grown;
}

/** Whether what a macro has read is still what it was; it is read once more then. */
export function stillHolds(run: Run, { reads }: Outcome): boolean {
  for (const [name, value] of reads) {
    const now = name.startsWith("heap ")
      ? run.state.heap.get(name.slice(5))
      : contextValue(run, name.slice(5));
    if (now !== value) return false;
  }
  for (const name of reads.keys()) {
    if (name.startsWith("heap ")) heldUnder(run, name.slice(5));
  }
  return true;
}
