/**
 * Runs the statements of a template in order, both branches of every condition.
 *
 * @module
 */

import type { Block, Expression, Tag } from "./ast.ts";
import { type Abstract, TEXT } from "./domain.ts";
import { applyFilter } from "./filters.ts";
import { leaveRound, runFor } from "./loops.ts";
import { runCallBlock } from "./macros.ts";
import { GROWN, type Run, WORK } from "./run.ts";
import {
  aliasedRoot,
  assign,
  bindTargets,
  captured,
  detachedRun,
  guardBy,
  joinStates,
  withinScope,
  writeTexts,
} from "./scopes.ts";
import type { State } from "./state.ts";
import { givenTo, truthOf } from "./values.ts";

export function runBody(run: Run, blocks: readonly Block[]): void {
  for (const block of blocks) runBlock(run, block);
}

function runBlock(run: Run, block: Block): void {
  const { tag } = block;
  if (!run.step()) return;
  const before = run.work;
  run.work += run.exactRounds;
  if (run.work > WORK && before <= WORK) run.cost(tag, "work", run.work);
  const [value] = tag.expressions;
  switch (tag.name) {
    case "data":
      return writeTexts(run, (tag.texts ?? [tag.text ?? ""]).map((text) => run.domain.known(text)));
    case "output":
    case "print":
      return runOutput(run, value);
    case "if":
      return runIf(run, block);
    case "for":
      return runFor(run, block);
    case "set":
      return runSet(run, tag);
    case "set-block":
      return runSetBlock(run, block);
    case "with":
      return runWith(run, block);
    case "macro":
      return assign(run, tag.targets[0] ?? "", run.domain.known({ type: "macro", block }));
    case "call":
      return runCallBlock(run, block);
    case "filter":
      return runFilterBlock(run, block);
    case "block":
      return runNamedBlock(run, block);
    case "break":
    case "continue":
      return leaveRound(run);
    case "import":
    case "from":
      for (const target of tag.targets) assign(run, target, run.domain.open);
      return void (value && run.evaluate(value));
    case "trans":
      return runTrans(run, block);
    default:
      for (const expression of tag.expressions) run.evaluate(expression);
      for (const body of block.bodies) run.body(body);
  }
}

function runOutput(run: Run, value: Expression | undefined): void {
  if (value === undefined) return;
  const result = run.evaluate(value);
  if (run.state.written === undefined) return;
  let shown = run.display(result);
  if (
    run.escapes && (shown.rest !== 0 || shown.known.some((one) => /[&<>'"]/u.test(String(one))))
  ) {
    shown = run.domain.join(shown, run.domain.text);
  }
  writeTexts(run, [shown]);
}

function runSet(run: Run, tag: Tag): void {
  const [value] = tag.expressions;
  if (value === undefined) return;
  const [target, ...others] = tag.targets;
  if (target !== undefined && others.length === 0) run.aliases.set(target, aliasedRoot(run, value));
  bindTargets(run, tag.targets, run.evaluate(value));
}

function runSetBlock(run: Run, { tag, bodies }: Block): void {
  const text = captured(run, () => withinScope(run, () => run.body(bodies[0] ?? [])));
  if (text.size > GROWN) run.cost(tag, "size", text.size);
  const [filter] = tag.expressions;
  bindTargets(run, tag.targets, filter === undefined ? text : filteredText(run, filter, text));
}

function runFilterBlock(run: Run, { tag, bodies }: Block): void {
  const text = captured(run, () => withinScope(run, () => run.body(bodies[0] ?? [])));
  const [filter] = tag.expressions;
  if (filter !== undefined) writeTexts(run, [run.display(filteredText(run, filter, text))]);
}

/** A chain of filters that begins with a block's text. */
function filteredText(run: Run, filter: Expression, text: Abstract): Abstract {
  if (filter.type !== "filter") return run.evaluate(filter);
  const value = filter.object === undefined ? text : filteredText(run, filter.object, text);
  const given = givenTo(run, filter.arguments);
  return run.found(filter, applyFilter(run, filter.name, value, given, filter));
}

function runWith(run: Run, { tag, bodies }: Block): void {
  const values = tag.expressions.map((expression) => run.evaluate(expression));
  withinScope(run, () => {
    tag.targets.forEach((target, at) => assign(run, target, values[at] ?? run.domain.undefined));
    run.body(bodies[0] ?? []);
  });
}

function runTrans(run: Run, { tag, bodies }: Block): void {
  const values = tag.expressions.map((expression) => run.evaluate(expression));
  const text = captured(run, () =>
    withinScope(run, () => {
      tag.targets.forEach((target, at) => assign(run, target, values[at] ?? run.domain.undefined));
      for (const body of bodies) run.body(body);
    }));
  writeTexts(run, [run.domain.of([], TEXT, text)]);
}

/** A block runs where it stands, and again where `self` names it, with what names are then. */
function runNamedBlock(run: Run, block: Block): void {
  const name = block.tag.targets[0] ?? "";
  const text = captured(
    run,
    () => detachedRun(run, () => run.body(block.bodies[0] ?? []), new Map()),
  );
  run.blockTexts.set(
    name,
    run.domain.join(run.blockTexts.get(name) ?? run.domain.nothing, text),
  );
  writeTexts(run, [text]);
}

function runIf(run: Run, block: Block): void {
  const { tag, turns, bodies } = block;
  const tests = [tag, ...turns].map(({ expressions, name }) =>
    name === "else" ? undefined : expressions[0]
  );
  let after: State | undefined;
  let possible = true;
  const guards = run.guards.length;
  for (const [at, body] of bodies.entries()) {
    const test = tests[at];
    const value = test === undefined ? undefined : run.evaluate(test);
    const certain = value === undefined ? true : truthOf(run, value);
    // Within a macro that calls itself, the way out of it is what is asked for.
    const followed = isRecursing(run);
    if (certain === false && followed) continue;
    const before = run.state.clone();
    if (test !== undefined) guardBy(run, test);
    run.branches.push({ condition: block, at });
    run.body(body);
    run.branches.pop();
    run.guards.length = guards;
    // What is never entered leaves nothing behind.
    if (possible && certain !== false) {
      after = after === undefined ? run.state : joinStates(run, after, run.state);
    }
    run.state = before;
    if (certain === true) possible = false;
    if (certain === true && followed) break;
  }
  if (possible) after = after === undefined ? run.state : joinStates(run, after, run.state);
  if (after !== undefined) run.state = after;
}

export function isRecursing(run: Run): boolean {
  const current = run.frames.at(-1);
  return run.frames.filter(({ block }) => block === current?.block).length > 1;
}
