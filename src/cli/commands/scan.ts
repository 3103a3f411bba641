/**
 * `modelaudit scan PATH…`: scans files and folders and reports.
 *
 * @module
 */

import { statSync } from "node:fs";
import { exitCode, type ExitOptions } from "../../report/summary.ts";
import type { Effective } from "../../config/effective.ts";
import type { RuleSet } from "../../core/rule_set.ts";
import type { ScanOptions } from "../../scan/scan_source.ts";
import type { ScanSource } from "../../scan/asset/scan_file.ts";
import type { RemoteOptions } from "../../scan/options.ts";
import type { WalkOptions } from "../../sources/file.ts";
import type { Stop } from "../../scan/schedule/stop.ts";
import type { Workers } from "../../scan/schedule/threads.ts";
import { scanInputs, totalSuppressed } from "../../scan/scan_inputs.ts";
import type { FailOn, FileReport, Finding, Limits, ScanError } from "../../core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../../core/version.ts";
import { inputsOf } from "../inputs.ts";
import type { Io } from "../io.ts";
import { didYouMean } from "../../core/nearest.ts";
import type { ReportFormat } from "../options.ts";
import { showProgress, SILENT } from "../progress.ts";
import type { ConfigurationTexts } from "../configuration.ts";
import type { OutputFile } from "../outputs.ts";
import { Reports } from "../reports.ts";
import { tell } from "../terminal.ts";

/** What the options of `scan` amount to. */
export interface ScanCommandOptions {
  readonly format: ReportFormat;
  /** Further reports, each in a file that is open. */
  readonly outputs?: readonly OutputFile[];
  readonly failOn: FailOn;
  readonly verbose: boolean;
  readonly showAccepted?: boolean;
  readonly quiet: boolean;
  readonly emoji: boolean;
  /** Undefined: when standard error is a terminal. */
  readonly progress: boolean | undefined;
  /** Seconds for the scan of all inputs. */
  readonly timeout: number | undefined;
  readonly limits: Partial<Limits>;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly followSymlinks: boolean;
  readonly allowNoModels: boolean;
  /** Also gives the SHA-256 of each file. */
  readonly hash?: boolean;
  /** The exit code for issues that fail; 1 unless given. */
  readonly failedCode?: number | undefined;
  /** Threads that scan at a time; undefined: as many as there are cores, within reason. */
  readonly jobs?: number | undefined;
  /** How addresses are fetched. */
  readonly remote?: RemoteOptions | undefined;
}

/** The exit code when a report could not be written: what is missing must not pass for "nothing found". */
const NOT_WRITTEN = 2;

/** What does the work; tests put others in their place. */
export interface Engine {
  readonly scan: ScanSource;
  readonly rules: RuleSet;
  /** The configuration behind the rules; none unless given. */
  readonly configuration?: Effective | undefined;
  /** What rules and configuration were made of; without it the main thread scans alone. */
  readonly texts?: ConfigurationTexts | undefined;
  /** True for an issue of the baseline. */
  readonly isKnown?: ((finding: Finding) => boolean) | undefined;
}

/**
 * Scans and writes the report.
 *
 * @param commands words that a missing path may have been meant as
 * @returns the exit code
 */
export async function runScan(
  paths: readonly string[],
  options: ScanCommandOptions,
  commands: readonly string[],
  io: Io,
  engine: Engine,
): Promise<number> {
  const began = io.now();
  const stop = startStop(io, options.timeout);
  const progress = options.progress ?? io.stderr.isTTY ? showProgress(io) : SILENT;
  const head = {
    tool: { name: TOOL_NAME, version: TOOL_VERSION, rules: engine.rules.version },
    startTime: new Date(began).toISOString(),
    configuration: engine.configuration?.name ?? "embedded",
    configurationNotes: engine.configuration?.notes ?? [],
  };
  let coversAll = coversWholeInput(paths, options);
  const reports = new Reports(io, {
    format: options.format,
    outputs: options.outputs ?? [],
    text: options,
    reasonsOf: (id) => engine.rules.reasonsOf(id),
    beforeWrite: () => progress.clear(),
  });
  const counts: Pick<FileReport, "suppressed">[] = [];
  const matched = new Set<string>();
  try {
    await reports.start(head);
    const { scan, rules } = engine;
    const { limits, remote } = options;
    for await (
      const it of scanInputs(inputsOf(paths, io), {
        ...{ scan, rules, limits, remote, progress, stop },
        hash: options.hash,
        explain: reports.areExplained,
        walk: walkOf(options, engine),
        policyOf: engine.configuration?.policyOf,
        suppress: suppressorOf(engine),
        workers: workersOf(engine, options, io),
        note: async (text) => {
          if (options.quiet) return;
          await progress.clear();
          await tell(io, `note: ${text}`);
        },
      })
    ) {
      if (it.type === "file") {
        for (const entry of it.matched ?? []) matched.add(entry);
        if (it.file.suppressed) counts.push({ suppressed: it.file.suppressed });
        await reports.addFile(it.file);
      } else {
        coversAll = false;
        await reports.addError(withSuggestion(it.error, commands));
      }
      if (reports.areLost) stop.abandon();
    }
  } finally {
    stop.end();
    await progress.clear();
  }
  const exit: ExitOptions = { ...options, interrupted: stop.interrupted() };
  const duration = Math.round(io.now() - began) / 1000;
  const { expected = [] } = engine.configuration ?? {};
  const configurationNotes = coversAll && !stop.signal.aborted && expected.length > 0
    ? [...head.configurationNotes, ...await unmatchedOf(expected, matched)]
    : head.configurationNotes;
  const rest = { ...head, duration, configurationNotes, ...totalSuppressed(counts) };
  const summary = await reports.end(rest, exit);
  return await reports.close(io) ? exitCode(summary, exit) : NOT_WRITTEN;
}

/** The globs of the command line and of the configuration. */
function walkOf(
  { include, exclude, followSymlinks, outputs = [] }: ScanCommandOptions,
  { configuration }: Engine,
): WalkOptions {
  return {
    followSymlinks,
    // They are empty now, and no models.
    without: new Set(outputs.map((it) => it.real)),
    include: [...include, ...configuration?.include ?? []],
    exclude: [...exclude, ...configuration?.exclude ?? []],
  };
}

/** True for a run over folders alone, of which the command line leaves nothing out. */
function coversWholeInput(
  paths: readonly string[],
  { include, exclude }: ScanCommandOptions,
): boolean {
  return include.length + exclude.length === 0 && paths.every(isFolder);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

async function unmatchedOf(
  expected: Effective["expected"],
  matched: ReadonlySet<string>,
): Promise<string[]> {
  const { unmatchedNotes } = await import("../../config/effective.ts");
  return unmatchedNotes(expected, matched);
}

/** What the configuration lets through, then what the baseline knows. */
function suppressorOf({ configuration, isKnown }: Engine): ScanOptions["suppress"] {
  const suppress = configuration?.suppress;
  if (isKnown === undefined) return suppress;
  return (finding) => suppress?.(finding) ?? (isKnown(finding) ? "baseline" : undefined);
}

/** Workers of the same rules, unless one thread is to do it. */
function workersOf(
  { texts, isKnown }: Engine,
  { jobs, progress }: ScanCommandOptions,
  io: Io,
): Workers | undefined {
  const { threads } = io;
  // A baseline counts down from file to file: the order must not depend on which thread is faster.
  if (threads === undefined || texts === undefined || isKnown || jobs === 1) return;
  return { supply: threads, jobs, setup: texts, progress: progress ?? io.stderr.isTTY };
}

interface RunningStop extends Stop {
  interrupted(): boolean;
  /** The reader of the report has gone away. */
  abandon(): void;
  /** Stops listening and waiting. */
  end(): void;
}

/** Ends the scan when the user presses Ctrl-C or the time is spent. */
function startStop(io: Io, timeout: number | undefined): RunningStop {
  const controller = new AbortController();
  const deadline = timeout === undefined ? undefined : io.now() + timeout * 1000;
  let interrupted = false;
  const unsubscribe = io.onInterrupt(() => {
    interrupted = true;
    controller.abort();
  });
  const timer = timeout === undefined
    ? undefined
    // Longer timers than 2^31 ms fire at once.
    : setTimeout(() => controller.abort(), Math.min(timeout * 1000, 2 ** 31 - 1));
  return {
    signal: controller.signal,
    remaining: () => deadline === undefined ? undefined : deadline - io.now(),
    reason: () =>
      interrupted ? { message: "Interrupted.", remedy: "Scan again without interrupting." } : {
        message: `The scan ended: its time (--timeout ${timeout} s) was spent.`,
        remedy: "Raise --timeout, or scan fewer files at a time.",
      },
    interrupted: () => interrupted,
    abandon: () => controller.abort(),
    end() {
      unsubscribe();
      clearTimeout(timer);
    },
  };
}

/** A missing path that looks like a mistyped command is probably one. */
function withSuggestion(error: ScanError, commands: readonly string[]): ScanError {
  const { path } = error.location;
  if (/[\\/.]/.test(path)) return error;
  if (commands.includes(path)) {
    return { ...error, remedy: `${error.remedy} The command "${path}" must come first.` };
  }
  return { ...error, remedy: `${error.remedy}${didYouMean(path, commands)}` };
}
