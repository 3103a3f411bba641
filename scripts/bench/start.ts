/**
 * How fast the executable by `bun build --compile` starts and scans a small pickle, beside an
 * empty program of the same kind: the difference is the cost of this program.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { toolPath } from "../build.ts";
import type { Row } from "./table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, ".cache", "bench", "executable");
const SUFFIX = process.platform === "win32" ? ".exe" : "";

/** A pickle that holds a list of numbers. */
const SMALL = "(lp0\nI1\naI2\naI3\na.";

/** A program with its arguments. */
type Command = readonly [string, readonly string[]];

/**
 * Builds the executable and an empty one, and measures both.
 *
 * @param inTurns runs each command several times in turns and gives the medians in seconds
 * @throws Error when one cannot be built
 */
export async function measureExecutable(
  inTurns: (commands: readonly Command[]) => Promise<number[]>,
): Promise<Row[]> {
  mkdirSync(FOLDER, { recursive: true });
  const bun = toolPath("bun");
  const empty = join(FOLDER, `empty${SUFFIX}`);
  const source = join(FOLDER, "empty.ts");
  writeFileSync(source, "export {};\n");
  build(bun, ["build", "--compile", `--outfile=${empty}`, source]);
  const pickle = join(FOLDER, "small.pkl");
  writeFileSync(pickle, SMALL);
  const executable = builtExecutable();
  const [nothing = NaN, version = NaN, scan = NaN] = await inTurns([
    [empty, []],
    [executable, ["version"]],
    [executable, [pickle]],
  ]);
  return [
    { what: "executable that does nothing (Bun)", value: nothing, unit: "s" },
    { what: "executable (Bun): `version`", value: version, unit: "s", limit: 0.1 },
    { what: "executable (Bun): a small pickle", value: scan, unit: "s", limit: 0.15 },
  ];
}

let built: string | undefined;

/**
 * The path of this program as an executable by Bun, built once in a run.
 *
 * @throws Error when it cannot be built
 */
export function builtExecutable(): string {
  if (built === undefined) {
    mkdirSync(FOLDER, { recursive: true });
    const flags = ["run", "--quiet", "--no-check", "--no-lock", "--cached-only", "--allow-all"];
    const script = join(ROOT, "scripts", "build.ts");
    build(toolPath("deno"), [...flags, script, "binary", "--runtime", "bun"]);
    built = join(FOLDER, `modelaudit${SUFFIX}`);
  }
  return built;
}

function build(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, MODELAUDIT_DIST: FOLDER },
  });
  if (status !== 0) throw new Error(`Cannot measure the executable: ${stdout}${stderr}`);
}
