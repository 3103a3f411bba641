/**
 * What the terminal can show, from what it is and what the environment says.
 *
 * @module
 */

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
