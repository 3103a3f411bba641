/**
 * The seed corpus: the samples of `testdata/`, by what they are samples of.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";

/** A sample that mutations begin with. */
interface Seed {
  /** Path from `testdata/`. */
  readonly path: string;
  /** Last part of the path, which detection sees. */
  readonly name: string;
}

const ROOT = new URL("../../testdata/", import.meta.url);
/** Larger ones cost much and add nothing. */
const MOST_BYTES = 256 * 1024;

let all: readonly Seed[] | undefined;
const loaded = new Map<string, Uint8Array>();

function seeds(): readonly Seed[] {
  all ??= readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/expected\.json$|oracle\.json$/u.test(entry.name))
    .map((entry) => ({
      path: `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/").split("/testdata/").at(-1) ??
        entry.name,
      name: entry.name,
    }))
    // What lies there beside the folders speaks of them.
    .filter(({ path }) => path.includes("/"))
    .sort((a, b) => a.path < b.path ? -1 : 1);
  return all;
}

/** The samples whose path from `testdata/` matches, in order of their paths. */
export function seedsOf(pattern: RegExp): readonly Seed[] {
  return seeds().filter(({ path }) => pattern.test(path));
}

/** The bytes of a sample, read once; the first 256 KiB. */
export function bytesOfSeed({ path }: Seed): Uint8Array {
  let bytes = loaded.get(path);
  if (bytes === undefined) {
    const url = new URL(path.split("/").map(encodeURIComponent).join("/"), ROOT);
    bytes = new Uint8Array(readFileSync(url)).subarray(0, MOST_BYTES);
    loaded.set(path, bytes);
  }
  return bytes;
}
