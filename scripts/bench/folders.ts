/**
 * What folders of many files cost the executable: 10,000 small pickles by one thread and by two, beside
 * picklescan where it can be installed, and the memory of 50,000 files as a `site-packages` has them.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDictionaries } from "./dictionaries.ts";
import { CACHE, cached } from "./inputs.ts";
import { install } from "./peers.ts";
import { type Python, run } from "./process.ts";
import { randomFrom } from "./random.ts";
import { builtExecutable } from "./start.ts";
import type { Row } from "./table.ts";

const SEED = 11;
const PICKLES = 10_000;
const INSTALLED_FILES = 50_000;

/** A program with its arguments. */
type Command = readonly [string, readonly string[]];

/**
 * Measures times and peak memory.
 *
 * @param inTurns runs each command several times in turns and gives the medians in seconds
 * @throws Error when the executable cannot be built
 */
export async function measureFolders(
  python: Python | undefined,
  inTurns: (commands: readonly Command[]) => Promise<number[]>,
): Promise<Row[]> {
  const pickles = await cached("small-pickles-10000", makeSmallPickles);
  const scan = (path: string, ...more: string[]): Command => [
    builtExecutable(),
    ["scan", "--no-config", ...more, path],
  ];
  const peers = install(python, "peers");
  const commands = [scan(pickles, "--jobs", "1"), scan(pickles, "--jobs", "2")];
  if ("missing" in peers) {
    console.error(`bench: the comparison with picklescan is skipped: ${peers.missing}`);
  } else commands.push([join(peers.programs, "picklescan"), ["--path", pickles]]);
  const [one = NaN, two = NaN, other] = await inTurns(commands);
  const rows: Row[] = [
    { what: "10,000 small pickles (Bun): one thread", value: one, unit: "s" },
    { what: "10,000 small pickles (Bun): two threads", value: two, unit: "s" },
    { what: "two threads are faster by", value: one / two, unit: "times", least: 1.4 },
  ];
  if (other !== undefined) {
    rows.push(
      { what: "10,000 small pickles: picklescan", value: other, unit: "s" },
      { what: "one thread is faster than it by", value: other / one, unit: "times", least: 1 },
    );
  }
  const installed = await cached("installed-50000", makeInstalled);
  const [program, args] = scan(installed, "--jobs", "1");
  const { peak } = await run(program, args, { cwd: CACHE, watch: true });
  rows.push({
    what: "50,000 files of a site-packages (Bun): peak memory",
    value: peak === undefined ? undefined : peak / 1e6,
    unit: "MB",
    limit: 250,
  });
  return rows;
}

/** Pickles of 2 to 41 records, in ten folders. */
function makeSmallPickles(folder: string): void {
  const random = randomFrom(SEED);
  for (let index = 0; index < PICKLES; index++) {
    const inside = join(folder, `part-${index % 10}`);
    if (index < 10) mkdirSync(inside, { recursive: true });
    const path = join(inside, `${String(index).padStart(5, "0")}.pkl`);
    makeDictionaries(path, 2 + Math.floor(random() * 40));
  }
}

/** Modules, what they were compiled to, headers and metadata, 500 files a package. */
function makeInstalled(folder: string): void {
  const random = randomFrom(SEED);
  const endings = [".py", ".pyc", ".py", ".h", ".pyi", ".py", ".pyc", ".json", ".txt", ""];
  const line = "    return self._values.get(name, default)  # as the caller asked\n";
  for (let index = 0; index < INSTALLED_FILES; index++) {
    const inside = join(folder, `package_${Math.floor(index / 500)}`);
    if (index % 500 === 0) mkdirSync(inside, { recursive: true });
    const ending = endings[index % endings.length] ?? "";
    const lines = 1 + Math.floor(random() * 120);
    const text = ending === ".json"
      ? `${JSON.stringify({ name: `module_${index}`, values: Array(lines).fill(index) })}\n`
      : `def value_${index}(self, name, default=None):\n${line.repeat(lines)}`;
    const bytes = new TextEncoder().encode(text);
    // The magic number of CPython 3.11, flags, a time and a size.
    if (ending === ".pyc") bytes.set([0xa7, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0]);
    writeFileSync(join(inside, `module_${index}${ending}`), bytes);
  }
}
