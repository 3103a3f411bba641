/**
 * Which members of an archive are Python source that runs, and when, from their names alone: a
 * wheel's or an OCI layer's modules at import, `setup.py` at install, `sitecustomize.py` and path
 * files whenever Python starts. https://packaging.python.org/en/latest/specifications/,
 * https://docs.python.org/3/library/site.html
 *
 * What another bundle judges, such as the code that a model repository names, is left to it.
 *
 * @module
 */

import { HINT } from "../core/hints.ts";
import type { Listing, Member } from "../core/types.ts";

const MODULE = /\.pyw?$/iu;
const SETUP = /^(?:\.\/)?(?:[^/]+\/)?setup\.py$/u;
/** Where `site` looks: the root of what is installed into `site-packages`, or that folder itself. */
const SITE = /(?:^|\/)(?:(?:site|dist)-packages|[^/]+\.data\/(?:purelib|platlib))\/[^/]+$/u;
const STARTUP = /(?:^|\/)(?:site|user)customize(?:\/__init__)?\.py$/u;
const STARTUP_PACKAGE = /\/__init__\.py$/u;
/** What installing a wheel puts among the commands. */
const SCRIPT = /(?:^|\/)[^/]+\.data\/scripts\/[^/]+$/u;
const COMPILED = /\.pyc$/iu;
const CACHE = /(?:^|\/)__pycache__\/[^/]+$/u;
const NOTEBOOK = /\.ipynb$/iu;
const PATH_FILE = /\.pth$/iu;
const PACKAGE = /(?:^|\/)[^/]+\.dist-info\/(?:WHEEL|METADATA)$|(?:^|\/)EGG-INFO\/PKG-INFO$/u;

/** Members that a bundle judges as source of its own kind. */
const JUDGED = new WeakMap<Listing, Set<string>>();

/** Notes that a bundle judges a member's Python source, so that it is not judged twice. */
export function claimSource(listing: Listing, name: string): void {
  const judgedNames = JUDGED.get(listing) ?? new Set();
  JUDGED.set(listing, judgedNames.add(name));
}

/** True when a bundle judges a member's Python source. */
export function isClaimed(listing: Listing, name: string): boolean {
  return JUDGED.get(listing)?.has(name) ?? false;
}

/** True for a wheel, an egg or what was installed of one: its metadata are among the members. */
export function isInstalled({ members }: Listing): boolean {
  return members.some(({ name }) => PACKAGE.test(name));
}

/** Modules whose calls a bundle has stated, together with those of others. */
const STATED = new WeakMap<Listing, Set<string>>();

/** Notes that the calls of a module were stated, so that nothing but its kind is left to find. */
export function noteStated(listing: Listing, name: string): void {
  const stated = STATED.get(listing) ?? new Set();
  STATED.set(listing, stated.add(name));
}

/**
 * Hints for members that hold Python source. To be asked after the listing was shown to the
 * bundles, which may claim some.
 *
 * @param archive name of the archive
 */
export function pythonHints(archive: string, listing: Listing): ReadonlyMap<string, string> {
  const claimed = JUDGED.get(listing);
  const { members } = listing;
  const isWheel = /\.whl$/iu.test(archive);
  const installed = isWheel || /\.egg$/iu.test(archive) || isInstalled(listing);
  const hints = new Map<string, string>();
  for (const { name, kind } of members) {
    if (kind === "folder" || claimed?.has(name)) continue;
    const hint = hintOf(name, installed);
    if (hint === undefined) continue;
    if (STATED.get(listing)?.has(name) === true) hints.set(name, HINT.pythonJudged);
    else hints.set(name, isWheel && hint === HINT.pythonImport ? HINT.pythonInstalled : hint);
  }
  return hints;
}

/** True for a module that is only imported: it is no program, set-up, start-up or test code. */
export function isPlainModule(listing: Listing, { name, kind }: Member): boolean {
  if (kind === "folder" || !MODULE.test(name) || /(?:^|\/)conftest\.py$/u.test(name)) return false;
  return hintOf(name, isInstalled(listing)) === HINT.pythonImport;
}

function hintOf(name: string, installed: boolean): string | undefined {
  if (COMPILED.test(name)) return CACHE.test(name) ? HINT.pythonCached : HINT.pythonCompiled;
  const module = name.replace(STARTUP_PACKAGE, "");
  const atSite = SITE.test(module) || (installed && !module.includes("/"));
  if (PATH_FILE.test(name)) return atSite ? HINT.pythonPath : HINT.pythonPathMaybe;
  if (SCRIPT.test(name)) return HINT.pythonProgram;
  if (NOTEBOOK.test(name)) return HINT.pythonNotebook;
  if (!MODULE.test(name)) return undefined;
  if (atSite && STARTUP.test(name)) return HINT.pythonStartup;
  return !installed && SETUP.test(name) ? HINT.pythonInstall : HINT.pythonImport;
}
