/**
 * Finds exports that no other module imports:
 *
 *     scripts/check_exports.ts         names them and ends with 1
 *     scripts/check_exports.ts --fix   takes the word `export` away; what nothing uses after that,
 *                                      the type checker names
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readTree, type Tree, type Violation } from "./check_imports.ts";
import { exportsOf, importsOf, wordsOf } from "./imports.ts";

/** What is exported for users, or for modules that the build writes. */
const ENTRIES = ["mod.ts", "cli.ts", "worker.ts"];
const FOR_BUILDS: Readonly<Record<string, readonly string[]>> = {
  "src/codecs/decoder.ts": ["provideWasm"],
  "src/cli/worker_module.ts": ["provideWorkerModule"],
  "src/cli/page_file.ts": ["providePage"],
  "scripts/package/browser/file.ts": [
    ...["walk", "pathOfUrl", "openRegular", "hashFile", "sizeOf", "identityOf"],
  ],
  "web/scan/fetch_transport.ts": ["nodeTransport"],
  "scripts/package/browser/folder.ts": ["Folders"],
  "scripts/package/browser/node_transport.ts": ["nodeTransport"],
};

/**
 * Exports that no other module of the tree names although it imports the module.
 *
 * @returns one for each, by path and line
 */
export function unusedExports(tree: Tree): Violation[] {
  const users = usersOf(tree);
  const words = new Map<string, ReadonlySet<string>>();
  const names = (path: string): ReadonlySet<string> => {
    const known = words.get(path) ?? wordsOf(tree.get(path) ?? "");
    words.set(path, known);
    return known;
  };
  return [...tree].filter(([path]) => !ENTRIES.includes(path)).flatMap(([path, text]) =>
    exportsOf(text).filter(({ name }) =>
      !FOR_BUILDS[path]?.includes(name) &&
      ![...users.get(path) ?? []].some((user) => names(user).has(name))
    ).map(({ name, line }) => ({ path, line, message: `exports ${name}, which nothing imports` }))
  );
}

/** The modules that import each module, in whatever way. */
function usersOf(tree: Tree): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const [path, text] of tree) {
    for (const { specifier } of importsOf(text)) {
      if (specifier === undefined || !/^\.{1,2}\//.test(specifier)) continue;
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      users.set(target, (users.get(target) ?? new Set()).add(path));
    }
  }
  // Who imports a module that hands on all of another imports that one, too.
  for (const [path, text] of tree) {
    for (const [, specifier = ""] of text.matchAll(/^export \* from "([^"]+)";$/gm)) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      for (const user of users.get(path) ?? []) users.get(target)?.add(user);
    }
  }
  return users;
}

function fix(root: string, found: readonly Violation[]): void {
  for (const path of new Set(found.map((one) => one.path))) {
    const lines = readFileSync(root + path, "utf8").split("\n");
    for (const { line } of found.filter((one) => one.path === path)) {
      lines[line - 1] = (lines[line - 1] ?? "").replace(/^export /, "");
    }
    writeFileSync(root + path, lines.join("\n"));
  }
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const found = unusedExports(readTree(root));
  if (process.argv.includes("--fix")) fix(root, found);
  else {
    for (const { path, line, message } of found) console.error(`${path}:${line}: ${message}`);
    if (found.length > 0) process.exitCode = 1;
  }
}
