/**
 * Which member of a zip archive is the schema of a skops file, from names alone: `skops.io.load` reads
 * `schema.json` whatever the archive is called. https://skops.readthedocs.io/en/stable/persistence.html
 *
 * @module
 */

/** Hint of the schema of a file that is called `.skops`. */
export const SKOPS_HINT = "skops-schema";
/** Hint of a member that would be the schema if the archive were a skops file. */
export const SKOPS_MAYBE_HINT = "skops-schema-maybe";

const SCHEMA = "schema.json";

/**
 * Hints for members, by name.
 *
 * @param archive name of the archive
 * @param names of all members
 */
export function skopsHints(archive: string, names: Iterable<string>): ReadonlyMap<string, string> {
  if (!new Set(names).has(SCHEMA)) return new Map();
  return new Map([[SCHEMA, /\.skops$/iu.test(archive) ? SKOPS_HINT : SKOPS_MAYBE_HINT]]);
}
