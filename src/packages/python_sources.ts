/**
 * Which members of an archive are Python source that runs, and when, from their names alone: a
 * wheel's or an OCI layer's modules at import, `setup.py` at install, `sitecustomize.py` and path
 * files whenever Python starts. https://packaging.python.org/en/latest/specifications/,
 * https://docs.python.org/3/library/site.html
 *
 * What another package judges, such as the code that a model repository names, is left to it.
 *
 * @module
 */

import type { Listing } from "../types.ts";

/** Hints of members that are Python source, by what makes them run. */
export const PYTHON_HINTS = {
  /** Whoever imports the module. */
  import: "python-import",
  /** Building or installing the source distribution. */
  install: "python-install",
  /** Every start of the interpreter that has it on its path. */
  startup: "python-startup",
  /** The same: a path file, of which only lines that begin with `import` are code. */
  path: "python-path",
  /** Whoever imports the module, of which there is no source: it is compiled. */
  compiled: "python-compiled",
  /** Whoever imports the module beside whose source its compiled form lies. */
  cached: "python-cached",
} as const;

/** Where path files of an archive that is no package are: a module's name ends otherwise. */
export const PYTHON_PATH_MAYBE_HINT = "python-path-maybe";

const MODULE = /\.pyw?$/iu;
const SETUP = /^(?:\.\/)?(?:[^/]+\/)?setup\.py$/u;
/** Where `site` looks: the root of what is installed into `site-packages`, or that folder itself. */
const SITE = /(?:^|\/)(?:(?:site|dist)-packages|[^/]+\.data\/(?:purelib|platlib))\/[^/]+$/u;
const STARTUP = /(?:^|\/)(?:site|user)customize(?:\/__init__)?\.py$/u;
const STARTUP_PACKAGE = /\/__init__\.py$/u;
const COMPILED = /\.pyc$/iu;
const CACHE = /(?:^|\/)__pycache__\/[^/]+$/u;
const PATH_FILE = /\.pth$/iu;
const PACKAGE = /(?:^|\/)[^/]+\.dist-info\/(?:WHEEL|METADATA)$|(?:^|\/)EGG-INFO\/PKG-INFO$/u;

/** Members that a package judges as source of its own kind. */
const JUDGED = new WeakMap<Listing, Set<string>>();

/** Notes that a package judges a member's Python source, so that nobody judges it a second time. */
export function claimSource(listing: Listing, name: string): void {
  const names = JUDGED.get(listing) ?? new Set();
  JUDGED.set(listing, names.add(name));
}

/**
 * Hints for members that hold Python source. To be asked after the listing was shown to the
 * packages, which may claim some.
 *
 * @param archive name of the archive
 */
export function pythonHints(archive: string, listing: Listing): ReadonlyMap<string, string> {
  const claimed = JUDGED.get(listing);
  const { members } = listing;
  const installed = /\.(?:whl|egg)$/iu.test(archive) ||
    members.some(({ name }) => PACKAGE.test(name));
  const hints = new Map<string, string>();
  for (const { name, kind } of members) {
    if (kind === "folder" || claimed?.has(name)) continue;
    const hint = hintOf(name, installed);
    if (hint !== undefined) hints.set(name, hint);
  }
  return hints;
}

function hintOf(name: string, installed: boolean): string | undefined {
  if (COMPILED.test(name)) return CACHE.test(name) ? PYTHON_HINTS.cached : PYTHON_HINTS.compiled;
  const module = name.replace(STARTUP_PACKAGE, "");
  const atSite = SITE.test(module) || (installed && !module.includes("/"));
  if (PATH_FILE.test(name)) return atSite ? PYTHON_HINTS.path : PYTHON_PATH_MAYBE_HINT;
  if (!MODULE.test(name)) return undefined;
  if (atSite && STARTUP.test(name)) return PYTHON_HINTS.startup;
  return !installed && SETUP.test(name) ? PYTHON_HINTS.install : PYTHON_HINTS.import;
}
