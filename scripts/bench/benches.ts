/**
 * The figures that this program has to meet: each bench gives rows, many with a bound that is "met"
 * or "missed". A bench is one line in `BENCHES`.
 *
 * @module
 */

import { statSync } from "node:fs";
import { benchBombs } from "./bombs.ts";
import { CACHE, cached, input, LAUNCHER } from "./inputs.ts";
import { dumpDictionaries, makeDictionaries } from "./dictionaries.ts";
import { type Python, type Run, run } from "./process.ts";
import { measureFolders } from "./folders.ts";
import { measureRemote } from "./remote.ts";
import { builtExecutable, measureExecutable } from "./start.ts";
import { median, type Row } from "./table.ts";
import { measureThreads } from "./threads.ts";

/** What all benches are given. */
export interface Setting {
  /** How often each program runs; the median counts. */
  readonly rounds: number;
  /** In the pickle of nested dictionaries. */
  readonly records: number;
  readonly python: Python | undefined;
}

/** One measurement, chosen by `--only` and its name. */
interface Bench {
  readonly name: string;
  readonly measure: (setting: Setting) => Promise<readonly Row[]>;
}

/** All benches, in the order in which they run. */
export const BENCHES: readonly Bench[] = [
  { name: "start", measure: measureStart },
  {
    name: "executable",
    measure: ({ rounds }) => measureExecutable((commands) => inTurns(rounds, commands)),
  },
  { name: "pickle", measure: measurePickle },
  { name: "checkpoint", measure: measureCheckpoint },
  { name: "onnx", measure: (setting) => measureGraph(setting, "ONNX model", "onnx-1gb") },
  {
    name: "savedmodel",
    measure: (setting) => measureGraph(setting, "SavedModel", "savedmodel-1gb"),
  },
  { name: "headers", measure: measureHeaders },
  { name: "bombs", measure: benchBombs },
  {
    name: "threads",
    measure: ({ rounds }) => measureThreads((commands) => inTurns(rounds, commands)),
  },
  {
    name: "folders",
    measure: ({ rounds, python }) =>
      measureFolders(python, (commands) => inTurns(rounds, commands)),
  },
  { name: "remote", measure: measureRemote },
];

/** A program with its arguments. */
export type Command = readonly [string, readonly string[]];

/** How a file is scanned by the launcher of this checkout. */
function scanCommand(path: string): Command {
  return [LAUNCHER, ["scan", "--format", "json", path]];
}

/**
 * Runs each program once per round, one after the other, so that load on the machine affects all alike.
 *
 * @returns the medians in seconds, one for each program
 */
async function inTurns(rounds: number, commands: readonly Command[]): Promise<number[]> {
  const times: number[][] = commands.map(() => []);
  // The first run warms caches of code and files; it is not counted.
  for (const [command, args] of commands) await run(command, args, { cwd: CACHE });
  for (let round = 0; round < rounds; round++) {
    for (const [index, [command, args]] of commands.entries()) {
      times[index]?.push((await run(command, args, { cwd: CACHE })).seconds);
    }
  }
  return times.map(median);
}

/**
 * Scans once with peak memory and reads measured.
 *
 * @throws Error when the program gives no JSON
 */
async function scanOnce(path: string): Promise<Run & { bytesRead: number | undefined }> {
  const [command, args] = scanCommand(path);
  const result = await run(command, args, { cwd: CACHE, watch: true });
  let bytesRead: number | undefined;
  try {
    const report: unknown = JSON.parse(result.stdout);
    if (typeof report === "object" && report !== null && "bytes_read" in report) {
      bytesRead = Number(report.bytes_read);
    }
  } catch {
    throw new Error(
      `Cannot measure the scan of ${path}: it gave no JSON (exit code ${result.code})\n${result.stderr}`,
    );
  }
  if (result.code !== 0) {
    console.error(`bench: scanning ${path} ended with exit code ${result.code}; 0 was expected`);
  }
  return { ...result, bytesRead };
}

/** A row of peak memory in MB, without a value where the system does not report it. */
function memoryRow(what: string, peak: number | undefined, limit = 300): Row {
  if (peak === undefined) console.error(`bench: ${what} is skipped: only Linux reports it`);
  return { what, value: peak === undefined ? undefined : peak / 1e6, unit: "MB", limit };
}

async function measureStart({ rounds }: Setting): Promise<Row[]> {
  const [seconds = NaN] = await inTurns(Math.max(rounds, 10), [[LAUNCHER, ["version"]]]);
  return [{ what: "`version`, whole process", value: seconds, unit: "s", limit: 0.15 }];
}

/** How much faster than `pickle.load` the dictionaries must be scanned, by protocol. */
const PICKLES = [
  { protocol: 4, share: 1, launcher: 6, executable: 10 },
  { protocol: 2, share: 0.5, launcher: 5, executable: 8 },
  { protocol: 0, share: 0.3, launcher: 3, executable: 4 },
] as const;

async function measurePickle(setting: Setting): Promise<Row[]> {
  if (setting.python === undefined) {
    console.error(
      "bench: no Python found (set PYTHON): the comparison with pickle.load is skipped, and so are " +
        "the protocols that it writes",
    );
  }
  const rows: Row[] = [];
  for (const pickle of PICKLES) {
    if (pickle.protocol !== 4 && setting.python === undefined) continue;
    rows.push(...await measureProtocol(setting, pickle));
  }
  return rows;
}

/** One pickle, beside `pickle.load` where there is a Python. */
async function measureProtocol(
  { rounds, records, python }: Setting,
  { protocol, share, launcher, executable: least }: typeof PICKLES[number],
): Promise<Row[]> {
  const count = Math.round(records * share);
  const path = protocol === 4
    ? await cached(`dictionaries-${count}.pkl`, (to) => makeDictionaries(to, count))
    : await cached(
      `dictionaries-${count}-protocol${protocol}.pkl`,
      (to) => dumpDictionaries(python?.executable ?? "python", to, count, protocol),
    );
  const watched = await scanOnce(path);
  const executable: Command = [builtExecutable(), ["scan", "--format", "json", path]];
  const size = (statSync(path).size / 1e6).toFixed(1);
  const name = `${count.toLocaleString("en")} dictionaries, protocol ${protocol} (${size} MB)`;
  const rows: Row[] = [];
  if (python === undefined) {
    const [seconds = NaN, compiled = NaN] = await inTurns(rounds, [scanCommand(path), executable]);
    rows.push(
      { what: `${name}: scan`, value: seconds, unit: "s" },
      { what: "scan by the executable (Bun)", value: compiled, unit: "s" },
    );
  } else {
    const [load = NaN, seconds = NaN, compiled = NaN] = await inTurns(rounds, [
      loadCommand(python, path),
      scanCommand(path),
      executable,
    ]);
    rows.push(
      { what: `${name}: \`pickle.load\``, value: load, unit: "s" },
      { what: `${name}: scan`, value: seconds, unit: "s" },
      { what: "scan is faster by", value: load / seconds, unit: "times", least: launcher },
      { what: "scan by the executable (Bun)", value: compiled, unit: "s" },
      { what: "executable is faster by", value: load / compiled, unit: "times", least },
    );
  }
  const compiled = await run(...executable, { cwd: CACHE, watch: true });
  rows.push(
    memoryRow("scan's peak memory", watched.peak, 150),
    memoryRow("executable's peak memory", compiled.peak, 150),
  );
  return rows;
}

/** What `pickle.load` takes for a file; the file must be one that this repository's generators wrote. */
export function loadCommand(python: Python, path: string): Command {
  const code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))";
  return [python.executable, ["-c", code, path]];
}

async function measureCheckpoint({ rounds }: Setting): Promise<Row[]> {
  const path = await input("checkpoint-2gb");
  const watched = await scanOnce(path);
  const [seconds = NaN] = await inTurns(rounds, [scanCommand(path)]);
  const size = (statSync(path).size / 1e9).toFixed(1);
  return [
    { what: `checkpoint of ${size} GB: scan`, value: seconds, unit: "s", limit: 0.3 },
    { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
    memoryRow("scan's peak memory", watched.peak),
  ];
}

/** One dense tensor and a thousand nodes: a graph costs what its nodes cost. */
async function measureGraph({ rounds }: Setting, kind: string, name: string): Promise<Row[]> {
  const path = await input(name);
  const watched = await scanOnce(path);
  const [seconds = NaN] = await inTurns(rounds, [scanCommand(path)]);
  return [
    { what: `${kind} of 1 GB: scan`, value: seconds, unit: "s", limit: 0.5 },
    { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
    memoryRow("scan's peak memory", watched.peak, 200),
  ];
}

/** Files that are all tensors: the header is what they cost. */
async function measureHeaders({ rounds }: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of ["safetensors", "gguf"]) {
    const path = await input(`${kind}-100gb`);
    const watched = await scanOnce(path);
    const [seconds = NaN] = await inTurns(rounds, [scanCommand(path)]);
    rows.push(
      { what: `${kind} of 100 GB: scan`, value: seconds, unit: "s", limit: 0.2 },
      { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
      memoryRow("scan's peak memory", watched.peak, 200),
    );
  }
  return rows;
}
