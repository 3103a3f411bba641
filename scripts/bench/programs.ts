/**
 * The programs that are compared: how each scans a path with its own command line, and what its exit
 * code and output say. A program is one function that gives a `Program`.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { devNull } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "./benches.ts";
import { CACHE, LAUNCHER, ROOT } from "./inputs.ts";
import { type Environment, PEER_ENVIRONMENT } from "./peers.ts";
import type { Run } from "./process.ts";

/** What a program reported of a path. */
export interface Answer {
  /**
   * - `clean`: read, and nothing to report;
   * - `flagged`: it found something, by its own standard, with a non-zero exit code;
   * - `unread`: it reports that it did not read the path, or not to its end;
   * - `failed`: it crashed.
   */
  readonly kind: "clean" | "flagged" | "unread" | "failed";
  /** A few words for the table. */
  readonly note: string;
}

/** A scanner under its own command line. */
export interface Program {
  readonly name: string;
  readonly version: string;
  /** The least that it can be asked for. */
  readonly start: Command;
  /** @param paths more than one only where `many` */
  scan(...paths: string[]): Command;
  /** Whether it takes several paths and reports each for itself. */
  readonly many: boolean;
  readonly answer: (run: Run) => Answer;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Longest note. */
const NOTE_LENGTH = 90;

/** This program under Deno, by the launcher of the checkout. */
export function oursUnderDeno(version: string): Program {
  return ours("modelaudit (Deno)", version, LAUNCHER);
}

/**
 * This program as an executable by Bun, built anew.
 *
 * @throws Error with the compiler's output when it cannot be built
 */
export function oursUnderBun(version: string): Program {
  const folder = join(CACHE, "dist");
  const built = spawnSync("make", ["binary", "RUNTIME=bun"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, MODELAUDIT_DIST: folder },
  });
  if (built.status !== 0) throw new Error(lastLine(built.stderr));
  return ours("modelaudit (Bun executable)", version, join(folder, "modelaudit"));
}

function ours(name: string, version: string, command: string): Program {
  return {
    name,
    version,
    start: [command, ["version"]],
    scan: (...paths) => [command, ["scan", "--format", "json", ...paths]],
    many: true,
    answer: answerOfOurs,
    environment: { NO_COLOR: "1" },
  };
}

/** picklescan: one path, a summary in text. */
export function picklescan({ programs, versions }: Environment): Program {
  const command = join(programs, "picklescan");
  return {
    name: "picklescan",
    version: versions.get("picklescan") ?? "unknown",
    start: [command, ["--help"]],
    scan: (path = "") => [command, ["--path", path]],
    many: false,
    answer: answerOfPicklescan,
    environment: PEER_ENVIRONMENT,
  };
}

/** modelscan: one file or folder, a report in JSON. */
export function modelscan({ programs, versions }: Environment, name = "modelscan"): Program {
  const command = join(programs, "modelscan");
  return {
    name,
    version: versions.get("modelscan") ?? "unknown",
    start: [command, ["--version"]],
    scan: (path = "") => [command, ["--path", path, "-r", "json", "--show-skipped"]],
    many: false,
    answer: answerOfModelscan,
    environment: PEER_ENVIRONMENT,
  };
}

/** fickling: one pickle; it knows no folders and, on its command line, no archives. */
export function fickling({ programs, versions }: Environment): Program {
  const command = join(programs, "fickling");
  return {
    name: "fickling",
    version: versions.get("fickling") ?? "unknown",
    start: [command, ["--version"]],
    scan: (path = "") => [command, ["--check-safety", "--json-output", devNull, path]],
    many: false,
    answer: answerOfFickling,
    environment: PEER_ENVIRONMENT,
  };
}

/** The Python program of the same name as this one, without its cache of results. */
export function pythonModelaudit({ programs, versions }: Environment): Program {
  const command = join(programs, "modelaudit");
  return {
    name: "modelaudit (Python)",
    version: versions.get("modelaudit") ?? "unknown",
    start: [command, ["--version"]],
    scan: (...paths) => [command, ["scan", "--no-cache", "--format", "json", ...paths]],
    many: true,
    answer: answerOfPythonModelaudit,
    environment: PEER_ENVIRONMENT,
  };
}

/** Exit code 1: an issue at or above medium; 2: something could not be read. */
export function answerOfOurs({ code, stdout, stderr }: Run): Answer {
  const report = objectIn(stdout);
  if (report === undefined) return failure(code, stderr);
  const issues = listOf(report["issues"]);
  if (code === 0) return { kind: "clean", note: "" };
  if (code === 1) return { kind: "flagged", note: shortened(String(issues[0]?.["message"])) };
  return { kind: "unread", note: "incomplete" };
}

/** Exit code 1: dangerous globals; 2: an error. It reports how many files it read as pickles. */
export function answerOfPicklescan({ code, stdout, stderr }: Run): Answer {
  const scanned = /^Scanned files: (\d+)$/m.exec(stdout)?.[1];
  if (code === 1) {
    return {
      kind: "flagged",
      note: shortened(/: (dangerous import .*)$/m.exec(stdout)?.[1] ?? ""),
    };
  }
  if (code !== 0) {
    return scanned === undefined
      ? failure(code, stdout || stderr)
      : { kind: "unread", note: errorIn(stdout) };
  }
  if (scanned === "0") return { kind: "unread", note: "scanned 0 files" };
  // It counts the file as scanned, but reports beforehand that the format is unsupported.
  const warning = /^WARNING: could not parse .* as pickle: (.*)$/m.exec(stdout)?.[1];
  if (scanned === "1" && warning !== undefined) {
    return { kind: "unread", note: shortened(`could not parse as pickle: ${warning}`) };
  }
  return { kind: "clean", note: "" };
}

/** Exit code 1: issues; 2: errors, with issues or without; 3: nothing that it supports. */
export function answerOfModelscan({ code, stdout, stderr }: Run): Answer {
  const report = objectIn(stdout);
  if (report === undefined) return failure(code, stdout || stderr);
  const issues = listOf(report["issues"]);
  if (issues.length > 0) {
    return { kind: "flagged", note: shortened(String(issues[0]?.["description"])) };
  }
  if (code === 0) return { kind: "clean", note: "" };
  if (code === 3) return { kind: "unread", note: "no supported file" };
  return { kind: "unread", note: shortened(String(listOf(report["errors"])[0]?.["description"])) };
}

/** Exit code 1: likely unsafe, but also Python's own after an uncaught exception; 2: cannot be parsed. */
export function answerOfFickling({ code, stderr }: Run): Answer {
  const broken = stderr.includes("Traceback (most recent call last)");
  if (code === 0) return { kind: "clean", note: "" };
  if (code === 1 && !broken) return { kind: "flagged", note: "" };
  if (code === 2 && !broken) return { kind: "unread", note: shortened(firstLine(stderr)) };
  return failure(code, stderr);
}

/** Exit code 1: warnings or worse; 2: errors while scanning, with issues or without. */
export function answerOfPythonModelaudit({ code, stdout, stderr }: Run): Answer {
  const report = objectIn(stdout);
  if (report === undefined) return failure(code, stdout || stderr);
  const issues = listOf(report["issues"]).filter(isAlarm);
  const note = shortened(String(issues[0]?.["message"] ?? ""));
  if (issues.length > 0) return { kind: "flagged", note };
  if (code === 0) {
    return report["files_scanned"] === 0
      ? { kind: "unread", note: "scanned 0 files" }
      : { kind: "clean", note: "" };
  }
  const reasons = JSON.stringify(report["file_metadata"] ?? {}).match(/"[a-z0-9_]+_incomplete"/g);
  return { kind: "unread", note: shortened(reasons?.[0] ?? `exit code ${code}`) };
}

/** Whether an issue of the Python modelaudit makes its exit code non-zero. */
export function isAlarm(issue: Readonly<Record<string, unknown>>): boolean {
  return issue["severity"] === "critical" || issue["severity"] === "warning";
}

function failure(code: number | undefined, output: string): Answer {
  const how = code === undefined ? "ended by a signal" : `exit code ${code}`;
  return { kind: "failed", note: shortened(`${how}: ${lastLine(output)}`) };
}

function errorIn(output: string): string {
  return shortened(/^ERROR: (.*)$/m.exec(output)?.[1] ?? lastLine(output));
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll("|", "¦").replaceAll(`${ROOT}`, "");
  return line.length <= NOTE_LENGTH ? line : `${line.slice(0, NOTE_LENGTH - 1)}…`;
}

/** The JSON object in an output that may begin with log lines. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("\n{", at + 1)) {
    try {
      const value: unknown = JSON.parse(text.slice(at));
      if (isObject(value)) return value;
    } catch {
      // Log lines, then.
    }
  }
  return undefined;
}

/** The objects of a list; none when it is no list. */
export function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
