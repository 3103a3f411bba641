/**
 * The speed-up by a second thread on folders, and its overhead on small ones: the same scans by
 * `--jobs 1` and `--jobs 2`, in turns.
 *
 * @module
 */

import { linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeDictionaries } from "./dictionaries.ts";
import { CACHE, cached, LAUNCHER } from "./inputs.ts";
import { run } from "./process.ts";
import { randomFrom } from "./random.ts";
import { makeSmallFiles } from "./small_files.ts";
import type { Row } from "./table.ts";

const SEED = 7;

/** Records of a pickle of 10 MB, and how many more one of 25 MB has. */
const FEWEST_RECORDS = 143_000;
const MORE_RECORDS = 215_000;

/** A program with its arguments. */
type Command = readonly [string, readonly string[]];

/** A folder, and how much faster two threads must be; less than 1 is slower. */
interface Folder {
  readonly title: string;
  readonly file: string;
  readonly make: (folder: string) => void | Promise<void>;
  readonly least: number;
}

const FOLDERS: readonly Folder[] = [
  {
    title: "24 pickles of 10 to 25 MB",
    file: "pickles-24",
    make: makePickles,
    least: 0.95,
  },
  {
    title: "these eight times over",
    file: "pickles-192",
    make: linkPickles,
    least: 1.4,
  },
  {
    title: "10,000 small files",
    file: "small-files-10000",
    make: (folder) => makeSmallFiles(folder, 10_000, SEED),
    least: 1.15,
  },
  {
    title: "1,000 small files",
    file: "small-files-1000",
    make: (folder) => makeSmallFiles(folder, 1000, SEED),
    least: 0.95,
  },
];

/**
 * Measures time and peak memory of each folder with one thread and with two.
 *
 * @param inTurns runs each command several times in turns and gives the medians in seconds
 */
export async function measureThreads(
  inTurns: (commands: readonly Command[]) => Promise<number[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { title, file, make, least } of FOLDERS) {
    const path = await cached(file, make);
    const commands = [1, 2].map((jobs): Command => [
      LAUNCHER,
      ["scan", "--no-config", "--jobs", String(jobs), "--format", "json", path],
    ]);
    const [one = NaN, two = NaN] = await inTurns(commands);
    rows.push(
      { what: `${title}: one thread`, value: one, unit: "s" },
      { what: `${title}: two threads`, value: two, unit: "s" },
      { what: "two threads are faster by", value: one / two, unit: "times", least },
    );
    for (const [index, [program, args]] of commands.entries()) {
      const { peak } = await run(program, args, { cwd: CACHE, watch: true });
      const what = index === 0 ? "one thread's peak memory" : "two threads' peak memory";
      rows.push({ what, value: peak === undefined ? undefined : peak / 1e6, unit: "MB" });
    }
  }
  return rows;
}

/** Pickles of different sizes. */
function makePickles(folder: string): void {
  const random = randomFrom(SEED);
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < 24; index++) {
    const records = FEWEST_RECORDS + Math.floor(random() * MORE_RECORDS);
    makeDictionaries(join(folder, `${String(index).padStart(2, "0")}.pkl`), records);
  }
}

/** Each of them under eight names. */
async function linkPickles(folder: string): Promise<void> {
  const pickles = await cached("pickles-24", makePickles);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(pickles)) {
    for (let copy = 0; copy < 8; copy++) {
      linkSync(join(pickles, name), join(folder, `${copy}-${name}`));
    }
  }
}
