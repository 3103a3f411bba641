/**
 * Whether the metamorphic fuzzer has teeth: takes one fix back in a copy of the sources, and looks for the case
 * in which the fuzzer finds the hole.
 *
 *     PYTHON=… deno run --allow-all scripts/fuzz/metamorphic/teeth.ts --seed 1 [--cases 20000] [--only ID]
 *
 * The cases are made once, by the sources with all fixes, and read by each copy; `--again` takes those of the
 * run before. A row for each fix: what it is, the cases until the finding, and the finding, which says less than
 * with all fixes. One that is not found makes the program fail.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FIXES } from "./fixes.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "20000" },
    only: { type: "string", multiple: true, default: [] },
    again: { type: "boolean", default: false },
  },
});

/** A copy of what the fuzzer needs. */
function copied(): string {
  const copy = mkdtempSync(join(tmpdir(), "teeth-"));
  for (const part of ["src", "scripts", "rules", "deno.json"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  for (const part of ["testdata", "node_modules"]) symlinkSync(join(ROOT, part), join(copy, part));
  return copy;
}

/** What a program of the fuzzer prints. @throws when it cannot run, or ends early */
function printed(root: string, program: string, ...options: readonly string[]): string {
  const { stdout, status, error } = spawnSync(process.execPath, [
    ...["run", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only", "--allow-all"],
    join(root, "scripts/fuzz/metamorphic", program),
    ...options,
  ], { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0 && status !== 1) throw new Error(`${program} ended with ${status}`);
  return stdout;
}

/** The cases of a seed, confirmed by the loaders, with what the sources say of them with all fixes. */
function keptCases(): string {
  const folder = join(ROOT, ".cache/fuzz");
  const path = join(folder, `metamorphic-${values.seed}-${values.cases}.cases`);
  if (values.again && existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${path}.new`;
  const options = ["--seed", values.seed, "--cases", values.cases, "--keep", unfinished];
  const said = printed(ROOT, "main.ts", "--no-shrink", ...options);
  if (!said.includes(`${values.cases} cases, `)) throw new Error("The fuzzer ended early");
  renameSync(unfinished, path);
  return path;
}

let tried = 0;
let missed = 0;
const cases = keptCases();
const copy = copied();
try {
  for (const { id, file, fixed, broken } of FIXES) {
    if (values.only.length > 0 && !values.only.includes(id)) continue;
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    if (text.split(fixed).length !== 2) {
      throw new Error(`Cannot revert a fix in ${file}: "${fixed}" is not there exactly once`);
    }
    writeFileSync(path, text.replace(fixed, () => broken));
    const said = printed(copy, "kept.ts", cases).trim();
    writeFileSync(path, text);
    const finding = /^first finding: (.*)$/mu.exec(said)?.[1];
    if (finding === undefined && said !== "nothing has sunk") throw new Error(`${id}: ${said}`);
    tried++;
    if (finding === undefined) missed++;
    console.log(`${id} | seed ${values.seed} | ${finding ?? "NOT FOUND"}`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(`${tried - missed} of ${tried} fixes found`);
process.exitCode = missed === 0 && tried > 0 ? 0 : 1;
