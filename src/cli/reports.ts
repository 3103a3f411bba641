/**
 * The reports of a run, each with the place that it goes to: one on standard output, and those of
 * `--output`.
 *
 * @module
 */

import { isShown } from "../report/condense.ts";
import { ndjsonError, ndjsonFile, ndjsonStart, ndjsonSummary } from "../report/ndjson.ts";
import { type ExitOptions, type Summary, SummaryBuilder } from "../report/summary.ts";
import type { TextOptions } from "../report/text.ts";
import { type FindReasons, NamedRules } from "../core/reasons.ts";
import type { FileReport, ScanError, ScanReport } from "../core/types.ts";
import type { Io } from "./io.ts";
import type { ReportFormat } from "./options.ts";
import type { OutputFile } from "./outputs.ts";
import { renderReport } from "./render.ts";
import { columnsOf, tell, wantsColor } from "./terminal.ts";

/** How the text report is written, wherever it goes. */
export type TextChoice = Pick<TextOptions, "emoji" | "verbose" | "quiet" | "showAccepted">;

/** Columns of a text report in a file. */
const FILE_COLUMNS = 100;

/** Formats that have room for listings, and what they are made of. */
const EXPLAINED: readonly ReportFormat[] = ["json", "ndjson", "html"];

/** A report and where it goes. */
interface Destination {
  readonly format: ReportFormat;
  readonly text: TextOptions;
  /** True once nothing that is written arrives. */
  isClosed(): boolean;
  write(text: string): Promise<void>;
}

/** What a run knows before the first file. */
type ReportHead = Pick<
  ScanReport,
  "tool" | "startTime" | "configuration" | "configurationNotes"
>;

/** Gathers what the formats need, and writes them. */
export class Reports {
  readonly #destinations: readonly Destination[];
  readonly #outputs: readonly OutputFile[];
  /** NDJSON, which is written as files come. */
  readonly #streams: readonly Destination[];
  /** True when some format wants to have every file. */
  readonly #keepAll: boolean;
  readonly #rules: NamedRules;
  readonly #summary = new SummaryBuilder();
  readonly #files: FileReport[] = [];
  readonly #errors: ScanError[] = [];

  /**
   * @param format of the report on standard output
   * @param beforeWrite is called before standard output is written to
   */
  constructor(
    io: Io,
    { format, outputs, text, reasonsOf, beforeWrite }: {
      readonly format: ReportFormat;
      readonly outputs: readonly OutputFile[];
      readonly text: TextChoice;
      readonly reasonsOf: FindReasons;
      readonly beforeWrite: () => Promise<void>;
    },
  ) {
    this.#rules = new NamedRules(reasonsOf);
    const standard: Destination = {
      format,
      text: { ...text, color: wantsColor(io.env, io.stdout), width: columnsOf(io.env, io.stdout) },
      isClosed: () => io.stdout.closed,
      async write(more) {
        await beforeWrite();
        await io.stdout.write(more);
      },
    };
    const files = outputs.map((output): Destination => ({
      format: output.format,
      text: { ...text, color: false, width: FILE_COLUMNS },
      isClosed: () => output.failure !== undefined,
      // deno-lint-ignore require-await -- a promise, as for standard output
      write: async (more) => output.write(more),
    }));
    this.#outputs = outputs;
    this.#destinations = [standard, ...files];
    this.#streams = this.#destinations.filter((it) => it.format === "ndjson");
    this.#keepAll = this.#destinations.some((it) =>
      // These two count what is clean, so that memory does not grow with the number of clean files.
      it.format !== "ndjson" && it.format !== "markdown" && !(it.format === "text" && !text.verbose)
    );
  }

  /** True when some format shows more of what was found than its words, such as opcodes. */
  get areExplained(): boolean {
    return this.#destinations.some(({ format }) => EXPLAINED.includes(format));
  }

  /** True once no report arrives anywhere, so that there is nothing to go on for. */
  get areLost(): boolean {
    return this.#destinations.every((it) => it.isClosed());
  }

  /** The run begins. */
  async start(head: ReportHead): Promise<void> {
    await this.#stream(() => ndjsonStart(head));
  }

  /** A file was scanned. */
  async addFile(file: FileReport): Promise<void> {
    this.#summary.add(file);
    this.#rules.add(file);
    await this.#stream(() => ndjsonFile(file, this.#rules.soFar));
    if (this.#streams.length === this.#destinations.length) return;
    if (this.#keepAll || isShown(file, this.#summary.clean)) this.#files.push(file);
  }

  /** Something could not be scanned at all. */
  async addError(error: ScanError): Promise<void> {
    this.#summary.addError();
    await this.#stream(() => ndjsonError(error));
    if (this.#streams.length < this.#destinations.length) this.#errors.push(error);
  }

  /** The run has ended: writes every report. */
  async end(
    rest: Omit<ScanReport, "files" | "errors" | "rules">,
    exit: ExitOptions,
  ): Promise<Summary> {
    const summary = this.#summary.summary();
    await this.#stream(() => ndjsonSummary(rest, summary, exit));
    const report: ScanReport = {
      ...rest,
      files: this.#files,
      errors: this.#errors,
      rules: this.#rules.all(),
    };
    for (const it of this.#destinations) {
      if (it.format === "ndjson" || it.isClosed()) continue;
      await it.write(await renderReport(it.format, report, { exit, text: it.text, summary }));
    }
    return summary;
  }

  /**
   * Ends the files, and tells what could not be written.
   *
   * @returns true when all of it was
   */
  async close(io: Pick<Io, "env" | "stderr">): Promise<boolean> {
    for (const output of this.#outputs) output.close();
    const failed = this.#outputs.filter((it) => it.failure !== undefined);
    for (const { format, file, failure } of failed) {
      await tell(io, `error: Cannot write the ${format} report to "${file}": ${failure}`);
    }
    return failed.length === 0;
  }

  async #stream(text: () => string): Promise<void> {
    if (this.#streams.length === 0) return;
    const lines = text();
    for (const it of this.#streams) await it.write(lines);
  }
}
