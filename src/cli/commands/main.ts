/**
 * The command line: arguments in, exit code out. Commands are loaded when they are asked for, so that
 * `version` costs nothing.
 *
 * @module
 */

import { ConfigError, SourceError } from "../../core/errors.ts";
import { escapeText } from "../../report/escape.ts";
import { versionText } from "./version.ts";
import type { Io } from "../io.ts";

/** The exit code of wrong usage. */
const USAGE = 2;

/** The exit code of a failure of this program itself: it must not pass for "nothing found". */
const DEFECT = 2;

/** The exit code when what was to be said could not be written. */
const NOT_WRITTEN = 2;

/**
 * Runs the command line.
 *
 * @param argv arguments without runtime and script
 * @param io the world around
 * @returns the exit code; never throws
 */
export async function runMain(argv: readonly string[], io: Io): Promise<number> {
  const code = await run(argv, io);
  const failed = [["standard output", io.stdout], ["standard error", io.stderr]] as const;
  for (const [name, { failure }] of failed) {
    if (failure === undefined) continue;
    await io.stderr.write(`error: Cannot write to ${name}: ${escapeText(failure)}\n`);
    return NOT_WRITTEN;
  }
  return code;
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    if (argv.length === 1 && /^(version|--version|-V)$/.test(argv[0] ?? "")) {
      await io.stdout.write(versionText());
      return 0;
    }
    const { runProgram } = await import("./program.ts");
    return await runProgram(argv, io);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof SourceError) {
      const remedy = error instanceof SourceError && error.remedy !== ""
        ? `\n  fix  ${error.remedy}`
        : "";
      const excerpt = error instanceof ConfigError ? error.excerpt : [];
      const under = excerpt.map((line) => `${escapeText(line)}\n`).join("");
      const { fitted } = await import("../terminal.ts");
      const text = fitted(`error: ${escapeText(error.message)}${remedy}`, io.env, io.stderr);
      await io.stderr.write(`${text}\n${under}`);
      return USAGE;
    }
    const trace = error instanceof Error ? error.stack ?? error.message : String(error);
    const safe = trace.split("\n").map(escapeText).join("\n");
    await io.stderr.write(`error: this program failed; please report it\n${safe}\n`);
    return DEFECT;
  }
}
