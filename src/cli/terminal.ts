/**
 * What the terminal can show, from what it is and what the environment says.
 *
 * @module
 */

import { escapeText } from "../report/escape.ts";
import { wrap } from "../report/width.ts";
import type { Io, Output } from "./io.ts";

/** Columns of a report that goes to a file or a pipe. */
const PIPE_COLUMNS = 100;

/**
 * Whether to colour: NO_COLOR (https://no-color.org) forbids, FORCE_COLOR demands it even in a pipe,
 * else it takes a terminal that is not dumb.
 */
export function wantsColor(env: Io["env"], output: Output): boolean {
  if (env["NO_COLOR"]) return false;
  const force = env["FORCE_COLOR"];
  if (force !== undefined && force !== "") return force !== "0" && force !== "false";
  return output.isTTY && env["TERM"] !== "dumb";
}

/** Columns of the output: the terminal's own, else COLUMNS, else enough for reading. */
export function columnsOf(env: Io["env"], output: Output): number {
  const named = Number(env["COLUMNS"]);
  const columns = output.columns ?? (Number.isInteger(named) && named > 0 ? named : undefined);
  return columns !== undefined && columns > 0 ? columns : PIPE_COLUMNS;
}

/**
 * Escaped text, wrapped between words for a terminal and unwrapped for a pipe.
 *
 * @param hanging columns before the continuation of a wrapped line; those of its beginning unless given
 */
export function fitted(text: string, env: Io["env"], output: Output, hanging?: number): string {
  if (!output.isTTY) return text;
  const columns = columnsOf(env, output);
  return text.split("\n").map((line) => {
    const [first = "", ...more] = wrap(line, columns);
    if (more.length === 0) return line;
    // Beside "  fix  ", below the text of a list, else a little inwards.
    const head = /^(?: *\S(?:.*?\S)?? {2,}| +)/.exec(line)?.[0].length ?? 2;
    const indent = Math.min(hanging ?? head, columns >> 1);
    const rest = wrap(line.slice(first.length).trimStart(), columns - indent);
    return [first, ...rest.map((it) => " ".repeat(indent) + it)].join("\n");
  }).join("\n");
}

/** Tells the user something beside the report: one paragraph, escaped, on standard error. */
export async function tell(io: Pick<Io, "env" | "stderr">, text: string): Promise<void> {
  await io.stderr.write(`${fitted(escapeText(text), io.env, io.stderr)}\n`);
}
