/**
 * Scans the same inputs by this program and by others, process for process, in turns.
 *
 * @module
 */

import { join } from "node:path";
import { type Command, loadCommand, type Setting } from "./benches.ts";
import { type Input, input, INPUTS, NotMade, ROOT, sizeOf, usePython } from "./inputs.ts";
import { type Environment, install } from "./peers.ts";
import { type Run, run } from "./process.ts";
import {
  type Answer,
  fickling,
  modelscan,
  oursUnderBun,
  oursUnderDeno,
  picklescan,
  type Program,
  pythonModelaudit,
} from "./programs.ts";
import { markdown, median } from "./table.ts";
import { TOOL_VERSION } from "../../src/core/version.ts";

/** Seconds that a process may take. */
export const TIME_LIMIT = 60;
/** Bytes of memory that a process and its children may take. */
export const MEMORY_LIMIT = 6 * 2 ** 30;
/** Seconds beyond which the first, otherwise uncounted run is the figure. */
export const ONCE_SECONDS = 20;

/** What one program did with one input. */
interface Side {
  readonly program: string;
  /** The median in seconds; undefined when it was killed. */
  readonly seconds: number | undefined;
  /** How many runs that is the median of. */
  readonly runs: number;
  /** Bytes; the highest of all runs. */
  readonly peak: number | undefined;
  readonly read: number | undefined;
  /** Its verdict, or which limit ended it. */
  readonly outcome: string;
}

/** One input, all programs. The first side is what the others' ratios are to. */
interface Comparison {
  readonly title: string;
  readonly sides: readonly Side[];
}

/** The programs and inputs of one comparison. */
interface Entrant {
  readonly name: string;
  readonly command: Command;
  readonly environment: Program["environment"];
  readonly answer: (run: Run) => Answer | undefined;
}

/** Records what is skipped, and why. */
type Leave = (what: string, reason: string) => void;

/** What `--only` may name here. */
export function comparisonNames(): readonly string[] {
  return [
    "start",
    ...INPUTS.filter(({ alone }) => !alone).flatMap(({ bench, name }) => [bench, name]),
  ];
}

/** All comparisons of a run. */
export interface Comparisons {
  readonly comparisons: readonly Comparison[];
  /** Programs with their versions. */
  readonly versions: readonly string[];
  /** What was skipped, and why. */
  readonly left: readonly string[];
}

/**
 * Runs all comparisons, or those of one bench or input. What is unavailable is reported on standard error.
 *
 * @param done is called with each as it is finished
 */
export async function sideBySide(
  setting: Setting,
  only: string | undefined,
  done: (comparison: Comparison) => void,
): Promise<Comparisons> {
  const left: string[] = [];
  const leave = (what: string, reason: string) => {
    left.push(`${what}: ${reason}`);
    console.error(`bench: skipped ${what}: ${reason}`);
  };
  const had = (requirements: string, what: string): Environment | undefined => {
    const installation = install(setting.python, requirements);
    if (!("missing" in installation)) return installation;
    leave(what, installation.missing);
    return undefined;
  };
  const environment = had("peers", "other scanners");
  if (environment !== undefined) usePython(environment.python);
  const programs = allPrograms(environment, leave);
  const withTensorflow = had("peers-tensorflow", "modelscan with TensorFlow");
  const all: Comparison[] = [];
  const keep = (comparison: Comparison) => {
    all.push(comparison);
    done(comparison);
  };
  const isSelected = (...names: string[]) => only === undefined || names.includes(only);
  if (isSelected("start")) {
    const entrants = programs.map((program) => entrant(program, program.start));
    keep(await compare("Start: version or help", entrants, setting.rounds));
  }
  for (const one of INPUTS) {
    if (one.alone || !isSelected(one.bench, one.name)) continue;
    const path = await made(one, leave);
    if (path === undefined) continue;
    const entrants = programs.map((program) =>
      one.bench === "savedmodel" && program.name === "modelscan" && withTensorflow !== undefined
        ? modelscan(withTensorflow, "modelscan with TensorFlow")
        : program
    ).map((program) => entrant(program, program.scan(path), program.answer));
    const loading = loader(one, path, setting, environment);
    if (loading !== undefined) entrants.push(loading);
    const title = `${one.title}, ${megabytes(sizeOf(path))}`;
    keep(await compare(title, entrants, setting.rounds));
  }
  const versions = programs.map(({ name, version }) => `${name} ${version}`);
  return { comparisons: all, versions, left };
}

/** This program under both runtimes, and the others where they could be installed. */
function allPrograms(environment: Environment | undefined, leave: Leave): Program[] {
  const programs = [oursUnderDeno(TOOL_VERSION)];
  try {
    programs.push(oursUnderBun(TOOL_VERSION));
  } catch (error) {
    leave("the executable by Bun", error instanceof Error ? error.message : String(error));
  }
  if (environment !== undefined) {
    for (const peer of [picklescan, modelscan, fickling, pythonModelaudit]) {
      programs.push(peer(environment));
    }
  }
  return programs;
}

function entrant(program: Program, command: Command, answer?: Program["answer"]): Entrant {
  const { name, environment } = program;
  return { name, command, environment, answer: answer ?? (() => undefined) };
}

/** `pickle.load`, the loader itself. */
function loader(
  { loads }: Input,
  path: string,
  { python }: Setting,
  environment: Environment | undefined,
): Entrant | undefined {
  if (loads === undefined || python === undefined) return undefined;
  const executable = loads === "plain" ? python.executable : environment?.python;
  if (executable === undefined) return undefined;
  return {
    name: "pickle.load (no scanner)",
    command: loadCommand({ ...python, executable }, path),
    environment: {},
    answer: () => undefined,
  };
}

async function made(one: Input, leave: Leave): Promise<string | undefined> {
  try {
    return await input(one.name);
  } catch (error) {
    if (!(error instanceof NotMade)) throw error;
    leave(one.title, error.message);
    return undefined;
  }
}

async function compare(
  title: string,
  entrants: readonly Entrant[],
  rounds: number,
): Promise<Comparison> {
  const runs: Run[][] = [];
  for (const one of entrants) runs.push([await once(one)]);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of entrants.entries()) {
      const [first] = runs[index] ?? [];
      if (first === undefined || first.seconds > ONCE_SECONDS) continue;
      runs[index]?.push(await once(one));
    }
  }
  return { title, sides: entrants.map((one, index) => sideOf(one, runs[index] ?? [])) };
}

function once({ command: [program, args], environment }: Entrant): Promise<Run> {
  return run(program, args, {
    cwd: join(ROOT, ".cache"),
    environment,
    watch: true,
    timeLimit: TIME_LIMIT,
    memoryLimit: MEMORY_LIMIT,
  });
}

/** The first of several runs is not counted: it warms caches. */
function sideOf({ name, answer }: Entrant, runs: readonly Run[]): Side {
  const counted = runs.length > 1 ? runs.slice(1) : runs;
  const last = runs.at(-1);
  const over = runs.find((one) => one.over !== undefined)?.over;
  return {
    program: name,
    seconds: over === undefined ? median(counted.map((one) => one.seconds)) : undefined,
    runs: counted.length,
    peak: highest(runs.map((one) => one.peak)),
    read: highest(runs.map((one) => one.read)),
    outcome: over === undefined && last !== undefined ? wordsOf(answer(last), last) : limitOf(over),
  };
}

function limitOf(over: Run["over"]): string {
  return over === "memory" ? `over ${MEMORY_LIMIT / 2 ** 30} GiB` : `over ${TIME_LIMIT} s`;
}

function wordsOf(answer: Answer | undefined, { code, stderr }: Run): string {
  if (answer === undefined) return code === 0 ? "" : `exit code ${code}: ${stderr.slice(-80)}`;
  const { kind, note } = answer;
  if (kind === "clean") return "clean";
  if (kind === "flagged") return note === "" ? "false alarm" : `false alarm: ${note}`;
  return `${kind === "unread" ? "not read" : "failed"}: ${note}`;
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** All sides as a Markdown table, with ratios to the first. */
export function comparisonTable({ sides }: Comparison): string {
  const [reference] = sides;
  return markdown(
    ["", "time", "to ours", "peak memory", "read", "says"],
    sides.map((side) => [
      side.program,
      timeOf(side),
      side === reference ? "1" : ratioOf(side.seconds, reference?.seconds),
      side.peak === undefined ? "not measured" : megabytes(side.peak),
      side.read === undefined ? "not measured" : megabytes(side.read),
      side.outcome,
    ]),
  );
}

function timeOf({ seconds, runs, outcome }: Side): string {
  if (seconds === undefined) return outcome;
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s${runs === 1 ? ", once" : ""}`;
}

function ratioOf(seconds: number | undefined, reference: number | undefined): string {
  if (seconds === undefined || reference === undefined) return "";
  const ratio = seconds / reference;
  return ratio.toFixed(ratio < 10 ? 1 : 0);
}

/** Bytes in MB, or in GB from there on. */
export function megabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
