/**
 * Where the module of the worker threads lies.
 *
 * @module
 */

let provided: URL | undefined;

/** Names the worker's module, for executables that have it at a place of their own. */
export function provideWorkerModule(place: URL): void {
  provided = place;
}

/**
 * The worker's module: the one provided, else the one beside an entry of the program, of the same kind.
 *
 * @param entry address of the entry, `…/cli.ts` or `…/cli.js`
 */
export function workerModuleOf(entry: string): URL {
  return provided ?? new URL(`worker${entry.slice(entry.lastIndexOf("."))}`, entry);
}
