/**
 * Names as Python's unpickler understands them: where Python 2 names went, which modules are the
 * standard library's, and what a dotted name passes through on its way.
 *
 * A global is two strings, module and qualified name. The unpickler imports the module and follows
 * the name attribute by attribute, so that `torch` with `serialization.os.system` reaches
 * `os.system`: where the module's name ends and the attributes begin makes no difference to what
 * is reached, and everything here works on the two joined, the *path*.
 *
 * @module
 */

import { PYTHON2_GLOBALS, PYTHON2_MODULES } from "./python2_names.ts";
import { STDLIB_3_11, STDLIB_OTHER_VERSIONS } from "./stdlib_modules.ts";

/** A module and a name in it, which may have dots. */
interface Global {
  readonly module: string;
  readonly name: string;
}

/** Packages whose submodules stand for the standard library's: `six.moves.builtins` is `builtins`. */
const MOVES = /(?:^|\.)(?:six|future)\.moves\./;

/** A path that a global may reach. */
interface Reached {
  readonly path: string;
  /** Whether it begins with a part of the module's name, which is a module of the package's own. */
  readonly own: boolean;
}

const IDENTIFIER = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u;

let modules: ReadonlyMap<string, string> | undefined;
/** By module and name: most modules have none, which is known without joining the two. */
let globals: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined;
let stdlib: ReadonlySet<string> | undefined;

function pairs(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.trim().split("\n").map((line) => {
      const blank = line.indexOf(" ");
      return [line.slice(0, blank), line.slice(blank + 1)] as const;
    }),
  );
}

function byModule(
  paths: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const [path, target] of paths) {
    const dot = path.lastIndexOf(".");
    const names = found.get(path.slice(0, dot)) ?? new Map<string, string>();
    found.set(path.slice(0, dot), names.set(path.slice(dot + 1), target));
  }
  return found;
}

/** Module and name joined; only the module when there is no name. */
export function pathOf(module: string, name: string): string {
  return name === "" ? module : module === "" ? name : `${module}.${name}`;
}

/**
 * The Python 3 name for a Python 2 name, as a dotted path: `os.system` for `posix`'s Python 2 kin such
 * as `commands`, `builtins.range` for `__builtin__.xrange`.
 *
 * Names are looked up before modules, as CPython's `_pickle.c` does. Only for protocols 0 to 2 does
 * Python map; which protocol a file declares is its author's choice, so callers treat the result as a
 * second reading of every global.
 *
 * @returns undefined when the name is the same in both
 */
export function python3Path(module: string, name: string): string | undefined {
  globals ??= byModule(pairs(PYTHON2_GLOBALS));
  modules ??= pairs(PYTHON2_MODULES);
  const dot = name.indexOf(".");
  const first = dot < 0 ? name : name.slice(0, dot);
  const last = module.lastIndexOf(".");
  const moved = first === ""
    ? globals.get(module.slice(0, last))?.get(module.slice(last + 1))
    : globals.get(module)?.get(first);
  if (moved !== undefined) return dot < 0 ? moved : moved + name.slice(dot);
  const renamed = modules.get(module);
  return renamed === undefined ? undefined : pathOf(renamed, name);
}

/** True for a module that, or of which something, has another name in Python 3. */
export function hasPython3Names(module: string): boolean {
  globals ??= byModule(pairs(PYTHON2_GLOBALS));
  modules ??= pairs(PYTHON2_MODULES);
  return modules.has(module) || globals.has(module);
}

/** True for a module that only Python 2 had: a global in it can mean nothing but its new name. */
export function isPython2Only(module: string): boolean {
  modules ??= pairs(PYTHON2_MODULES);
  return (modules.has(module) || module === "exceptions") && !standardModules().has(module);
}

function standardModules(): ReadonlySet<string> {
  stdlib ??= new Set(`${STDLIB_3_11} ${STDLIB_OTHER_VERSIONS}`.trim().split(/\s+/));
  return stdlib;
}

/**
 * True when a module, given by name or by the path of something in it, belongs to the standard
 * library of some Python. A private module that no list has is somebody's own: libraries with compiled
 * modules write names such as `_loss`. `_sysconfigdata_` ends with the name of a platform.
 */
export function isStandardLibrary(path: string): boolean {
  const dot = path.indexOf(".");
  const root = dot < 0 ? path : path.slice(0, dot);
  return standardModules().has(root) || root.startsWith("_sysconfigdata_");
}

/** True for a top-level module of the standard library of some Python, by the lists alone. */
export function isListedStandardModule(root: string): boolean {
  return standardModules().has(root);
}

/** True for a name of which every part between dots is a Python identifier. */
export function isDottedName(text: string): boolean {
  return text.split(".").every((part) => IDENTIFIER.test(part));
}

/** A component without the underscores before it: `_os` is how libraries write `os` privately. */
export function withoutUnderscores(component: string): string {
  return component.startsWith("__") && component.endsWith("__")
    ? component
    : component.replace(/^_+/, "");
}

/**
 * The module's name with packages that stand for the standard library taken away:
 * `six.moves.builtins` is `builtins`, also where another package carries its own copy of six.
 */
export function withoutMoves(module: string): string {
  const found = MOVES.exec(module);
  return found === null ? module : module.slice(found.index + found[0].length);
}

/**
 * The absolute paths that a global may reach by way of modules which its module has imported:
 * `os.system` and `system` for `torch` + `serialization.os.system`, without the path itself.
 * Components are given as written and without leading underscores.
 *
 * @param global of the module's name only the parts in `inModule` count, since they are packages of its
 *   own (`mylib.code` is not `code`)
 * @param inModule names of modules of which packages carry copies or other names
 */
export function reachedPaths(global: Global, inModule: ReadonlySet<string>): Reached[] {
  const reached: Reached[] = [];
  const packages = global.module.split(".");
  const attributes = global.name === "" ? [] : global.name.split(".");
  const all = [...packages, ...attributes];
  for (let at = 1; at < all.length; at++) {
    const component = all[at] ?? "";
    if (at < packages.length && !inModule.has(component)) continue;
    const rest = all.slice(at + 1);
    const own = at < packages.length;
    reached.push({ path: [component, ...rest].join("."), own });
    const bare = withoutUnderscores(component);
    if (bare !== component && bare !== "") reached.push({ path: [bare, ...rest].join("."), own });
  }
  return reached;
}
