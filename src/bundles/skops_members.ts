/**
 * Which member of a zip archive is the schema of a skops file, from names alone: `skops.io.load` reads
 * `schema.json` whatever the archive is called. https://skops.readthedocs.io/en/stable/persistence.html
 *
 * @module
 */

const SCHEMA = "schema.json";

/**
 * Hints for members, by name.
 *
 * @param archive name of the archive
 * @param names of all members
 */
import { HINT } from "../core/hints.ts";
export function skopsHints(
  archive: string,
  memberNames: Iterable<string>,
): ReadonlyMap<string, string> {
  if (!new Set(memberNames).has(SCHEMA)) return new Map();
  return new Map([[SCHEMA, /\.skops$/iu.test(archive) ? HINT.skopsSchema : HINT.skopsSchemaMaybe]]);
}
