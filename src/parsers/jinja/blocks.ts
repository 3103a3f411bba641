/**
 * Nests the tags of a Jinja template: what a loop, a condition, a macro or a block encloses belongs to
 * it. A tag without its end encloses what is left, and an end without its beginning is passed over.
 *
 * @module
 */

import type { Block, Tag } from "./ast.ts";

/** Tags that enclose others, and what begins a further branch of theirs. */
const TURNS: Readonly<Record<string, readonly string[]>> = {
  for: ["else"],
  if: ["elif", "else"],
  macro: [],
  call: [],
  filter: [],
  "set-block": [],
  with: [],
  block: [],
  autoescape: [],
  trans: ["pluralize"],
  generation: [],
};

/** Tags within each other. The deepest in 120 chat templates has 9. CWE-674. */
const DEPTH = 200;

interface Open {
  readonly tag: Tag;
  readonly turns: Tag[];
  readonly bodies: Block[][];
}

/**
 * Nests tags.
 *
 * @param tags in the order of the template
 */
export function nest(
  tags: readonly Tag[],
): { readonly blocks: readonly Block[]; readonly errors: { at: number; detail: string }[] } {
  const root: Block[] = [];
  const open: Open[] = [];
  const errors: { at: number; detail: string }[] = [];
  const add = (block: Block): void => {
    (open.at(-1)?.bodies.at(-1) ?? root).push(block);
  };
  const close = (): void => {
    const closed = open.pop();
    if (closed !== undefined) add(closed);
  };
  for (const tag of tags) {
    const innermost = open.at(-1);
    const end = endOf(tag.name);
    if (end !== undefined) {
      const at = open.findLastIndex((one) => one.tag.name === end);
      if (at < 0) errors.push({ at: tag.at, detail: `"${tag.name}" ends nothing` });
      if (at >= 0 && at < open.length - 1) {
        errors.push({ at: tag.at, detail: `"${tag.name}" stands within what does not end` });
      }
      if (at >= 0) { while (open.length > at) close(); }
    } else if (innermost !== undefined && TURNS[innermost.tag.name]?.includes(tag.name)) {
      innermost.turns.push(tag);
      innermost.bodies.push([]);
    } else if (Object.hasOwn(TURNS, tag.name) && open.length < DEPTH) {
      open.push({ tag, turns: [], bodies: [[]] });
    } else add({ tag, turns: [], bodies: [] });
  }
  const [unended] = open;
  if (unended !== undefined) {
    errors.push({ at: unended.tag.at, detail: `"${unended.tag.name}" does not end` });
  }
  while (open.length > 0) close();
  return { blocks: root, errors };
}

/** The tag that a tag ends: `for` of `endfor`. */
function endOf(name: string): string | undefined {
  if (!name.startsWith("end")) return undefined;
  const ended = name === "endset" ? "set-block" : name.slice(3);
  return Object.hasOwn(TURNS, ended) ? ended : undefined;
}
