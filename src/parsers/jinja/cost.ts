/**
 * What in a Jinja template takes time or memory out of proportion to what it is.
 *
 * @module
 */

import type { Expression } from "./ast.ts";
import type { Folder } from "./fold.ts";

/** Characters, digits or items made at one stroke. The sandbox's own limit for ranges is a tenth. */
const MOST = 1_000_000;

/** Filters and methods that fill up to a width. */
const PADDING = new Set(["center", "ljust", "rjust", "zfill", "indent", "batch", "slice"]);

/**
 * How often a loop over the expression runs, as far as that can be told; 1 when it cannot.
 */
export function largest(expression: Expression, folder: Folder): number {
  if (expression.type === "call" && isName(expression.object, "range")) {
    const [first, second, third] = expression.arguments.map(({ value }) =>
      Math.max(...numbers(value, folder))
    );
    if (first === undefined) return 1;
    const [from, to] = second === undefined ? [0, first] : [first, second];
    const rounds = Math.abs(to - from) / Math.max(1, Math.abs(third ?? 1));
    return Number.isFinite(rounds) ? rounds : 1;
  }
  const values = folder.fold(expression) ?? [];
  return Math.max(
    1,
    ...values.map((value) => typeof value === "string" || Array.isArray(value) ? value.length : 1),
  );
}

/**
 * What an expression makes too much of: "repeat", "power", "pad", "range" or nothing.
 */
export function repeated(expression: Expression, folder: Folder): string | undefined {
  if (expression.type === "binary") {
    const { operator, left, right } = expression;
    const [a, b] = [Math.max(...numbers(left, folder)), Math.max(...numbers(right, folder))];
    if (operator === "**") return b * Math.log2(Math.max(2, a)) > MOST ? "power" : undefined;
    if (operator === "*" && isSequence(left, folder) && b > MOST) return "repeat";
    if (operator === "*" && isSequence(right, folder) && a > MOST) return "repeat";
    return operator === "%" && isWide(left, folder) ? "pad" : undefined;
  }
  if (expression.type === "filter" || expression.type === "test") {
    const { name, object, arguments: given } = expression;
    if (name === "format" && object !== undefined && isWide(object, folder)) return "pad";
    const wide = given.some(({ value }) => Math.max(...numbers(value, folder)) > MOST);
    return PADDING.has(name) && wide ? "pad" : undefined;
  }
  if (expression.type !== "call") return undefined;
  const { object, arguments: given } = expression;
  const most = Math.max(...given.flatMap(({ value }) => numbers(value, folder)), -Infinity);
  if (isName(object, "range")) return most > MOST ? "range" : undefined;
  if (object.type !== "attribute") return undefined;
  if (object.name === "format" && isWide(object.object, folder)) return "pad";
  return PADDING.has(object.name) && most > MOST ? "pad" : undefined;
}

function isName(expression: Expression, name: string): boolean {
  return expression.type === "name" && expression.name === name;
}

/** The numbers that an expression may be. A power counts as what it comes to. */
function numbers(expression: Expression, folder: Folder): number[] {
  if (expression.type === "binary" && expression.operator === "**") {
    const left = Math.max(...numbers(expression.left, folder));
    return [left ** Math.max(...numbers(expression.right, folder))];
  }
  return (folder.fold(expression) ?? []).filter((value) => typeof value === "number");
}

function isSequence(expression: Expression, folder: Folder): boolean {
  if (expression.type === "list") return true;
  return (folder.fold(expression) ?? []).some((value) =>
    typeof value === "string" || Array.isArray(value)
  );
}

/** A pattern that asks for a width of millions: `'%9999999d'`, `'{:>9999999}'`. */
function isWide(expression: Expression, folder: Folder): boolean {
  const text = folder.text(expression);
  return text !== undefined && /(?:%[-+ #]*|:[^{}]*)\d{7,}/u.test(text);
}
