/**
 * Calls of what a value may be.
 *
 * @module
 */

import type { Given } from "./arguments.ts";
import type { Expression, Tag } from "./ast.ts";
import { type Abstract, DATA, type Known, NOMINAL, OPEN, TEXT } from "./domain.ts";
import { callFunction } from "./functions.ts";
import type { Place } from "./machine.ts";
import { callMacro } from "./macros.ts";
import { attributeOf } from "./members.ts";
import { callMethod } from "./methods.ts";
import { isInternal } from "./names.ts";
import { isPartOf } from "./paths.ts";
import { DOUBLINGS, type Run, WORK } from "./run.ts";
import { writtenAs } from "./scopes.ts";
import { givenTo } from "./values.ts";

export function evaluateCall(
  run: Run,
  expression: Extract<Expression, { type: "call" }>,
): Abstract {
  const { object } = expression;
  const given = givenTo(run, expression.arguments);
  // A method that is called at once.
  if (object.type === "attribute" && !/^\d/u.test(object.name)) {
    const receiver = run.evaluate(object.object);
    if (/^(?:append|extend|insert)$/u.test(object.name)) {
      noteGrowing(run, expression, object.object);
    }
    return callMember(run, receiver, object.name, given, object, expression);
  }
  return run.call(run.evaluate(object), given, expression);
}

/** A list that grows while a loop goes through it, or by itself, time and again. */
function noteGrowing(
  run: Run,
  call: Extract<Expression, { type: "call" }>,
  list: Expression,
): void {
  const own = writtenAs(run, list);
  const within = run.loops.some(({ over }) => over === own);
  const doubled = call.arguments.some(({ value }) => writtenAs(run, value) === own);
  if (doubled) run.doublings++;
  if (within || doubled && (run.loops.length > 0 || run.doublings > DOUBLINGS)) {
    run.cost(call, "growth", 2 ** (DOUBLINGS + run.doublings));
  }
}

function callMember(
  run: Run,
  receiver: Abstract,
  name: string,
  given: Given,
  place: Place,
  call: Place,
): Abstract {
  const { domain } = run;
  const results: Abstract[] = [];
  if (isInternal(name)) {
    run.reach(place, name);
    return domain.open;
  }
  const others: Known[] = [];
  for (const one of receiver.known) {
    if (
      typeof one === "object" && one !== null &&
      ["namespace", "loop", "function", "dict", "macro"].includes(one.type)
    ) {
      const member = attributeOf(run, one, name, receiver.size);
      if (one.type === "macro") results.push(domain.open);
      else results.push(run.call(member, given, call));
    } else others.push(one);
  }
  const rest = domain.of(others, receiver.rest, receiver);
  if (others.length > 0 || receiver.rest !== 0) {
    results.push(callMethod(run, rest, name, given, call));
  }
  return domain.join(...results);
}

export function callValue(run: Run, callee: Abstract, given: Given, place: Place): Abstract {
  const { domain } = run;
  const results: Abstract[] = [];
  for (const one of callee.known) {
    if (typeof one !== "object" || one === null) continue;
    if (one.type === "function") results.push(callFunction(run, one.name, given, place));
    else if (one.type === "macro") results.push(callMacro(run, one.block, given, place));
    else if (one.type === "caller") results.push(callMacro(run, one.block, given, place));
    else if (one.type === "method") {
      results.push(callMethod(run, one.receiver, one.name, given, place));
    } else if (one.type === "object") results.push(domain.join(one.items, domain.known("")));
    else if (one.type === "loop") results.push(loopAgain(run, one.tag, given, place));
    else if (one.type === "many") results.push(domain.nothing);
  }
  if ((callee.rest & (OPEN | TEXT)) !== 0) {
    if ((callee.rest & OPEN) !== 0) {
      run.unknown(place, "call");
      results.push(domain.open);
    }
  }
  if ((callee.rest & DATA) !== 0) {
    const parts = [...given.positional, ...given.named.values()];
    results.push(
      domain.of([], DATA | TEXT, { size: Math.max(NOMINAL, ...parts.map(({ size }) => size)) }),
    );
  }
  return domain.join(...results);
}

/** A loop that goes into what lies in its items. */
function loopAgain(run: Run, tag: Tag, given: Given, place: Place): Abstract {
  const loop = run.loops.findLast((one) => one.tag === tag);
  const [first] = given.positional;
  if (loop !== undefined && first !== undefined) {
    // What lies in an item is gone through as deep as it is; anything else again and again.
    const written = place.type === "call" ? place.arguments[0]?.value : undefined;
    const inside = first.from === loop.id ||
      written !== undefined && isPartOf(written, new Set(tag.targets));
    const empty = run.iterate(first).element === run.domain.nothing;
    if (!inside && !empty) run.cost(place, "recursion", WORK);
    loop.again = run.domain.join(loop.again, run.iterate(first).element);
  }
  return run.domain.text;
}
