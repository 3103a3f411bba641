/**
 * `modelaudit doctor`: every scanner proves itself on a harmful and a harmless sample that the
 * program carries. A scanner that finds nothing is broken just like one that cannot be loaded.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import { ConfigError } from "../../core/errors.ts";
import { FORMATS } from "../../formats/registry.ts";
import type { FormatEntry } from "../../core/format.ts";
import { escapeText, jsonText } from "../../report/escape.ts";
import { painter } from "../../report/style.ts";
import { padEnd } from "../../report/width.ts";
import { loadRules, type Rules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { SEVERITY_SCORES } from "../../core/types.ts";
import type { FileReport } from "../../core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../../core/version.ts";
import { type ConfigurationChoice, loadConfigured } from "../configuration.ts";
import { DOCTOR_SAMPLES, type DoctorSample, type PackedFile } from "../doctor_samples.ts";
import { ENVIRONMENT, type Io } from "../io.ts";
import { wantsColor } from "../terminal.ts";
import { runtime } from "./version.ts";

/** How the report is written. */
export interface DoctorOptions {
  readonly format: string;
  readonly emoji: boolean;
  readonly config: ConfigurationChoice;
}

/** What became of one scanner. */
interface Examination {
  readonly scanner: string;
  readonly decoder: string;
  /** Why it does not work; empty when it does. */
  readonly faults: readonly string[];
  readonly remedy: string;
}

const REMEDY =
  "Install modelaudit again, or use its executable, which has all decoders inside; files of this " +
  "format are incomplete until then, all others are scanned.";

/**
 * Examines and reports.
 *
 * @param formats the scanners; all unless given
 * @returns 0 when all work and the configuration is right, else 1
 */
export async function runDoctor(
  options: DoctorOptions,
  io: Io,
  formats: readonly FormatEntry[] = FORMATS,
): Promise<number> {
  const rules = loadRules();
  const examinations: Examination[] = [];
  for (const entry of formats) examinations.push(await examine(entry, formats, rules));
  const configuration = await configurationOf(options.config, io);
  const failed = examinations.filter((it) => it.faults.length > 0).length;
  const data = {
    tool: { name: TOOL_NAME, version: TOOL_VERSION, rules: rules.version },
    ...runtime(),
    webassembly: typeof WebAssembly === "object",
    threads: await threadsOf(io),
    environment: ENVIRONMENT.filter((name) => io.env[name] !== undefined),
    configuration,
    total_scanners: examinations.length,
    working_scanners: examinations.length - failed,
    failed_scanners: failed,
    scanners: examinations.map(({ scanner, decoder, faults, remedy }) => ({
      scanner,
      decoder,
      works: faults.length === 0,
      faults,
      ...(faults.length > 0 && { remedy }),
    })),
  };
  await io.stdout.write(
    options.format === "json" ? jsonText(data, 2) + "\n" : page(data, examinations, options, io),
  );
  return failed > 0 || configuration.error !== null ? 1 : 0;
}

/** The samples of one format, scanned by all of them, as a scan would. */
async function examine(
  entry: FormatEntry,
  formats: readonly FormatEntry[],
  rules: Rules,
): Promise<Examination> {
  const sample = DOCTOR_SAMPLES.find((it) => it.format === entry.id);
  const base = { scanner: entry.id, decoder: sample?.decoder ?? "unknown", remedy: REMEDY };
  if (sample === undefined) return { ...base, faults: ["it has no sample to prove itself on"] };
  try {
    await entry.load();
  } catch (error) {
    return { ...base, faults: [`it cannot be loaded: ${messageOf(error)}`] };
  }
  try {
    return { ...base, faults: await failuresOf(sample, formats, rules) };
  } catch (error) {
    return { ...base, faults: [`it failed: ${messageOf(error)}`] };
  }
}

async function failuresOf(
  sample: DoctorSample,
  formats: readonly FormatEntry[],
  rules: Rules,
): Promise<string[]> {
  const scan = (file: PackedFile): Promise<FileReport> => {
    const bytes = new Uint8Array(inflateRawSync(Buffer.from(file.deflated, "base64")));
    return scanSource(bytesSource(file.name, bytes), { rules, formats });
  };
  const failures: string[] = [];
  const harmful = await scan(sample.harmful);
  const harmless = sample.harmless && await scan(sample.harmless);
  for (const report of harmless === undefined ? [harmful] : [harmful, harmless]) {
    if (!report.formats.includes(sample.format)) {
      failures.push(`it does not recognise ${report.path}${reasonOf(report)}`);
    }
  }
  if (!isReported(harmful)) {
    failures.push(`a harmful sample is ${harmful.verdict} to it${reasonOf(harmful)}`);
  }
  if (harmless !== undefined && harmless.verdict !== "clean") {
    failures.push(`a harmless sample is ${harmless.verdict} to it${reasonOf(harmless)}`);
  }
  return failures;
}

/** True for a report that names what is wrong; a missing decoder is only of severity low. */
function isReported({ verdict, riskScore }: FileReport): boolean {
  return verdict === "dangerous" || verdict === "suspicious" ||
    (verdict === "incomplete" && riskScore >= SEVERITY_SCORES.medium);
}

/** Errors of the report itself. */
function reasonOf({ findings }: FileReport): string {
  const unread = findings.find(({ details }) => details["unread"] === true);
  return unread === undefined ? "" : ` (${unread.message})`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How many files are scanned at a time, and why it is only one where threads do not start. */
async function threadsOf(
  { threads, now }: Io,
): Promise<{ readonly at_a_time: number; readonly error: string | null }> {
  if (threads === undefined) return { at_a_time: 1, error: null };
  try {
    const [{ tryThread }, { jobsOf }, system] = await Promise.all([
      import("../../scan/schedule/worker_pool.ts"),
      import("../../scan/schedule/threads.ts"),
      threads.load(),
    ]);
    await tryThread(system, { files: [], now: now() });
    return { at_a_time: jobsOf(undefined, system.cores), error: null };
  } catch (error) {
    return { at_a_time: 1, error: messageOf(error) };
  }
}

/** Which configuration holds here, and what is wrong with it. */
async function configurationOf(
  choice: ConfigurationChoice,
  io: Io,
): Promise<
  { readonly used: string; readonly notes: readonly string[]; readonly error: string | null }
> {
  try {
    const { configuration } = await loadConfigured(choice, io);
    return { used: configuration.name, notes: configuration.notes, error: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { used: "none", notes: [], error: error.message };
  }
}

interface Data {
  readonly tool: { readonly rules: string };
  readonly runtime: string;
  readonly platform: string;
  readonly webassembly: boolean;
  readonly threads: Awaited<ReturnType<typeof threadsOf>>;
  readonly environment: readonly string[];
  readonly configuration: Awaited<ReturnType<typeof configurationOf>>;
  readonly total_scanners: number;
  readonly working_scanners: number;
  readonly failed_scanners: number;
}

function page(
  data: Data,
  examinations: readonly Examination[],
  options: DoctorOptions,
  io: Io,
): string {
  const paint = painter(wantsColor(io.env, io.stdout));
  const title = "Scanner Diagnostic Report";
  const row = (label: string, text: string): string =>
    `${paint(padEnd(label, 16), "cyan")}${escapeText(text)}`;
  const { error, used, notes } = data.configuration;
  const { at_a_time, error: unstarted } = data.threads;
  const lines = [
    paint(title, "bold"),
    "=".repeat(title.length),
    row("Program", `${TOOL_NAME} ${TOOL_VERSION}, rules ${data.tool.rules}`),
    row("Runtime", `${data.runtime} on ${data.platform}`),
    row("WebAssembly", data.webassembly ? "works" : "missing: decoders cannot run"),
    row(
      "Threads",
      unstarted === null ? `${at_a_time} at a time` : `one: others do not start (${unstarted})`,
    ),
    row(
      "Environment",
      data.environment.length === 0 ? "nothing is set" : data.environment.join(", "),
    ),
    row("Configuration", error ?? used),
    ...notes.map((note) => row("", note)),
    "",
    `Total scanners: ${data.total_scanners}`,
    `Working: ${data.working_scanners}`,
    `Failed: ${data.failed_scanners}`,
    "",
  ];
  const width = Math.max(0, ...examinations.map((it) => it.scanner.length));
  for (const { scanner, decoder, faults, remedy } of examinations) {
    const works = faults.length === 0;
    const symbol = options.emoji ? (works ? "✅ " : "❌ ") : "";
    const word = paint(works ? "works " : "FAILED", works ? "green" : "red");
    lines.push(`${symbol}${word}  ${padEnd(scanner, width)}  ${paint(escapeText(decoder), "dim")}`);
    for (const failure of faults) lines.push(`   ${escapeText(failure)}`);
    if (!works) lines.push(`   ${paint("fix", "green")} ${remedy}`);
  }
  return lines.map((line) => line + "\n").join("");
}
