/**
 * Where the browser page lies, one file that `make web` makes. It is read when it is served and not before, so that
 * no other command pays for it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";

let provided: (() => string) | undefined;

/** Gives the page, for executables that have it at a place of their own. */
export function providePage(read: () => string): void {
  provided = read;
}

/** Beside the entry in what is shipped, and where the build leaves it in a checkout. */
const PLACES = ["modelaudit.html", "dist/modelaudit.html"];

/**
 * The page.
 *
 * @param entry address of the program's entry, `…/cli.ts` or `…/cli.js`
 * @throws ConfigError where there is none
 */
export function readPage(entry: URL): string {
  if (provided !== undefined) return provided();
  for (const place of PLACES) {
    try {
      return readFileSync(new URL(place, entry), "utf8");
    } catch {
      // Perhaps it is at the next.
    }
  }
  throw new ConfigError(
    "serve",
    "Cannot serve the browser page: it was not built. Run make web first",
  );
}
