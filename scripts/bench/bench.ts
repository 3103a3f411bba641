/**
 * Measures what a user waits for, whole processes, in one run and in turns:
 *
 * - `scripts/modelaudit version`: the start; the same and a small pickle for the executable by Bun;
 * - a pickle of a million nested dictionaries against CPython's `pickle.load` of the same file;
 * - a sparse PyTorch checkpoint of 2 GB: time and bytes read;
 * - a sparse ONNX model and a sparse SavedModel of 1 GB: the same;
 * - sparse safetensors and GGUF files of 100 GB: the same.
 *
 *     make bench                                everything
 *     make bench BENCH="--rounds 9 --write"     more rounds, and docs/benchmarks.md is written
 *     make bench BENCH="--records 10000"        a smaller pickle
 *
 * Python (`PYTHON`, else python3) is needed for the comparison only. Peak memory comes from
 * `/proc`, hence on Linux only. What is left out is said.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchBombs } from "./bombs.ts";
import { makeCheckpoint } from "./checkpoint.ts";
import { makeDictionaries } from "./dictionaries.ts";
import { makeGguf, makeSafetensors } from "./headers.ts";
import { makeOnnxModel } from "./onnx_model.ts";
import { makeSavedModel } from "./saved_model.ts";
import { measureExecutable } from "./start.ts";
import { median, type Row, table } from "./table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, ".cache", "bench");
const LAUNCHER = join(ROOT, "scripts", "modelaudit");
/** Storages of 4 MiB each. */
const STORAGES = 512;
/** Between looks at a process's peak memory, which the kernel only ever raises. */
const POLL_MS = 5;

interface Run {
  readonly seconds: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes; undefined where the system does not say. */
  readonly peak: number | undefined;
}

/** Runs a program to its end; `watch` asks for its output and its peak memory. */
function run(command: string, args: readonly string[], watch = false): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, {
      cwd: CACHE,
      stdio: ["ignore", watch ? "pipe" : "ignore", "pipe"],
    });
    const out: Uint8Array[] = [];
    const errors: Uint8Array[] = [];
    let peak: number | undefined;
    const look = () => peak = peakOf(child.pid) ?? peak;
    const timer = watch ? setInterval(look, POLL_MS) : undefined;
    child.stdout?.on("data", (chunk: Uint8Array) => out.push(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => errors.push(chunk));
    child.on("error", reject);
    let seconds = 0;
    child.on("exit", () => seconds = (performance.now() - start) / 1000);
    child.on("close", (code) => {
      clearInterval(timer);
      const text = (chunks: Uint8Array[]) =>
        chunks.map((one) => new TextDecoder().decode(one)).join("");
      resolve({ seconds, code, stdout: text(out), stderr: text(errors), peak });
    });
  });
}

/** The kernel's own high-water mark of a running process. */
function peakOf(pid: number | undefined): number | undefined {
  if (pid === undefined || platform() !== "linux") return undefined;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** Runs each program once per round, one after the other, so that all meet the same weather. */
async function inTurns(
  rounds: number,
  programs: readonly (readonly [string, readonly string[]])[],
): Promise<number[]> {
  const times: number[][] = programs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [command, args]] of programs.entries()) {
      times[index]?.push((await run(command, args)).seconds);
    }
  }
  return times.map(median);
}

/** The file's own name says what is in it, so that another size is another file. */
function cached(name: string, make: (path: string) => void): string {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, name);
  if (!existsSync(path)) make(path);
  return path;
}

/** Scans once while being watched. */
async function scanOnce(path: string): Promise<Run & { bytesRead: number | undefined }> {
  const args = ["scan", "--format", "json", path];
  const result = await run(LAUNCHER, args, true);
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

function findPython(): string | undefined {
  const name = process.env.PYTHON ?? "python3";
  const asked = spawnSync(
    name,
    ["-c", "import sys; print(sys.version.split()[0], sys.executable)"],
    {
      encoding: "utf8",
    },
  );
  // The executable itself: a shim in front of it would be measured too.
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

async function benchStart(rounds: number): Promise<Row[]> {
  const [seconds = NaN] = await inTurns(rounds, [[LAUNCHER, ["version"]]]);
  return [{ what: "`version`, whole process", value: seconds, unit: "s", limit: 0.15 }];
}

async function benchPickle(
  rounds: number,
  records: number,
  python: string | undefined,
): Promise<Row[]> {
  const path = cached(`dictionaries-${records}.pkl`, (to) => makeDictionaries(to, records));
  const watched = await scanOnce(path);
  const size = (statSync(path).size / 1e6).toFixed(1);
  const name = `${records.toLocaleString("en")} nested dictionaries (${size} MB)`;
  const scan = [LAUNCHER, ["scan", "--format", "json", path]] as const;
  const rows: Row[] = [];
  if (python === undefined) {
    console.error(
      "bench: no Python found (set PYTHON): the comparison with pickle.load is left out",
    );
    const [seconds = NaN] = await inTurns(rounds, [scan]);
    rows.push({ what: `${name}: scan`, value: seconds, unit: "s" });
  } else {
    const executable = python.slice(python.indexOf(" ") + 1);
    const code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))";
    const [load = NaN, seconds = NaN] = await inTurns(rounds, [
      [executable, ["-c", code, path]],
      scan,
    ]);
    rows.push(
      { what: `${name}: \`pickle.load\``, value: load, unit: "s" },
      { what: `${name}: scan`, value: seconds, unit: "s" },
      { what: "scan is faster by", value: load / seconds, unit: "times", least: 4 },
    );
  }
  rows.push(memoryRow("scan's peak memory", watched.peak));
  return rows;
}

async function benchCheckpoint(rounds: number): Promise<Row[]> {
  const path = cached(`checkpoint-${STORAGES}.pt`, (to) => makeCheckpoint(to, STORAGES));
  const watched = await scanOnce(path);
  const [seconds = NaN] = await inTurns(rounds, [[LAUNCHER, ["scan", "--format", "json", path]]]);
  const size = (statSync(path).size / 1e9).toFixed(1);
  return [
    { what: `checkpoint of ${size} GB: scan`, value: seconds, unit: "s", limit: 0.3 },
    { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
    memoryRow("scan's peak memory", watched.peak),
  ];
}

/** One dense tensor and a thousand nodes: a graph costs what its nodes cost. */
async function benchOnnx(rounds: number): Promise<Row[]> {
  const path = cached("dense-1.onnx", (to) => makeOnnxModel(to, 2 ** 30, 1000));
  const watched = await scanOnce(path);
  const [seconds = NaN] = await inTurns(rounds, [[LAUNCHER, ["scan", "--format", "json", path]]]);
  return [
    { what: "ONNX model of 1 GB: scan", value: seconds, unit: "s", limit: 0.5 },
    { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
    memoryRow("scan's peak memory", watched.peak, 200),
  ];
}

async function benchSavedModel(rounds: number): Promise<Row[]> {
  const path = cached("dense-1.pb", (to) => makeSavedModel(to, 2 ** 30, 1000));
  const watched = await scanOnce(path);
  const [seconds = NaN] = await inTurns(rounds, [[LAUNCHER, ["scan", "--format", "json", path]]]);
  return [
    { what: "SavedModel of 1 GB: scan", value: seconds, unit: "s", limit: 0.5 },
    { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
    memoryRow("scan's peak memory", watched.peak, 200),
  ];
}

/** Files that are all tensors: the header is what they cost. */
async function benchHeaders(rounds: number): Promise<Row[]> {
  const size = 100 * 2 ** 30;
  const rows: Row[] = [];
  const files = [["safetensors", makeSafetensors], ["gguf", makeGguf]] as const;
  for (const [kind, make] of files) {
    const path = cached(`tensors-100.${kind}`, (to) => make(to, size));
    const watched = await scanOnce(path);
    const [seconds = NaN] = await inTurns(rounds, [[LAUNCHER, ["scan", "--format", "json", path]]]);
    rows.push(
      { what: `${kind} of 100 GB: scan`, value: seconds, unit: "s", limit: 0.2 },
      { what: "bytes read of it", value: watched.bytesRead, unit: "bytes", limit: 1e6 },
      memoryRow("scan's peak memory", watched.peak, 200),
    );
  }
  return rows;
}

function memoryRow(what: string, peak: number | undefined, limit = 300): Row {
  if (peak === undefined) console.error(`bench: ${what} is left out: only Linux tells it`);
  return { what, value: peak === undefined ? undefined : peak / 1e6, unit: "MB", limit };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      records: { type: "string", default: "1000000" },
      only: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const python = findPython();
  const benches: Record<string, () => Promise<Row[]>> = {
    start: () => benchStart(Math.max(rounds, 10)),
    executable: () => measureExecutable((commands) => inTurns(Math.max(rounds, 10), commands)),
    pickle: () => benchPickle(rounds, Number(values.records), python),
    checkpoint: () => benchCheckpoint(rounds),
    onnx: () => benchOnnx(rounds),
    savedmodel: () => benchSavedModel(rounds),
    headers: () => benchHeaders(rounds),
    bombs: () => benchBombs(),
  };
  if (values.only !== undefined && !Object.hasOwn(benches, values.only)) {
    throw new RangeError(
      `Cannot run "${values.only}": there are ${Object.keys(benches).join(", ")}`,
    );
  }
  mkdirSync(CACHE, { recursive: true });
  // The first run fills caches of code; it is nobody's measurement.
  await run(LAUNCHER, ["version"]);
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (values.only === undefined || values.only === name) rows.push(...await bench());
  }
  const text = table(rows);
  console.log(text);
  if (values.write) {
    mkdirSync(join(ROOT, "docs"), { recursive: true });
    writeFileSync(join(ROOT, "docs", "benchmarks.md"), page(text, rounds, python));
  }
}

/** docs/benchmarks.md: the table and where it was measured. */
function page(text: string, rounds: number, python: string | undefined): string {
  const deno = process.versions.deno ?? "unknown";
  const machine = `${cpus().length} cores (${
    cpus()[0]?.model.trim() ?? "unknown"
  }), ${platform()} ${arch()}`;
  return [
    "# Benchmarks",
    "",
    'Written by `make bench BENCH="--write"`. Whole processes, started from the shell, in turns;',
    `medians of ${rounds} rounds. Measured ${new Date().toISOString().slice(0, 10)} on ${machine},`,
    `Deno ${deno}, Python ${python?.split(" ")[0] ?? "none"}.`,
    "",
    text,
    "",
    "The pickle is byte for byte what CPython's pickler writes (protocol 4, 31 opcodes a record); the",
    "checkpoint is laid out as `torch.save` does it, with 512 storages of zeros in a sparse file.",
    "",
  ].join("\n");
}

if (import.meta.main) await main();
