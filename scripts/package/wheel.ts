/**
 * Lays out the Python package, `python/`, with the program, the version and what the program may see of the
 * environment put in, so that any builder of wheels can build it.
 *
 * @module
 */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENVIRONMENT, NETWORK_ENVIRONMENT } from "../../src/cli/io.ts";
import { TOOL_VERSION } from "../../src/core/version.ts";
import { REMOTE_SCHEMES } from "../../src/remote/resolve.ts";
import { NOTICES, noticesOf } from "../release/licenses.ts";
import type { LockFile } from "../release/lock.ts";
import { sevenZipLicenses } from "./stage.ts";

/** What is copied of `python/`; the rest are its tests. */
const SOURCES = ["pyproject.toml", "README.md", "src"] as const;

/**
 * Copies the sources of the Python package.
 *
 * @param root the checkout
 * @param folder an empty folder
 * @returns the folder for the bundled program
 */
export function stageWheel(root: string, folder: string): string {
  for (const name of SOURCES) {
    cpSync(join(root, "python", name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.includes("__pycache__"),
    });
  }
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  for (const [name, text] of Object.entries(sevenZipLicenses(root))) {
    writeFileSync(join(folder, name), text);
  }
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as LockFile;
  writeFileSync(join(folder, NOTICES), noticesOf(lock, []));
  const home = join(folder, "src", "modelaudit_scanner");
  writeFileSync(join(home, "_version.py"), versionModule());
  const program = join(home, "_program");
  mkdirSync(program);
  return program;
}

/** The module with what the program and the package must agree on. JSON's lists of texts are Python's. */
function versionModule(): string {
  return [
    '"""Written by the build: version, environment variables that the program may see, and what it fetches."""',
    "",
    `__version__ = ${JSON.stringify(TOOL_VERSION)}`,
    `ENVIRONMENT = ${JSON.stringify(ENVIRONMENT)}`,
    `NETWORK_ENVIRONMENT = ${JSON.stringify(NETWORK_ENVIRONMENT)}`,
    `REMOTE_SCHEMES = ${JSON.stringify(REMOTE_SCHEMES)}`,
    "",
  ].join("\n");
}
