/**
 * The values that options take, and the options that set limits.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";
import type { FailOn, Limits } from "../core/types.ts";
import { DEFAULT_LIMITS, LIMIT_FLAGS } from "../core/limits.ts";
import { didYouMean } from "../core/nearest.ts";
import { formatBytes, formatNumber } from "../core/numbers.ts";

/** Report formats of `scan`. */
export const REPORT_FORMATS = [
  "text",
  "json",
  "ndjson",
  "sarif",
  "junit",
  "markdown",
  "html",
  "cyclonedx",
] as const;
export type ReportFormat = typeof REPORT_FORMATS[number];

/** One `--output`. */
export interface OutputChoice {
  readonly format: ReportFormat;
  readonly file: string;
}

/** Severities that a scan can fail on. */
export const FAIL_ON = ["critical", "high", "medium", "low", "info", "never"] as const;

/** Factors behind numbers: decimal as disks count, binary as memory does. */
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const COUNT_UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

const TIME_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  s: 1,
  ms: 0.001,
  m: 60,
  min: 60,
  h: 3600,
};

/** Threads that may be asked for. `auto` takes 4 at most. CWE-770. */
const MOST_JOBS = 64;

/** Tasks at a time. CWE-770. */
const MOST_TASKS = 1024;

/** An option that sets a limit. */
interface LimitOption {
  readonly flags: string;
  readonly limit: keyof Limits;
  readonly parse: (text: string) => number;
  readonly description: string;
}

/** One option a limit. The defaults are in `src/core/limits.ts`. */
export const LIMIT_OPTIONS: readonly LimitOption[] = [
  limit("<n>", "depth", parseCount, "containers in containers"),
  limit("<n>", "members", parseCount, "members of one archive"),
  limit("<size>", "expandedBytes", parseSize, "bytes decompressed for one file"),
  limit("<size>", "spoolBytes", parseSize, "bytes of one member kept in memory"),
  limit("<n>", "ratio", parseCount, "expanded over compressed size of a member"),
  limit("<seconds>", "milliseconds", parseMilliseconds, "time for one file"),
  limit("<n>", "opcodes", parseCount, "pickle opcodes of one file"),
  limit("<n>", "values", parseCount, "memo, stack and container items kept"),
  limit("<size>", "resyncBytes", parseSize, "bytes searched behind a corrupt stream"),
  limit("<n>", "issues", parseCount, "issues of one file"),
];

function limit(
  value: string,
  name: keyof Limits,
  parse: (text: string) => number,
  description: string,
): LimitOption {
  const usual = DEFAULT_LIMITS[name];
  const shown = usual === undefined
    ? "none"
    : value === "<size>"
    ? formatBytes(usual)
    : formatNumber(usual);
  return {
    flags: `${LIMIT_FLAGS[name]} ${value}`,
    limit: name,
    parse,
    description: `${description}; ${shown} unless given`,
  };
}

/**
 * A port of TCP: 0 to 65535.
 *
 * @throws ConfigError when it is none
 */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Infinity;
  if (port <= 65_535) return port;
  throw new ConfigError("--port", `"${text}" is no port: expected a number from 0 to 65535`);
}

/**
 * Bytes: `4096`, `64k`, `2GB`, `1.5GiB`.
 *
 * @throws ConfigError when it is no size
 */
export function parseSize(text: string): number {
  return Math.floor(parseNumber(text, SIZE_UNITS, "a size such as 500MB, 2GB or 1.5GiB"));
}

/** Bytes that a thread takes before it has a task, and some. */
const THREAD_BYTES = 64e6;

/**
 * Memory of a thread: a size, large enough for one to start.
 *
 * @throws ConfigError when it is no such size
 */
export function parseMemory(text: string): number {
  const bytes = parseSize(text);
  if (bytes < THREAD_BYTES) {
    throw new ConfigError(text, `"${text}" is less than the 64MB that a thread needs to start`);
  }
  return bytes;
}

/**
 * A count: `8`, `200_000`, `2M`.
 *
 * @throws ConfigError when it is no count
 */
export function parseCount(text: string): number {
  return Math.floor(parseNumber(text, COUNT_UNITS, "a number such as 8, 200000 or 2M"));
}

/**
 * Seconds: `30`, `0.5`, `2min`.
 *
 * @throws ConfigError when it is no duration above zero
 */
export function parseSeconds(text: string): number {
  const seconds = parseNumber(text, TIME_UNITS, "a time such as 30, 0.5s or 2min");
  if (seconds <= 0) throw new ConfigError(text, `"${text}" is no time above zero`);
  return seconds;
}

/**
 * Threads that scan at a time: `4`, or `auto` and `0` for what suits the machine, which is undefined.
 *
 * @throws ConfigError when it is no such number
 */
export function parseJobs(text: string): number | undefined {
  if (text.toLowerCase() === "auto") return undefined;
  const jobs = parseNumber(text, { "": 1 }, "auto or a number of threads such as 4");
  if (!Number.isInteger(jobs) || jobs > MOST_JOBS) {
    throw new ConfigError(text, `"${text}" is not auto or a whole number up to ${MOST_JOBS}`);
  }
  return jobs === 0 ? undefined : jobs;
}

/**
 * Tasks at a time: `8`.
 *
 * @throws ConfigError when it is no such number
 */
export function parseConcurrency(text: string): number {
  const tasks = parseNumber(text, { "": 1 }, "a number of tasks such as 8");
  if (Number.isInteger(tasks) && tasks >= 1 && tasks <= MOST_TASKS) return tasks;
  throw new ConfigError(text, `"${text}" is not a whole number from 1 to ${MOST_TASKS}`);
}

/**
 * The exit code for issues that fail: `0`, `3`. 2 and what lies above 125 mean something else.
 *
 * @throws ConfigError when it is none
 */
export function parseExitCode(text: string): number {
  const code = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (code <= 125 && code !== 2) return code;
  throw new ConfigError(
    text,
    `"${text}" is not a number up to 125 other than 2, which says that something could not be read`,
  );
}

function parseMilliseconds(text: string): number {
  return parseSeconds(text) * 1000;
}

function parseNumber(
  text: string,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  const parts = /^(\d[\d_]*(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = parts?.[2]?.toLowerCase() ?? "";
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const value = Number(parts?.[1]?.replaceAll("_", "")) * (factor ?? NaN);
  if (Number.isFinite(value)) return value;
  throw new ConfigError(text, `"${text}" is not ${expected}`);
}

/**
 * The format of a report.
 *
 * @throws ConfigError when there is none of that name
 */
export function parseReportFormat(text: string): ReportFormat {
  return choose(text, REPORT_FORMATS, "format");
}

/**
 * A value of `--output`, such as `sarif=report.sarif`.
 *
 * @throws ConfigError when it is none
 */
export function parseOutput(text: string): OutputChoice {
  const at = text.indexOf("=");
  const file = text.slice(at + 1);
  if (at <= 0 || file === "") {
    throw new ConfigError(text, `"${text}" is not FORMAT=FILE, for instance sarif=report.sarif`);
  }
  return { format: parseReportFormat(text.slice(0, at)), file };
}

/**
 * A severity to fail on; `warning` is another word for `medium`.
 *
 * @throws ConfigError when it is none
 */
export function parseFailOn(text: string): FailOn {
  const word = text.toLowerCase() === "warning" ? "medium" : text;
  return choose(word, FAIL_ON, "severity");
}

/** One of some words, in upper or lower case. */
export function choose<T extends string>(text: string, words: readonly T[], label: string): T {
  const found = words.find((word) => word === text.toLowerCase());
  if (found !== undefined) return found;
  const meant = didYouMean(text, words);
  throw new ConfigError(
    text,
    `There is no ${label} "${text}".${meant} There are: ${words.join(", ")}`,
  );
}
