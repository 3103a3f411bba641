/**
 * Finds and reads the configuration of a run.
 *
 * A file named by `--config` stands alone. Else the first of the user's and the system's place holds,
 * and one that lies in the working directory adds to it: were it to stand in its place, it could
 * loosen by saying nothing.
 *
 * @module
 */

import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { shownAddress } from "../core/shown_url.ts";
import type { Effective, Layer } from "../config/effective.ts";
import { loadRules, type Rules } from "../rules/rules.ts";
import type { ScanOptions } from "../scan/scan_source.ts";
import type { Io } from "./io.ts";

/** The file that is looked for in the working directory. */
const FOUND_NAME = "modelaudit-security.toml";

/** Bytes of a configuration; no real one has that many rules. CWE-770. */
const FILE_BYTES = 1024 * 1024;

/** The choice by `--config` and `--no-config`: a file, none, or the one that is found. */
export type ConfigurationChoice = string | false | undefined;

/** The rules of a run, and the configuration that made them what they are. */
export interface Configured {
  readonly rules: Rules;
  readonly configuration: Effective;
  /** What they were made of. */
  readonly texts: ConfigurationTexts;
}

/** A file of the configuration and what stood in it when the scan began. */
export type ConfigurationText = Place & { readonly text: string };

/** Plain data of which the same rules can be made again, for instance in another thread. */
export interface ConfigurationTexts {
  /** Lowest first. */
  readonly files: readonly ConfigurationText[];
  /** Milliseconds since 1970, for what expires. */
  readonly now: number;
}

/** One place where a configuration may be. */
interface Place {
  readonly path: string;
  readonly kind: "named" | "found" | "user" | "system";
}

/** The places looked at, first the one in the working directory. */
export function placesOf({ env, folder: here }: Pick<Io, "env" | "folder">): readonly Place[] {
  const home = env["HOME"] || env["USERPROFILE"];
  const folder = env["XDG_CONFIG_HOME"] || (home ? `${home}/.config` : undefined);
  return [
    { path: `${here}/${FOUND_NAME}`, kind: "found" },
    ...(folder === undefined
      ? []
      : [{ path: `${folder}/modelaudit/security.toml`, kind: "user" } as const]),
    { path: "/etc/modelaudit/security.toml", kind: "system" },
  ];
}

/** The files that hold for this run, lowest first. */
export function findConfigurations(
  choice: ConfigurationChoice,
  io: Pick<Io, "env" | "folder">,
): readonly ConfigurationText[] {
  if (choice === false) return [];
  if (choice !== undefined) {
    const text = readText(choice);
    if (text === undefined) {
      const named = shownAddress(choice);
      throw new ConfigError(
        named,
        `Cannot read the configuration ${named}: there is no such file`,
      );
    }
    return [{ path: choice, kind: "named", text }];
  }
  const places = placesOf(io).flatMap((place) => {
    const text = readText(place.path);
    return text === undefined ? [] : [{ ...place, text }];
  });
  const own = places.find((it) => it.kind !== "found");
  const found = places.find((it) => it.kind === "found");
  return [own, found].filter((it) => it !== undefined);
}

/**
 * The rules under the configuration that holds.
 *
 * @throws ConfigError for a file that is missing though named, unreadable or wrong
 */
export async function loadConfigured(
  choice: ConfigurationChoice,
  io: Pick<Io, "env" | "folder" | "now">,
): Promise<Configured> {
  return await configuredOf({ files: findConfigurations(choice, io), now: io.now() });
}

/**
 * The rules under these files.
 *
 * @throws ConfigError for a file that is wrong
 */
export async function configuredOf(texts: ConfigurationTexts): Promise<Configured> {
  const { files, now } = texts;
  if (files.length === 0) {
    const { EMBEDDED } = await import("../config/effective.ts");
    return { rules: loadRules(), configuration: EMBEDDED, texts };
  }
  const embedded = loadRules();
  const [{ readConfiguration }, { effectiveOf }, { FORMATS }] = await Promise.all([
    import("../config/read.ts"),
    import("../config/effective.ts"),
    import("../formats/registry.ts"),
  ]);
  const vocabulary = {
    rules: embedded.list().map((it) => it.id),
    formats: FORMATS.map((it) => it.id),
  };
  const layers = files.map(({ path, kind, text }): Layer => ({
    configuration: readConfiguration(text, path, vocabulary),
    trusted: kind !== "found",
  }));
  const configuration = await effectiveOf(layers, embedded, now);
  return { rules: loadRules({ overrides: configuration.overrides }), configuration, texts };
}

/**
 * What a worker judges by, of the {@linkcode ConfigurationTexts} that the main thread hands over.
 *
 * @throws ConfigError for a file that is wrong
 */
export async function judgesOf(setup: unknown): Promise<Pick<ScanOptions, "rules" | "suppress">> {
  const { rules, configuration } = await configuredOf(setup as ConfigurationTexts);
  return { rules, suppress: configuration.suppress };
}

/** A file's text; undefined when there is none. */
function readText(path: string): string | undefined {
  try {
    const stat = statSync(path);
    // What is no file, such as a pipe, has no size that could be trusted.
    if (!stat.isFile()) throw new ConfigError(path, `Cannot read ${path}: it is no file`);
    if (stat.size > FILE_BYTES) {
      throw new ConfigError(path, `Cannot read ${path}: it is larger than ${FILE_BYTES} bytes`);
    }
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return decoder.decode(readFileSync(path));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const reason = code === "ERR_ENCODING_INVALID_ENCODED_DATA" || error instanceof TypeError
      ? "it is no UTF-8 text"
      // What Deno does not permit, such as devices.
      : error instanceof Error && error.name === "NotCapable"
      ? "this process may not read it. Write it to a file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new ConfigError(path, `Cannot read ${path}: ${reason}`, { cause: error });
  }
}
