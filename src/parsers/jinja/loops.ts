/**
 * Loops of a template: over items that are known one by one, over others by what they may be.
 *
 * @module
 */

import type { Block, Expression, Tag } from "./ast.ts";
import { type Abstract, NOMINAL, NUMBER, TEXT } from "./domain.ts";
import { runRound, untilStable } from "./rounds.ts";
import { type Loop, LOOPS, type Run, STEPS, UNROLLED } from "./run.ts";
import { aliasedRoot, joinStates, writtenAs } from "./scopes.ts";
import { lengthOf } from "./values.ts";

/**
 * Rounds of loops within each other that are evaluated one by one. No loop over written texts of 120 chat
 * templates lies in another. CWE-834.
 */
const UNROLLED_WITHIN = 4096;
/**
 * Rounds of loops within each other where the conversation decides how often: three loops over its messages
 * in one another. The most in 120 chat templates are 12,000, by estimate. CWE-834.
 */
const LOOPS_OVER_DATA = 5_000_000;
/** Rounds of a loop over what a loop around it goes through: messages for each message. */
const AGAIN = 3000;
/** Filters that give the items of a list as they are asked for. */
const LAZY = new Set("map select reject selectattr rejectattr unique batch".split(" "));

export function leaveRound(run: Run): void {
  const loop = run.loops.at(-1);
  if (loop === undefined) return;
  const state = run.state.clone();
  if (state.written !== undefined) {
    state.written = state.written.map(({ size }) => run.domain.of([], TEXT, { size }));
  }
  state.scopes.length = Math.min(state.scopes.length, loop.depth + 1);
  loop.left.push(state);
  if (loop.broken.length < UNROLLED) loop.broken.push(state.clone());
}

export function runFor(run: Run, { tag, bodies }: Block): void {
  const [iterated] = tag.expressions;
  if (iterated === undefined) return;
  const value = run.evaluate(iterated);
  const before = run.state.clone();
  runLoop(run, tag, iterated, value, bodies[0] ?? []);
  const after = run.state;
  run.state = before;
  run.body(bodies[1] ?? []);
  run.state = joinStates(run, after, run.state);
  // A loop over items that are known runs, and what was before it is over.
  if ((run.iterate(value).items?.length ?? 0) > 0 && bodies[1] === undefined) {
    run.state = after;
  }
}

function runLoop(
  run: Run,
  tag: Tag,
  iterated: Expression,
  value: Abstract,
  body: readonly Block[],
): void {
  const { items, element } = run.iterate(value);
  const data = (value.rest & ~NUMBER) !== 0 ||
    value.known.some((one) => typeof one === "object" && one?.type === "many");
  // What is made of the items of a range is as many as they are.
  const many = value.rest === 0 && (run.domain.countOf(value) ?? 0) > UNROLLED;
  const counted = !data || many || (element.rest & ~NUMBER) === 0;
  const root = aliasedRoot(run, iterated);
  const rounds = counted ? items?.length ?? lengthOf(run, value) : nominalRounds(run, value, root);
  const outer = run.rounds;
  const exact = run.exactRounds;
  if (counted) run.exactRounds *= Math.max(1, rounds);
  const most = run.exactRounds > LOOPS || outer * rounds > LOOPS_OVER_DATA;
  if (most && exact <= LOOPS && outer <= LOOPS_OVER_DATA) {
    run.cost(tag, "loop", outer * rounds);
  }
  const loop: Loop = {
    tag,
    id: tag.at + 1,
    root,
    over: writtenAs(run, iterated),
    sites: sitesOf(run, iterated),
    left: [],
    broken: [],
    again: run.domain.nothing,
    depth: run.state.scopes.length,
  };
  run.loops.push(loop);
  run.walked.push(loop.sites);
  const heap = run.sited ? new Map(run.state.heap) : undefined;
  const nested = run.loops.length > 1;
  const unrolls = items !== undefined && items.length <= UNROLLED && run.steps > STEPS / 2 &&
    !(nested && run.exactRounds > UNROLLED_WITHIN);
  if (unrolls) {
    for (const item of items) runRound(run, loop, item, iterated, body);
    goOn(run, loop, heap, element, iterated);
    if (loop.again !== run.domain.nothing) {
      untilStable(run, loop, element, iterated, body, { rounds, counted });
    }
  } else {
    run.rounds = Math.min(outer * Math.max(1, rounds), 1e300);
    untilStable(
      run,
      loop,
      run.domain.with(element, { from: data ? loop.id : element.from }),
      iterated,
      body,
      { rounds, counted },
    );
    goOn(run, loop, heap, element, iterated);
    if (loop.again !== run.domain.nothing) {
      untilStable(run, loop, element, iterated, body, { rounds, counted });
    }
  }
  for (const state of loop.broken) {
    state.scopes.length = Math.min(state.scopes.length, loop.depth);
    run.state = joinStates(run, run.state, state);
  }
  run.rounds = outer;
  run.exactRounds = exact;
  run.loops.pop();
  run.walked.pop();
}

/** Where the lists were made that a loop goes through as they are at the time. */
function sitesOf(run: Run, iterated: Expression): ReadonlySet<number> {
  let source = iterated;
  while (source.type === "filter" && LAZY.has(source.name) && source.object !== undefined) {
    source = source.object;
  }
  const { known = [] } = run.values.get(source) ?? {};
  return new Set(
    known.flatMap((one) =>
      typeof one === "object" && one?.type === "list" && one.site !== undefined ? [one.site] : []
    ),
  );
}

/** A loop goes on through what its rounds have put into what it goes through. */
function goOn(
  run: Run,
  loop: Loop,
  heap: ReadonlyMap<string, Abstract> | undefined,
  element: Abstract,
  iterated: Expression,
): void {
  if (heap === undefined) return;
  const changed = [...run.state.heap].some(([key, value]) =>
    key.startsWith("list") && heap.get(key) !== value
  );
  if (!changed) return;
  const now = run.iterate(run.evaluate(iterated)).element;
  if (run.domain.join(element, now) !== element) {
    loop.again = run.domain.join(loop.again, now);
  }
}

/** How often a loop over a part of the conversation runs, by estimate. */
function nominalRounds(run: Run, value: Abstract, root: string): number {
  const innermost = run.loops.at(-1);
  // What lies in an item of the loop around it is, all in all, as much as the conversation.
  const inside = innermost !== undefined && value.from === innermost.id;
  return !inside && run.loops.some((loop) => loop.root === root) ? AGAIN : NOMINAL;
}
