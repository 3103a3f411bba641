/**
 * Which code runs: two builds of one version may hold different code, and results of one say nothing of the other.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The digest of the sources that a build was made of, which `scripts/build.ts` fills in. */
declare const BUILD_DIGEST: string | undefined;

/** What runs of a checkout, and the versions of packages. */
const RUNS = ["cli.ts", "worker.ts", "package-lock.json", "src"];

let known: string | undefined;

/**
 * SHA-256 of the sources of the program that runs, in lower-case hexadecimal: of a build the one of what it was made
 * of, of a checkout that of its files. It is the same for both where the sources are.
 *
 * @returns undefined where they cannot be read
 */
export function codeDigest(): string | undefined {
  if (typeof BUILD_DIGEST === "string") return BUILD_DIGEST;
  try {
    known ??= digestOfSources(fileURLToPath(new URL("../../../", import.meta.url)));
  } catch {
    // Bundled by another tool, or not permitted.
  }
  return known;
}

/**
 * SHA-256 of the sources in a checkout, by path and content, in lower-case hexadecimal.
 *
 * @throws Error where one cannot be read
 */
export function digestOfSources(root: string): string {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  };
  const walk = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true })
      .sort((a, b) => a.name < b.name ? -1 : 1);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== "testing") walk(path);
      } else if (!entry.name.endsWith("_test.ts")) add(path);
    }
  };
  for (const path of RUNS) path.includes(".") ? add(path) : walk(path);
  return hash.digest("hex");
}
