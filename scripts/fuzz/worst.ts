/**
 * Files of some megabytes, each made to cost as much as possible: what is linear in honest files and
 * could be quadratic here. Prints time, memory and verdict of each, scanned in a process of its own.
 *
 *     scripts/fuzz/fuzz --worst 4          all of them, 4 MB each
 *     scripts/fuzz/fuzz --worst 4 --format json    those whose names contain "json"
 *
 * @module
 */

import process from "node:process";
import type { Generated } from "./families.ts";
import { observe } from "./observe.ts";
import { WORST_CONTAINERS } from "./worst_containers.ts";
import { WORST_MESSAGES } from "./worst_messages.ts";
import { type Make, MIB } from "./worst_pieces.ts";
import { WORST_PICKLES } from "./worst_pickles.ts";
import { WORST_TEXTS } from "./worst_texts.ts";

const ALL: Readonly<Record<string, Make>> = {
  ...WORST_PICKLES,
  ...WORST_CONTAINERS,
  ...WORST_MESSAGES,
  ...WORST_TEXTS,
};

/** Names of the worst files that there are. */
export const WORST: readonly string[] = Object.keys(ALL);

/**
 * Makes one of them.
 *
 * @param size bytes, more or less
 * @throws RangeError for a name that there is none of
 */
export function makeWorst(name: string, size: number): Generated {
  const make = ALL[name];
  if (make === undefined) throw new RangeError(`There is no worst file "${name}"`);
  return make(size);
}

if (import.meta.main) {
  const [name = "", megabytes = "1"] = process.argv.slice(2);
  const made = makeWorst(name, Number(megabytes) * MIB);
  const before = process.memoryUsage().rss;
  const { user } = process.cpuUsage();
  const { report } = await observe(made.name, made.bytes);
  const seconds = (process.cpuUsage().user - user) / 1e6;
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${name.padEnd(48)} ${(made.bytes.length / MIB).toFixed(1).padStart(6)} MB ` +
      `${seconds.toFixed(1).padStart(6)} s ${
        Math.round(peak - before / MIB).toString().padStart(5)
      } MB more ` +
      `${report.verdict} (${report.findings.length} findings)`,
  );
}
