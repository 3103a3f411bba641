/**
 * Calls of macros and of what `call` encloses, with their parameters bound as Jinja binds them.
 *
 * @module
 */

import { argument, type Given } from "./arguments.ts";
import type { Block, Expression, Tag } from "./ast.ts";
import { type Abstract, digitsOf, isNumber, kindOf, NOMINAL, NUMBER } from "./domain.ts";
import { extrapolate } from "./growth.ts";
import { heldUnder, holdUnder } from "./heap.ts";
import type { Place } from "./machine.ts";
import { settle, stillHolds } from "./outcomes.ts";
import { rootOf } from "./paths.ts";
import { type Branch, type Dependencies, GROWN, type Outcome, type Run, WORK } from "./run.ts";
import { captured, detachedRun, writeTexts } from "./scopes.ts";
import { givenTo, isConstant, isWritten } from "./values.ts";

/**
 * Macros that call each other. The deepest in 120 chat templates go 9 deep; Python stops below a thousand.
 * CWE-674.
 */
const CALLS = 60;
/** Results of a macro for the same arguments in different contexts. CWE-834. */
const OUTCOMES = 4;
/** Calls of a macro by itself by which it is seen what grows with each. */
const SAMPLED_CALLS = 3;
/** Characters of a text of which the size counts when a macro is called with it. */
const COUNTED = 256;

export function runCallBlock(run: Run, block: Block): void {
  const { tag } = block;
  const call = tag.expressions.at(-1);
  if (call?.type !== "call") return void (call && run.evaluate(call));
  const callee = run.evaluate(call.object);
  const given = givenTo(run, call.arguments);
  const caller = run.domain.known({ type: "caller", block });
  const named = new Map([...given.named, ["caller", caller]]);
  writeTexts(run, [run.display(run.call(callee, { ...given, named }, call))]);
}

export function callMacro(run: Run, block: Block, given: Given, place: Place): Abstract {
  const { domain } = run;
  const { tag } = block;
  const parameters = tag.parameters.map((name) => name.normalize("NFKC"));
  run.called.add(block);
  const defaults = tag.defaults ?? [];
  const bound = boundFor(
    run,
    block,
    parameters.map((name, at) => argument(given, domain, name, at)),
  );
  const undeclared = [...given.named].filter(([name]) => !parameters.includes(name));
  const key = [
    tag.at,
    bound.map((one) => one?.id ?? "").join(),
    undeclared.map(([name, one]) => `${name}=${one.id}`).join(),
    given.positional.slice(parameters.length).map(({ id }) => id).join(),
    given.more?.id ?? "",
    given.others?.id ?? "",
  ].join(" ");
  noteBranches(run, block, place);
  if (run.frames.some((frame) => frame.key === key)) {
    noteEndless(run, tag, bound, key);
    return domain.text;
  }
  const outcomes = run.outcomes.get(key) ?? [];
  let known = outcomes.find((outcome) => stillHolds(run, outcome));
  if (known === undefined && outcomes.length >= OUTCOMES) {
    // What changes from call to call is not known.
    settle(run, tag, outcomes);
    known = outcomes.find((outcome) => stillHolds(run, outcome));
  }
  if (known !== undefined) {
    run.work += known.work * run.exactRounds;
    if (run.work > WORK) run.cost(place, "work", run.work);
    for (const [name, value] of known.writes) {
      holdUnder(run, name, domain.join(heldUnder(run, name) ?? domain.nothing, value));
    }
    return known.value;
  }
  if (run.frames.length >= CALLS) {
    run.cost(place, "recursion", WORK);
    return domain.text;
  }
  const before = run.work;
  const caller = argument(given, domain, "caller");
  run.frames.push({ block, key, caller, bound });
  const record: Dependencies = { reads: new Map(), writes: new Set() };
  run.records.push(record);
  const loops = run.loops.splice(0);
  const branches = run.branches.splice(0);
  const own = new Map<string, Abstract>();
  const text = captured(run, () =>
    detachedRun(run, () => {
      bindParameters(run, own, parameters, defaults, bound, given);
      run.body(block.bodies[0] ?? []);
    }, own));
  run.loops.push(...loops);
  run.branches.push(...branches);
  run.records.pop();
  run.frames.pop();
  if (text.size > GROWN) run.cost(tag, "size", text.size);
  // What is called for parts of the conversation goes through them, and no deeper than they are.
  if (!bound.every((one) => one === undefined || isConstant(one))) run.work = before + 1;
  const writes = [...record.writes].map((name) =>
    [name, run.state.heap.get(name) ?? domain.nothing] as const
  );
  const outcome: Outcome = {
    value: text,
    work: (run.work - before) / run.exactRounds,
    reads: record.reads,
    writes: new Map(writes),
  };
  run.outcomes.set(key, [outcome, ...outcomes.slice(0, OUTCOMES - 1)]);
  return text;
}

/** What a macro that calls itself with parts of the conversation is called with, at any depth. */
function boundFor(
  run: Run,
  block: Block,
  bound: readonly (Abstract | undefined)[],
): readonly (Abstract | undefined)[] {
  const { domain } = run;
  const outer = run.frames.filter((frame) => frame.block === block);
  if (bound.every((one) => one === undefined || isConstant(one))) return bound;
  noteGrowth(run, block, [...outer.map((frame) => frame.bound), bound]);
  if (outer.length < 2) return bound.map((one) => one && plainly(run, one));
  const before = outer.at(-1)?.bound ?? [];
  return bound.map((one, at) => {
    const old = before[at];
    if (one === undefined || old === undefined || old === one) return one;
    const both = domain.join(old, one);
    const wide = outer.length > 5
      ? domain.widen(old, both, outer.length > 8)
      : domain.flat(both) === both
      ? domain.widen(old, both, false)
      : domain.flat(both);
    return domain.of(wide.known, wide.rest, { size: NOMINAL });
  });
}

/** What grows with each call that a macro makes of itself, and the conversation decides how many there are. */
function noteGrowth(
  run: Run,
  { tag }: Block,
  calls: readonly (readonly (Abstract | undefined)[])[],
): void {
  const constant = calls.slice(0, -1).every((bound) =>
    bound.every((one) => one === undefined || isConstant(one))
  );
  // Behind these, what a call is given counts as little.
  if (calls.length < SAMPLED_CALLS || calls.length > SAMPLED_CALLS && !constant) return;
  const latest = calls.slice(-SAMPLED_CALLS);
  tag.parameters.forEach((_, at) => {
    const values = latest.map((bound) => bound[at]);
    const last = values.at(-1);
    if (last === undefined || !isWritten(last)) return;
    const measure = isNumber(last) ? digitsOf : ({ size }: Abstract) => size;
    const samples = values.map((one) => one === undefined ? 0 : measure(one));
    const growth = extrapolate(samples, undefined, NOMINAL);
    if (growth?.geometric === true) run.cost(tag, "growth", growth.grown);
  });
}

/** A value without what is known of its place: the same macro is not gone through for each. */
function plainly(run: Run, value: Abstract): Abstract {
  if (value.rest === 0) return value;
  return run.domain.of(value.known, value.rest, {
    size: value.size > COUNTED ? value.size : NOMINAL,
    bits: value.bits,
  });
}

/** A macro that does so twice does all of it twice, for each item. */
function noteBranches(run: Run, block: Block, place: Place): void {
  if (place.type !== "call" || !run.frames.some((frame) => frame.block === block)) return;
  const { tag } = block;
  const parameters = new Set(tag.parameters);
  const rest = place.arguments.some(({ value }) =>
    value.type === "item" && value.index.type === "slice" && parameters.has(rootOf(value))
  );
  if (!rest) return;
  const places = run.branching.get(block) ?? new Map<Place, readonly Branch[]>();
  // Another macro that it calls may itself be called more than once.
  const direct = run.frames.at(-1)?.block === block;
  const branches = direct ? [...run.branches] : [];
  const twice = [...places].some(([other, around]) =>
    other !== place && !areExclusive(around, branches)
  );
  run.branching.set(block, places.set(place, branches));
  if (twice || run.loops.length > 0) run.cost(tag, "recursion", WORK);
}

/** Whether two places stand in different branches of one condition. */
function areExclusive(one: readonly Branch[], other: readonly Branch[]): boolean {
  return one.some((a) => other.some((b) => a.condition === b.condition && a.at !== b.at));
}

/** A macro that calls itself with what it was called with: with a number, more than once, it does not end. */
function noteEndless(
  run: Run,
  tag: Tag,
  bound: readonly (Abstract | undefined)[],
  key: string,
): void {
  const count = (run.selfCalls.get(key) ?? 0) + 1;
  run.selfCalls.set(key, count);
  const counted = bound.length > 0 &&
    bound.every((one) =>
      one !== undefined && (one.rest & ~NUMBER) === 0 &&
      one.known.every((value) => kindOf(value) === NUMBER)
    );
  if (counted && count > 1) run.cost(tag, "recursion", WORK);
}

function bindParameters(
  run: Run,
  own: Map<string, Abstract>,
  parameters: readonly string[],
  defaults: readonly Expression[],
  bound: readonly (Abstract | undefined)[],
  given: Given,
): void {
  const { domain } = run;
  parameters.forEach((name, at) => {
    const fallback = defaults[at - (parameters.length - defaults.length)];
    const value = bound[at];
    const sure = given.positional.length > at || given.named.has(name);
    const other = sure && value !== undefined
      ? domain.nothing
      : fallback === undefined
      ? domain.undefined
      : run.evaluate(fallback);
    own.set(name, domain.kept(domain.join(value ?? domain.nothing, other)));
  });
  const more = given.positional.slice(parameters.length).map((one) => domain.kept(one));
  own.set(
    "varargs",
    given.more === undefined
      ? domain.known({ type: "list", tuple: true, items: more })
      : domain.many(domain.join(...more, given.more)),
  );
  const named = [...given.named].filter(([name]) =>
    !parameters.includes(name) && name !== "caller"
  );
  own.set(
    "kwargs",
    given.others === undefined
      ? domain.known({
        type: "dict",
        pairs: named.map(([name, value]) => [domain.known(name), domain.kept(value)] as const),
      })
      : domain.many(domain.join(...named.map(([, value]) => value), given.others)),
  );
  const caller = given.named.get("caller");
  if (caller !== undefined) own.set("caller", caller);
}
