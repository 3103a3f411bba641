/**
 * `modelaudit baseline PATH…`: prints what is known now, for `--baseline` later.
 *
 * @module
 */

import { jsonText } from "../../report/escape.ts";
import { formatCount } from "../../report/format.ts";
import type { FileReport } from "../../core/types.ts";
import type { ScanInputsOptions } from "../../scan/options.ts";
import { scanInputs } from "../../scan/scan_inputs.ts";
import { baselineDocument, baselineOf } from "../baseline.ts";
import type { Io } from "../io.ts";
import { inputsOf } from "../inputs.ts";
import { tell } from "../terminal.ts";

/** What to scan and how. */
type BaselineOptions = Omit<ScanInputsOptions, "progress" | "stop" | "note">;

/**
 * Writes the baseline; what could not be read is reported on standard error.
 *
 * @returns the exit code: 2 when something could not be read, for its issues are missing
 */
export async function runBaseline(
  paths: readonly string[],
  options: BaselineOptions,
  io: Io,
): Promise<number> {
  const files: FileReport[] = [];
  const controller = new AbortController();
  const unsubscribe = io.onInterrupt(() => controller.abort());
  const stop = {
    signal: controller.signal,
    remaining: () => undefined,
    reason: () => ({ message: "Interrupted.", remedy: "Scan again without interrupting." }),
  };
  let failed = false;
  try {
    const note = async (text: string) => await tell(io, `note: ${text}`);
    for await (const it of scanInputs(inputsOf(paths, io), { ...options, stop, note })) {
      if (it.type === "file") files.push(it.file);
      for (const { location, message } of it.type === "file" ? it.file.errors : [it.error]) {
        failed = true;
        await tell(io, `error: ${location.path}: ${message}`);
      }
    }
  } finally {
    unsubscribe();
  }
  const entries = baselineOf(files);
  await io.stdout.write(jsonText(baselineDocument(entries), 2) + "\n");
  const dangerous = files.filter((it) => it.verdict === "dangerous").length;
  if (dangerous > 0) {
    const dangerousFiles = formatCount(dangerous, "dangerous file");
    await tell(io, `note: this baseline hides the issues of ${dangerousFiles}`);
  }
  return failed ? 2 : 0;
}
