/**
 * What operators make of values that are known or not.
 *
 * @module
 */

import { onlyKnown } from "./arguments.ts";
import type { Expression } from "./ast.ts";
import { type Abstract, NUMBER } from "./domain.ts";
import { textOrNumber } from "./operators.ts";
import { compare } from "./plain.ts";
import type { Run } from "./run.ts";
import { guardBy } from "./scopes.ts";
import { isRecursing } from "./statements.ts";
import { truthOf } from "./values.ts";

export function conditionalValue(
  run: Run,
  { test, then, otherwise }: Extract<Expression, { type: "conditional" }>,
): Abstract {
  const certain = truthOf(run, run.evaluate(test));
  const guards = run.guards.length;
  // Within a macro that calls itself, the way out of it is what is asked for.
  const skipped = isRecursing(run) ? certain : undefined;
  guardBy(run, test);
  const first = skipped === false ? run.domain.nothing : run.evaluate(then);
  run.guards.length = guards;
  const second = skipped === true
    ? run.domain.nothing
    : otherwise === undefined
    ? run.domain.undefined
    : run.evaluate(otherwise);
  if (certain === undefined) return run.domain.join(first, second);
  return certain ? first : second;
}

export function unaryValue(
  run: Run,
  { operator, operand }: Extract<Expression, { type: "unary" }>,
): Abstract {
  const value = run.evaluate(operand);
  if (operator === "not") {
    const certain = truthOf(run, value);
    return certain === undefined
      ? run.domain.join(run.domain.known(true), run.domain.known(false))
      : run.domain.known(!certain);
  }
  const only = onlyKnown(value);
  if (typeof only === "number") return run.domain.known(operator === "-" ? -only : only);
  return run.domain.of([], NUMBER, value);
}

export function binaryValue(
  run: Run,
  expression: Extract<Expression, { type: "binary" }>,
): Abstract {
  const { operator, left, right } = expression;
  const place = expression;
  const a = run.evaluate(left);
  if (operator === "and" || operator === "or") {
    const certain = truthOf(run, a);
    const guards = run.guards.length;
    if (operator === "and") guardBy(run, left);
    const b = run.evaluate(right);
    run.guards.length = guards;
    if (certain === undefined) return run.domain.join(a, b);
    return certain === (operator === "and") ? b : a;
  }
  const b = run.evaluate(right);
  if (/^(?:[=!<>]=?|in|not in)$/u.test(operator)) return comparedValues(run, operator, a, b);
  if (operator === "+" || operator === "*" || operator === "%" || operator === "**") {
    return textOrNumber(run, operator, a, b, place);
  }
  if (operator === "~") {
    return textOrNumber(run, operator, run.display(a), run.display(b), place);
  }
  if (operator === "//" || operator === "-") return textOrNumber(run, operator, a, b, place);
  return run.domain.of([], NUMBER, { size: Math.max(a.size, 1) });
}

function comparedValues(run: Run, operator: string, a: Abstract, b: Abstract): Abstract {
  const [x, y] = [onlyKnown(a), onlyKnown(b)];
  const [left, right] = [
    x === undefined ? undefined : run.plain(x),
    y === undefined ? undefined : run.plain(y),
  ];
  if (left !== undefined && right !== undefined) {
    const result = compare(operator, left, right);
    if (result !== undefined) return run.domain.known(result);
  }
  return run.domain.join(run.domain.known(true), run.domain.known(false));
}
