/**
 * Writes docs/benchmarks.md.
 *
 * @module
 */

import { arch, cpus, platform, totalmem } from "node:os";
import process from "node:process";
import type { Setting } from "./benches.ts";
import {
  type Comparisons,
  comparisonTable,
  MEMORY_LIMIT,
  ONCE_SECONDS,
  TIME_LIMIT,
} from "./side_by_side.ts";
import { type Row, table } from "./table.ts";

/** What the page is written of. */
interface Measured extends Comparisons {
  readonly machine: string;
  readonly setting: Setting;
  readonly rows: readonly Row[];
  /** When not everything was measured: what was. */
  readonly only: string | undefined;
}

/** Cores, memory and system of this machine. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model}), ${memory} GiB, ${platform()} ${arch()}`;
}

/** docs/benchmarks.md: the tables, where they were measured and how to read them. */
export function page(measured: Measured): string {
  const { setting, rows, comparisons } = measured;
  const deno = process.versions.deno ?? "unknown";
  const only = measured.only === undefined ? "" : ` --only ${measured.only}`;
  return [
    "# Benchmarks",
    "",
    `Written by \`make bench BENCH="--rounds ${setting.rounds}${only} --write"\`, which builds its inputs from`,
    "seeds. Whole processes, in turns; medians of all rounds.",
    `Measured ${new Date().toISOString().slice(0, 10)} on ${measured.machine}, Deno ${deno},`,
    `Python ${setting.python?.version ?? "none"}.`,
    "",
    ...(rows.length === 0 ? [] : ["## What must hold", "", table(rows), "", INPUT_NOTES]),
    ...(comparisons.length === 0 ? [NO_COMPARISON] : otherScanners(measured)),
  ].join("\n");
}

function otherScanners({ comparisons, versions, left }: Measured): string[] {
  return [
    "## Beside other scanners",
    "",
    `In one run, in turns: ${versions.join(", ")}.`,
    "",
    HOW_TO_READ,
    ...(left.length === 0 ? [] : ["Left out:", "", ...left.map((one) => `- ${one}`), ""]),
    ...comparisons.flatMap((one) => [`### ${one.title}`, "", comparisonTable(one), ""]),
  ];
}

const NO_COMPARISON = "Other scanners were not measured.\n";

const INPUT_NOTES = `\
The pickle is byte for byte what CPython's pickler writes (protocol 4, 31 opcodes a record); the
checkpoint is laid out as \`torch.save\` does it, with 512 storages of zeros in a sparse file.
`;

const HOW_TO_READ = `\
- All inputs are harmless. "says" is what a program concluded: what it does not read costs it
  nothing, so look there before comparing times. "clean" after reading less than another is no lie:
  tensors cannot run.
- "to ours" is the time divided by this program's under Deno; below 1 the other is faster.
- A process may take ${TIME_LIMIT} s and ${
  MEMORY_LIMIT / 2 ** 30
} GiB. Who takes longer than ${ONCE_SECONDS} s is run once.
- "peak memory" adds up the high-water marks of a process and its children; "read" is the kernel's
  count of bytes that reads returned, the program's own files included, and leaves out what is
  mapped into memory. Both are looked at every few milliseconds, so that the very end may be missed.
- Others run with telemetry and network off and without caches of results; modelscan has TensorFlow
  where a SavedModel needs it, and only there, for it would slow down its start.
`;
