/**
 * Values that long sets do not tell apart: those of which nothing can come.
 *
 * @module
 */

import { isInert } from "./sinks.ts";
import { type Container, itemsOf, type Value } from "./values.ts";

/** Containers within each other that are looked through for constants. Tables have 3. CWE-674. */
const DEPTH = 3;

/**
 * True for a value that a long set does not tell apart from others: one of which nothing can come, or a container of
 * constants that are written in the source. Where something else is put into that later, it escapes.
 */
export function isPacked(value: Value): boolean {
  return value.kind === "container" ? isTable(value, 0) : isInert(value);
}

function isTable(container: Container, depth: number): boolean {
  if (depth > DEPTH) return false;
  const isPlain = itemsOf(container).every((each) =>
    each.kind === "constant"
      ? !each.hidden
      : each.kind === "container"
      ? isTable(each, depth + 1)
      : isInert(each)
  );
  if (isPlain) container.packed = true;
  return isPlain;
}
