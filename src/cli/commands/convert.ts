/**
 * `modelaudit convert REPORT.json`: other reports from a JSON report, without a second scan.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../../core/errors.ts";
import { shownAddress, withoutSecrets } from "../../core/shown_url.ts";
import { readReport } from "../../report/read.ts";
import type { Io } from "../io.ts";
import { STDIN_PATH } from "../inputs.ts";
import type { ReportFormat } from "../options.ts";
import type { OutputFile } from "../outputs.ts";
import { Reports, type TextChoice } from "../reports.ts";

/** The exit code when a report could not be written. */
const NOT_WRITTEN = 2;

/** What to make. */
interface ConvertOptions {
  readonly format: ReportFormat;
  readonly outputs: readonly OutputFile[];
  readonly text: TextChoice;
}

/**
 * Writes the reports. Which issues fail the run was decided when it was scanned.
 *
 * @param path of a JSON report, or `-` for standard input
 * @returns the exit code: 0, whatever the report says, unless something could not be written
 * @throws ConfigError when it is no JSON report
 */
export async function runConvert(
  path: string,
  options: ConvertOptions,
  io: Io,
): Promise<number> {
  const text = path === STDIN_PATH ? await textOf(io.stdin()) : readText(path);
  const { report, exit } = readReport(text, path);
  const { files, errors, rules, ...rest } = report;
  const reports = new Reports(io, {
    ...options,
    reasonsOf: (id) => Object.hasOwn(rules, id) ? rules[id] : undefined,
    beforeWrite: () => Promise.resolve(),
  });
  await reports.start(rest);
  for (const file of files) await reports.addFile(file);
  for (const error of errors) await reports.addError(error);
  await reports.end(rest, exit);
  return await reports.close(io) ? 0 : NOT_WRITTEN;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot read the report ${path}: ${reason}`;
    throw new ConfigError(shownAddress(path), withoutSecrets(message, path), { cause });
  }
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
