/**
 * Scans for commands that print something other than a report.
 *
 * @module
 */

import type { FileReport } from "../core/types.ts";
import type { ScanInputsOptions } from "../scan/options.ts";
import { scanInputs } from "../scan/scan_inputs.ts";
import { inputsOf } from "./inputs.ts";
import type { Io } from "./io.ts";
import { tell } from "./terminal.ts";

/** How to scan. */
export type ScanAllOptions = Omit<ScanInputsOptions, "progress" | "stop" | "note">;

/** What a scan gave. */
interface ScannedAll {
  readonly files: readonly FileReport[];
  /** Whether something could not be read. */
  readonly failed: boolean;
}

/** Scans inputs to their end or to SIGINT; what could not be read is reported on standard error. */
export async function scanAll(
  paths: readonly string[],
  options: ScanAllOptions,
  io: Io,
): Promise<ScannedAll> {
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
  return { files, failed };
}
