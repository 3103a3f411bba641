/**
 * Checks that each name on an allowlist has evidence that it is harmless as far as the list says, and that no
 * metaclass, no function that gives back or calls what it is given, and nothing that reached files, code,
 * imports or processes is on one:
 *
 *     deno run --allow-read=. scripts/check_allowlists.ts
 *
 * What the findings mean is in `scripts/allowlists/probe.py`.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isWatchedMethod } from "../src/pickle/semantics/callbacks.ts";
import { LEVELS } from "../src/rules/allowed.ts";
import { type Allowlist, parseAllowlist, parseCallables } from "../src/rules/toml.ts";
import { type Evidence, type EvidenceRow, parseEvidence } from "./evidence.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Lists of which names may stand on the word of a person who read their source: collections of many libraries. */
const READ: readonly string[] = ["hub", "stable-baselines3"];

/** What may follow from a call or a state where rules/callables.toml has a meaning for the name. */
const FOLLOWED = /^(identity|calls-argument|attribute-name|attributes|attribute:attribute-name)$/;

/** What a name that is only named must not do, whoever calls it: loading its own libraries is not among it. */
const HARMFUL = /^event:(?!ctypes)|^calls-argument$/;

/** Meanings by which no callable in the arguments of a call is followed. */
const OF_STATES: readonly string[] = ["evaluates", "kept", "loads-state", "opens-arguments"];

/** What one that is only kept may do when something looks at it: the scanner reports what is given one. */
const LOOKS = new RegExp(
  "^((iterate|length|item|key|contains|truth|number|index|text|representation):|source:__(iter|next|len|" +
    "getitem|contains|bool|float|index|str|repr|format|array|array_interface|array_struct|fspath|dir)__$)",
);

/** Makes classes, whatever else it does. */
const MAKES_CLASSES: readonly string[] = ["metaclass", "enum-base"];

/**
 * What is wrong with a list.
 *
 * @param hasMeaning whether the calls of a path are followed (rules/callables.toml), or whether it has a meaning
 */
export function problemsOf(
  list: Allowlist,
  evidence: Evidence,
  hasMeaning: (path: string, meaning?: string) => boolean,
): string[] {
  const rows = new Map(evidence.rows.map((row) => [`${row.module}\n${row.name}`, row]));
  const problems: string[] = [];
  const listed = new Set<string>();
  for (const level of LEVELS) {
    for (const [module, names] of Object.entries(list[level])) {
      for (const name of names) {
        const path = `${module}.${name}`;
        const row = rows.get(`${module}\n${name}`);
        listed.add(`${module}\n${name}`);
        const problem = row === undefined
          ? "no evidence"
          : row.use !== level
          ? `the evidence is for "${row.use}"`
          : problemOf(row, list.library, (meaning) => hasMeaning(path, meaning));
        if (problem !== undefined) problems.push(`${list.library}: ${path} (${level}): ${problem}`);
      }
    }
  }
  for (const [key, { module, name, use }] of rows) {
    if (use !== "-" && !listed.has(key)) {
      problems.push(`${list.library}: ${module}.${name}: evidence for "${use}", and on no list`);
    }
  }
  return problems;
}

/** Why a row is no evidence for its use; undefined when it is. */
function problemOf(
  row: EvidenceRow,
  library: string,
  means: (meaning?: string) => boolean,
): string | undefined {
  if (row.kind === "read") {
    return READ.includes(library) ? undefined : "its source was read, and it was not run";
  }
  if (row.releases === 0n) return "no release has it";
  if (row.kind === "source" && row.use !== "restored" && row.use !== "named") {
    return "its source was read, which is no evidence for a call";
  }
  const all = [...row.call, ...row.restore];
  const makes = [row.kind, ...all].find((each) => MAKES_CLASSES.includes(each));
  // To name an enumeration makes nothing; a call of it is reported as one that makes a class.
  if (makes === "enum-base" && row.use === "named") return undefined;
  if (makes !== undefined) return makes;
  if (row.use === "named") {
    return ["class", "enum", "source"].includes(row.kind)
      ? undefined
      : row.call.find((each) => HARMFUL.test(each) && !(means() && FOLLOWED.test(each)));
  }
  // A function has no state; what executes one that a meaning speaks of is compared with a template.
  const hasMeaning = means();
  const restore = row.restore.filter((each) =>
    !(hasMeaning && each === "event:exec") && !(means("kept") && LOOKS.test(each)) &&
    !(means("opens-arguments") && each === "event:open")
  );
  for (const each of row.use === "restored" ? restore : [...row.call, ...restore]) {
    // The scanner looks at what such a name is given.
    if (each === "attributes" && row.use === "filled") continue;
    // Ends the loader, for arguments that the library never writes, and runs nothing.
    if (each === "crash") continue;
    // Calls.fill says when a key can be called.
    if (each === "calls-key") continue;
    const method = /^(?:\w+:)?calls-(?:method|state):(.*)$/.exec(each)?.[1];
    if (method !== undefined) {
      if (!isWatchedMethod(method)) return `it calls ${method}, which the scanner does not watch`;
    } else if (!(hasMeaning && FOLLOWED.test(each))) return each;
  }
  return undefined;
}

/** Evidence and list of each library, by the list's name. */
function readAllowlists(
  root: string = ROOT,
): Map<string, [Allowlist, Evidence | undefined]> {
  const found = new Map<string, [Allowlist, Evidence | undefined]>();
  for (const name of readdirSync(`${root}rules/safe`).sort()) {
    const file = `rules/safe/${name}`;
    const evidence = `rules/evidence/${name.replace(/\.toml$/, ".tsv")}`;
    found.set(name.replace(/\.toml$/, ""), [
      parseAllowlist(readFileSync(root + file, "utf8"), file),
      existsSync(root + evidence)
        ? parseEvidence(readFileSync(root + evidence, "utf8"), evidence)
        : undefined,
    ]);
  }
  return found;
}

function main(): void {
  const file = "rules/callables.toml";
  const meanings = parseCallables(readFileSync(ROOT + file, "utf8"), file);
  const hasMeaning = (path: string, meaning?: string) => {
    const found = meanings[path] ?? meanings[`${path.slice(0, path.lastIndexOf("."))}.*`];
    return found?.some((each) =>
      meaning === undefined ? !OF_STATES.includes(each) : each === meaning
    ) ?? false;
  };
  const problems = [...readAllowlists().values()].flatMap(([list, evidence]) =>
    problemsOf(list, evidence ?? { releases: [], rows: [] }, hasMeaning)
  );
  for (const problem of problems.slice(0, 40)) console.error(problem);
  if (problems.length > 40) console.error(`… and ${problems.length - 40} more`);
  if (problems.length > 0) process.exitCode = 1;
}

if (import.meta.main) main();
