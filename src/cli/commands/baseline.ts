/**
 * `modelaudit baseline PATH…`: prints what is known now, for `--baseline` later.
 *
 * @module
 */

import { jsonText } from "../../report/escape.ts";
import { formatCount } from "../../core/numbers.ts";
import { baselineDocument, baselineOf } from "../baseline.ts";
import type { Io } from "../io.ts";
import { scanAll, type ScanAllOptions } from "../scan_all.ts";
import { tell } from "../terminal.ts";

/**
 * Writes the baseline; what could not be read is reported on standard error.
 *
 * @returns the exit code: 2 when something could not be read, for its issues are missing
 */
export async function runBaseline(
  paths: readonly string[],
  options: ScanAllOptions,
  io: Io,
): Promise<number> {
  const { files, failed } = await scanAll(paths, options, io);
  const entries = baselineOf(files);
  await io.stdout.write(jsonText(baselineDocument(entries), 2) + "\n");
  const dangerous = files.filter((it) => it.verdict === "dangerous").length;
  if (dangerous > 0) {
    const dangerousFiles = formatCount(dangerous, "dangerous file");
    await tell(io, `note: this baseline hides the issues of ${dangerousFiles}`);
  }
  return failed ? 2 : 0;
}
