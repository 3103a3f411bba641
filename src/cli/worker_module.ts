/**
 * Where the module lies that worker threads run.
 *
 * @module
 */

let provided: URL | undefined;

/** Says where it is, for executables that have it at a place of their own. */
export function provideWorker(place: URL): void {
  provided = place;
}

/**
 * Where it is: the place provided, else beside an entry of the program and of the same kind.
 *
 * @param entry address of the entry, `…/cli.ts` or `…/cli.js`
 */
export function workerBeside(entry: string): URL {
  return provided ?? new URL(`worker${entry.slice(entry.lastIndexOf("."))}`, entry);
}
