/**
 * `modelaudit config allow PATH…`: proposes `allow` entries for what models of one's own name.
 *
 * @module
 */

import { ConfigError } from "../../core/errors.ts";
import { isRemote } from "../../remote/resolve.ts";
import { allowText, type Effect, type Proposals, proposalsOf } from "../allow.ts";
import { type Configured, configuredOf } from "../configuration.ts";
import { STDIN_PATH } from "../inputs.ts";
import type { Io } from "../io.ts";
import { scanAll, type ScanAllOptions } from "../scan_all.ts";

/** Where the proposed text would lie; no file of that name is read. */
const PROPOSED = "proposed.toml";

/**
 * Writes the proposal to standard output, a configuration with comments. What could not be read is reported on
 * standard error. The files are scanned once more with the entries, so that the comment says what they achieve.
 *
 * @param options without rules and what is suppressed, which are those of the configuration
 * @returns the exit code: 2 when something could not be read, for its names are missing
 * @throws ConfigError for an input that is no file or folder: models of one's own are there, and are read twice
 */
export async function runConfigAllow(
  paths: readonly string[],
  options: Omit<ScanAllOptions, "rules" | "suppress">,
  configured: Configured,
  io: Io,
): Promise<number> {
  const other = paths.find((it) => it === STDIN_PATH || isRemote(it));
  if (other !== undefined) {
    throw new ConfigError(other, `Cannot propose entries for ${other}: it is no file or folder`);
  }
  const judges = { rules: configured.rules, suppress: configured.configuration.suppress };
  const { files, failed } = await scanAll(paths, { ...options, ...judges }, io);
  const proposals = proposalsOf(files);
  const effect = failed ? undefined : await effectOf(proposals, options, configured, io);
  await io.stdout.write(allowText(proposals, effect));
  return failed ? 2 : 0;
}

/** How the files fare under the entries; undefined where there are none, or the scan failed. */
async function effectOf(
  proposals: Proposals,
  options: Omit<ScanAllOptions, "rules" | "suppress">,
  { texts }: Configured,
  io: Io,
): Promise<Effect | undefined> {
  const concerned = [...new Set(proposals.proposed.flatMap((it) => it.files))];
  if (concerned.length === 0) return undefined;
  const text = allowText(proposals, undefined);
  const file = { path: PROPOSED, kind: "named", text } as const;
  const { rules, configuration } = await configuredOf({ ...texts, files: [...texts.files, file] });
  const judges = { rules, suppress: configuration.suppress };
  const { files, failed } = await scanAll(concerned, { ...options, ...judges }, io);
  if (failed) return undefined;
  const clean = files.filter((it) => it.verdict === "clean").map((it) => it.path);
  return { concerned: files.length, clean };
}
