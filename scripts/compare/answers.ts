/**
 * Runs a program on the samples of a family: in one process where it reports each file separately,
 * otherwise in one process a sample.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import {
  type Answer,
  answerOfOurs,
  isAlarm,
  listOf,
  objectIn,
  type Program,
} from "../bench/programs.ts";
import { run } from "../bench/process.ts";
import { type Family, type Sample, WORK } from "./families.ts";

/** Seconds that one sample may take, and a family. */
const SAMPLE_SECONDS = 120;
const FAMILY_SECONDS = 900;
/** Bytes that a process may take. */
const MEMORY_LIMIT = 6 * 2 ** 30;
/** Paths given to one process. */
const PATHS_AT_ONCE = 200;

/** A report in JSON as its parts. */
type Report = Readonly<Record<string, unknown>>;

/** The result of each sample in a report; none for those that it does not mention. */
type Split = (report: Report, family: Family) => Map<string, Answer>;

/** By the beginning of a program's name. */
const SPLITS: Readonly<Record<string, { split: Split; folder: boolean }>> = {
  "modelaudit (Python)": { split: splitPythonModelaudit, folder: false },
  modelscan: { split: splitModelscan, folder: true },
  modelaudit: { split: splitOurs, folder: false },
};

/**
 * The answer of a program for each sample of a family.
 *
 * @param jobs processes at a time, where there is one a sample
 */
export async function answersOf(
  program: Program,
  family: Family,
  jobs: number,
): Promise<ReadonlyMap<Sample, Answer>> {
  const answers = await inOneGo(program, family);
  const left = family.samples.filter((sample) => !answers.has(sample));
  const next = left.values();
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (const sample of next) answers.set(sample, await askOnce(program, sample));
  }));
  // In the family's order, not in that of completion.
  return new Map(
    family.samples.map((sample) => [sample, answers.get(sample) ?? { kind: "failed", note: "" }]),
  );
}

async function inOneGo(program: Program, family: Family): Promise<Map<Sample, Answer>> {
  const answers = new Map<Sample, Answer>();
  const way = Object.entries(SPLITS).find(([start]) => program.name.startsWith(start))?.[1];
  if (way === undefined) return answers;
  const { samples, folder } = family;
  for (let at = 0; at < samples.length; at += PATHS_AT_ONCE) {
    const some = way.folder ? samples : samples.slice(at, at + PATHS_AT_ONCE);
    const paths = way.folder ? [folder] : some.map(({ path }) => path);
    const [command, args] = program.scan(...paths);
    const done = await run(command, args, optionsOf(program, FAMILY_SECONDS));
    const report = done.over === undefined ? objectIn(done.stdout) : undefined;
    if (report === undefined) continue; // Each sample is asked about by itself, then.
    const found = way.split(report, { ...family, samples: some });
    for (const sample of some) {
      const answer = found.get(sample.path);
      if (answer !== undefined) answers.set(sample, answer);
    }
    if (way.folder) break;
  }
  return answers;
}

async function askOnce(program: Program, { path }: Sample): Promise<Answer> {
  const [command, args] = program.scan(path);
  const done = await run(command, args, optionsOf(program, SAMPLE_SECONDS));
  if (done.over === undefined) return program.answer(done);
  const limit = done.over === "time" ? `over ${SAMPLE_SECONDS} s` : "too much memory";
  return { kind: "failed", note: limit };
}

/** Peers look for settings in their working directory: there are none. */
function optionsOf({ environment }: Program, timeLimit: number) {
  const cwd = join(WORK, "empty");
  mkdirSync(cwd, { recursive: true });
  return { cwd, environment, timeLimit, memoryLimit: MEMORY_LIMIT, watch: true };
}

/** True when a place in a report lies in a sample: the file itself, a member, a file of the folder. */
export function isInside(location: string, path: string): boolean {
  return location === path ||
    /^[:/\\ ]/.test(location.slice(path.length)) && location.startsWith(path);
}

/** This program: an issue at or above medium, else the worst verdict of the sample's files. */
export function splitOurs(report: Report, { samples }: Family): Map<string, Answer> {
  const issues = listOf(report["issues"]);
  const assets = listOf(report["assets"]);
  const answers = new Map<string, Answer>();
  for (const { path } of samples) {
    const own = assets.filter((one) => isInside(String(one["path"]), path));
    if (own.length === 0) continue;
    const reported = issues.filter((one) => isInside(String(one["path"]), path));
    const grave = reported.filter((one) => Number(one["severity_score"]) >= 5);
    const verdicts = own.map((one) => one["verdict"]);
    const code = grave.length > 0 ? 1 : verdicts.includes("incomplete") ? 2 : 0;
    const part = JSON.stringify({ issues: grave });
    const answer = answerOfOurs({ ...NO_RUN, code, stdout: part });
    const skipped = verdicts.every((one) => one === "skipped");
    answers.set(path, skipped ? { kind: "unread", note: "skipped" } : answer);
  }
  return answers;
}

const NO_RUN = { seconds: 0, stderr: "", peak: undefined, read: undefined, over: undefined };

/** modelscan: places in its report are relative to the folder. */
export function splitModelscan(report: Report, { samples, folder }: Family): Map<string, Answer> {
  const summary = isRecord(report["summary"]) ? report["summary"] : {};
  const scanned = isRecord(summary["scanned"]) ? summary["scanned"]["scanned_files"] : [];
  const files = Array.isArray(scanned) ? scanned.map(String) : [];
  const issues = listOf(report["issues"]);
  const errors = listOf(report["errors"]);
  const answers = new Map<string, Answer>();
  for (const { path } of samples) {
    const own = relative(folder, path);
    const here = (one: Report) => isInside(String(one["source"]), own);
    const issue = issues.find(here);
    const error = errors.find(here);
    if (issue !== undefined) {
      answers.set(path, { kind: "flagged", note: String(issue["description"]) });
    } else if (error !== undefined) {
      answers.set(path, { kind: "unread", note: String(error["description"]) });
    } else if (files.some((file) => isInside(file, own))) {
      answers.set(path, { kind: "clean", note: "" });
    } else answers.set(path, { kind: "unread", note: "not supported" });
  }
  return answers;
}

/** The Python modelaudit: a warning or worse, otherwise whether it reports to have read all of the file. */
export function splitPythonModelaudit(report: Report, { samples }: Family): Map<string, Answer> {
  const issues = listOf(report["issues"]).filter(isAlarm);
  const assets = listOf(report["assets"]);
  const about = isRecord(report["file_metadata"]) ? report["file_metadata"] : {};
  const answers = new Map<string, Answer>();
  for (const { path } of samples) {
    const issue = issues.find((one) => isInside(String(one["location"]), path));
    const types = assets.filter((one) => isInside(String(one["path"]), path)).map((one) =>
      one["type"]
    );
    const incomplete = Object.entries(about).some(([file, facts]) =>
      isInside(file, path) && isRecord(facts) && facts["analysis_incomplete"] === true
    );
    if (issue !== undefined) answers.set(path, { kind: "flagged", note: String(issue["message"]) });
    else if (incomplete) answers.set(path, { kind: "unread", note: "incomplete" });
    else if (types.every((type) => type === "unknown")) {
      answers.set(path, { kind: "unread", note: "unknown" });
    } else answers.set(path, { kind: "clean", note: "" });
  }
  return answers;
}

function isRecord(value: unknown): value is Report {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
