/**
 * `modelaudit schema [NAME]`: the JSON schemas of what this program reads and writes, to standard output.
 *
 * @module
 */

import { ConfigError } from "../../core/errors.ts";
import { didYouMean } from "../../core/nearest.ts";
import type { Io } from "../io.ts";
import { SCHEMAS } from "./schemas.ts";

/**
 * Prints a schema, or, without a name, a line for each: name, version, title.
 *
 * @param name for instance `report`
 * @returns the exit code
 * @throws ConfigError when there is no such schema
 */
export async function runSchema(name: string | undefined, io: Io): Promise<number> {
  if (name === undefined) {
    const width = Math.max(...SCHEMA_NAMES.map((it) => it.length));
    const lines = Object.entries(SCHEMAS).map(([it, { version, title }]) =>
      `${it.padEnd(width)}  ${version}  ${title}\n`
    );
    await io.stdout.write(lines.join(""));
    return 0;
  }
  const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined;
  if (schema === undefined) {
    const meant = didYouMean(name, SCHEMA_NAMES);
    throw new ConfigError(
      name,
      `There is no schema "${name}".${meant} There are: ${SCHEMA_NAMES.join(", ")}`,
    );
  }
  await io.stdout.write(JSON.stringify(JSON.parse(schema.text), null, 2) + "\n");
  return 0;
}

/** Names of the schemas, for completions too. */
export const SCHEMA_NAMES: readonly string[] = Object.keys(SCHEMAS);
