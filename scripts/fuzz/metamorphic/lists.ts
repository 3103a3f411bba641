/**
 * Metamorphic cases with the names of all allowlists, some hundred names after the other, by an oracle that has
 * only these. What is done stands in `.cache/fuzz/`, and a run goes on behind it.
 *
 *     scripts/fuzz/fuzz --family metamorphic --lists [--libraries FOLDER] [--list NAME] --seed 1 --cases 100000
 *
 * `--libraries` names a folder of environments, NAME-VERSION, for what the oracle's Python has not installed; names
 * that were audited by source alone are imported with it, too.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseAllowlist } from "../../../src/rules/toml.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SAFE = join(ROOT, "rules/safe");
const CACHE = join(ROOT, ".cache/fuzz");
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** Names of one oracle: more modules than these have take more memory than a machine may have. */
const MOST_NAMES = 800;
/** Names of a list, by their place in it. */
interface Part {
  readonly list: string;
  readonly from: number;
  readonly to: number;
}

/** What became of parts that one oracle had. */
interface Done {
  readonly parts: readonly Part[];
  readonly listed: number;
  readonly cases: number;
  readonly confirmed: number;
  readonly findings: Readonly<Record<string, number>>;
}

const { values } = parseArgs({
  options: {
    lists: { type: "boolean" },
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "100000" },
    libraries: { type: "string" },
    list: { type: "string", multiple: true, default: [] },
  },
});
process.exitCode = run();

/** How many names of a list may be called or restored. */
function namesOf(list: string): number {
  const file = join(SAFE, `${list}.toml`);
  const { filled, called, restored } = parseAllowlist(readFileSync(file, "utf8"), file);
  return [filled, called, restored]
    .flatMap((names) => Object.values(names ?? {}))
    .reduce((sum, names) => sum + names.length, 0);
}

function parts(): readonly Part[] {
  return readdirSync(SAFE).filter((name) => name.endsWith(".toml")).sort().flatMap((name) => {
    const list = name.replace(".toml", "");
    const count = namesOf(list);
    return Array.from({ length: Math.ceil(count / MOST_NAMES) }, (_, at): Part => ({
      list,
      from: at * MOST_NAMES,
      to: Math.min(count, (at + 1) * MOST_NAMES),
    }));
  });
}

/** Folders of modules of the releases of a library, the newest first. */
function folders(list: string): readonly string[] {
  if (values.libraries === undefined) return [];
  const found = readdirSync(values.libraries).filter((name) => name.startsWith(`${list}-`));
  found.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  return found.flatMap((name) => {
    const lib = join(values.libraries ?? "", name, "lib");
    return existsSync(lib) ? readdirSync(lib).map((each) => join(lib, each, "site-packages")) : [];
  });
}

function readDone(path: string): readonly Done[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Parts by the oracle that has them. */
function groups(): readonly (readonly Part[])[] {
  const found: Part[][] = [];
  let size = Infinity;
  for (const part of parts()) {
    const names = part.to - part.from;
    if (size + names > MOST_NAMES) {
      found.push([]);
      size = 0;
    }
    size += names;
    found.at(-1)?.push(part);
  }
  return found;
}

function namesIn(parts: readonly Part[]): number {
  return parts.reduce((sum, { from, to }) => sum + to - from, 0);
}

function shown(parts: readonly Part[]): string {
  return parts.map(({ list, from, to }) => `${list} ${from}-${to}`).join(", ");
}

/** Cases of the parts of one oracle; undefined when the run ended without a summary. */
function fuzz(parts: readonly Part[], cases: number): Done | undefined {
  const summary = join(CACHE, `metamorphic-list-${process.pid}.json`);
  rmSync(summary, { force: true });
  const asked = parts.map(({ list, from, to }) =>
    `${list}:${from}:${to}:${folders(list).slice(0, 1).join(":")}`
  );
  const main = ["run", "--quiet", "--no-check", "--no-lock", "--allow-all", MAIN];
  const options = ["--only", "listed", "--seed", values.seed, "--cases", `${cases}`];
  spawnSync(process.execPath, [...main, ...options, "--summary", summary], {
    env: { ...process.env, MODELAUDIT_LISTED: asked.join("\n") },
    stdio: "inherit",
    cwd: ROOT,
  });
  if (!existsSync(summary)) return undefined;
  const { listed, cases: made, confirmed, findings } = JSON.parse(readFileSync(summary, "utf8"));
  rmSync(summary);
  return { parts, listed, cases: made, confirmed, findings };
}

function run(): number {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `metamorphic-lists-${values.seed}-${values.cases}.ndjson`);
  const all = groups();
  const names = namesIn(all.flat());
  const done = new Map(readDone(path).map((each) => [shown(each.parts), each]));
  const wanted = all.filter((parts) =>
    values.list.length === 0 || parts.some(({ list }) => values.list.includes(list))
  );
  const results: Done[] = [];
  const failed: string[] = [];
  for (const [at, parts] of wanted.entries()) {
    const before = done.get(shown(parts));
    if (before !== undefined) {
      results.push(before);
      continue;
    }
    const clock = new Date().toISOString().slice(11, 19);
    console.log(`${clock} ${at + 1} of ${wanted.length}: ${shown(parts)}`);
    const result = fuzz(parts, Math.ceil(Number(values.cases) * namesIn(parts) / names));
    if (result === undefined) {
      failed.push(shown(parts));
      continue;
    }
    appendFileSync(path, `${JSON.stringify(result)}\n`);
    results.push(result);
  }
  const sum = (of: (each: Done) => number) => results.reduce((all, each) => all + of(each), 0);
  const found = results.filter(({ findings }) => Object.keys(findings).length > 0);
  const lists = new Set(results.flatMap(({ parts }) => parts.map(({ list }) => list)));
  console.log(
    `${lists.size} lists, ${sum(({ listed }) => listed)} of ${names} names, ` +
      `${sum((each) => each.cases)} cases, ` +
      `${sum(({ confirmed }) => confirmed)} confirmed by the loaders; ` +
      `${found.length} oracles with findings, ${failed.length} without an end`,
  );
  for (const { parts, findings } of found) console.log(shown(parts), findings);
  for (const each of failed) console.log(`no end: ${each}`);
  return found.length + failed.length === 0 ? 0 : 1;
}
