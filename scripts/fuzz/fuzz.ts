/**
 * Scans generated and mutated files, and reports violations of the oracles.
 *
 *     make fuzz MINUTES=10                          all families in turns, from a seed of its own
 *     make fuzz MINUTES=10 SEED=7 FORMAT=pickle     one family, from a given seed
 *     scripts/fuzz/fuzz --seed 7 --case 123 --format pickle --save x.pkl    one case again
 *     scripts/fuzz/fuzz --worst 4                   the files that cost most, 4 MB each
 *
 * Cases are numbered from 0; family, seed and number together give the same bytes everywhere. A
 * finding is made smaller and written, with what was found, to `.cache/fuzz/`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAMILIES, makeCase } from "./families.ts";
import { minimise } from "./minimise.ts";
import { pythonAvailable } from "./python.ts";
import { Runner } from "./runner.ts";
import { WORST } from "./worst.ts";

const CACHE = fileURLToPath(new URL("../../.cache/fuzz", import.meta.url));
/** Cases of one family before the next has its turn. */
const TURN = 50;
/** Findings of one kind in one family that are made smaller and kept. */
const KEPT = 5;

interface Tally {
  cases: number;
  compared: number;
  findings: number;
  slowest: number;
  readonly verdicts: Record<string, number>;
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    case: { type: "string" },
    format: { type: "string" },
    minutes: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    save: { type: "string" },
    worst: { type: "string" },
    "no-python": { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const chosen = FAMILIES.filter(({ id }) => values.format === undefined || id === values.format);
if (chosen.length === 0 && values.worst === undefined) {
  console.error(
    `Unknown format "${values.format}": one of ${FAMILIES.map(({ id }) => id).join(" ")}`,
  );
  process.exit(2);
}
const python = !values["no-python"] && pythonAvailable();
if (!python) console.log("Python 3 not found: comparisons with Python's own readers are skipped.");
const runner = new Runner(python);
/** Set by SIGINT: the current case is the last, and the summary is printed. */
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted = true);
try {
  if (values.worst !== undefined) process.exitCode = worst(values.worst);
  else process.exitCode = values.case === undefined ? await long() : await one(Number(values.case));
} finally {
  runner.stop();
}

/** The files that cost most, each in a process of its own. */
function worst(megabytes: string): number {
  const script = fileURLToPath(new URL("worst.ts", import.meta.url));
  const names = WORST.filter((name) => name.includes(values.format ?? ""));
  for (const name of names) {
    if (interrupted) return 130;
    const options = ["--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only"];
    spawnSync(process.execPath, ["run", ...options, "--allow-all", script, name, megabytes], {
      stdio: "inherit",
    });
  }
  return 0;
}

/** One case again. */
async function one(number: number): Promise<number> {
  const family = chosen[0]?.id ?? "";
  const made = makeCase(family, seed, number);
  if (values.save !== undefined) writeFileSync(values.save, made.bytes);
  const answer = await runner.run({ family, seed, number });
  console.log(`${made.name}, ${made.bytes.length} bytes, from ${made.origin}: ${answer.verdict}`);
  for (const { kind, detail } of answer.findings) console.log(`${kind}: ${detail}`);
  return answer.findings.length === 0 ? 0 : 1;
}

/** All families in turns until time is up. */
async function long(): Promise<number> {
  const until = performance.now() + Number(values.minutes) * 60_000;
  const tallies = new Map<string, Tally>();
  const kept = new Map<string, number>();
  console.log(`seed ${seed}, ${values.minutes} minutes`);
  const goesOn = (): boolean => !interrupted && performance.now() < until;
  for (let from = Number(values.from); goesOn(); from += TURN) {
    for (const { id } of chosen) {
      const tally = tallies.get(id) ??
        { cases: 0, compared: 0, findings: 0, slowest: 0, verdicts: {} };
      tallies.set(id, tally);
      for (let number = from; number < from + TURN && goesOn(); number++) {
        await step(id, number, tally, kept);
      }
    }
  }
  let findings = 0;
  for (const [id, tally] of tallies) {
    findings += tally.findings;
    const verdicts = Object.entries(tally.verdicts).map(([name, count]) => `${name} ${count}`);
    console.log(
      `${id}: ${tally.cases} cases, ${tally.compared} compared with Python, ${tally.findings} findings, ` +
        `slowest ${Math.round(tally.slowest)} ms; ${verdicts.sort().join(", ")}`,
    );
  }
  runner.stop();
  const minutes = (runner.seconds / 60).toFixed(1);
  console.log(
    `${minutes} minutes of processor time, peak ${runner.peak >> 20} MiB; ${findings} findings`,
  );
  return findings === 0 ? 0 : 1;
}

async function step(
  family: string,
  number: number,
  tally: Tally,
  kept: Map<string, number>,
): Promise<void> {
  const answer = await runner.run({ family, seed, number });
  tally.cases++;
  tally.compared += answer.compared ? 1 : 0;
  tally.slowest = Math.max(tally.slowest, answer.milliseconds);
  tally.verdicts[answer.verdict] = (tally.verdicts[answer.verdict] ?? 0) + 1;
  for (const { kind, detail } of answer.findings) {
    tally.findings++;
    const key = `${family} ${kind} ${detail.replace(/[\d'"(].*/u, "")}`;
    const times = (kept.get(key) ?? 0) + 1;
    kept.set(key, times);
    if (times > KEPT) continue;
    console.log(`${family} ${number} (${answer.origin}): ${kind}: ${detail}`);
    const made = makeCase(family, seed, number);
    // A minimised file need not have the planted payload.
    const smaller = kind === "planted" ? made.bytes : await minimise(made, kind, runner);
    const file = `${family}-${seed}-${number}-${kind}`;
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(join(CACHE, `${file}.bin`), smaller);
    writeFileSync(
      join(CACHE, `${file}.json`),
      JSON.stringify({
        family,
        seed,
        number,
        name: made.name,
        origin: made.origin,
        kind,
        detail,
        bytes: Buffer.from(smaller.subarray(0, 2000)).toString("base64"),
      }),
    );
    console.log(
      `  ${made.bytes.length} bytes, minimised to ${smaller.length}: .cache/fuzz/${file}.bin`,
    );
  }
}
