/**
 * What an expression of a template is a part of, as it is written.
 *
 * @module
 */

import type { Expression } from "./ast.ts";

/** The name that an expression is a part of: `messages` of `messages[1:]` and of `range(messages | length)`. */
export function rootOf(expression: Expression): string {
  let value = expression;
  while (true) {
    switch (value.type) {
      case "name":
        return value.name;
      case "attribute":
      case "item":
        value = value.object;
        break;
      case "filter":
        if (value.object === undefined) return "";
        value = value.object;
        break;
      case "call": {
        const last = value.arguments.at(-1)?.value;
        const own = value.object.type === "name" && last !== undefined;
        value = own ? last : value.object;
        break;
      }
      case "binary":
        value = value.left;
        break;
      default:
        return "";
    }
  }
}

/** Whether an expression is a part of what a name has, wherever a condition decides which. */
export function isPartOf(expression: Expression, names: ReadonlySet<string>): boolean {
  if (expression.type === "conditional") {
    const { then, otherwise } = expression;
    return isPartOf(then, names) &&
      (otherwise === undefined || isEmpty(otherwise) || isPartOf(otherwise, names));
  }
  if (
    expression.type === "binary" && (expression.operator === "or" || expression.operator === "+")
  ) {
    const { left, right } = expression;
    return isPartOf(left, names) && (isEmpty(right) || isPartOf(right, names));
  }
  return names.has(rootOf(expression)) && expression.type !== "name";
}

function isEmpty(expression: Expression): boolean {
  return expression.type === "list" && expression.items.length === 0;
}

/** The dictionary that a loop goes through by its keys: `x`, `x.items()`, `x.keys() | reject(…)`, `x | dictsort`. */
export function keyed(iterated: Expression, targets: number): Expression | undefined {
  let value: Expression = iterated;
  let pairs = targets === 2 ? undefined : false;
  while (true) {
    if (value.type === "filter" && value.object !== undefined) {
      if (value.name === "items" || value.name === "dictsort") pairs = true;
      else if (!["list", "sort", "select", "reject", "unique", "reverse"].includes(value.name)) {
        return undefined;
      }
      value = value.object;
    } else if (value.type === "call" && value.object.type === "attribute") {
      const { name, object } = value.object;
      if (name !== "items" && name !== "keys") return undefined;
      if (name === "items") pairs = true;
      value = object;
    } else return pairs === undefined || pairs && targets !== 2 ? undefined : value;
  }
}
