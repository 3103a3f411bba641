/**
 * What Python modules of an archive call of one another while they are imported: `from .b import go; go()` runs
 * a function of `b.py`, which no reader of either module alone sees. Functions that another module calls are
 * read as run, with arguments that are not known.
 * https://docs.python.org/3/reference/import.html
 *
 * @module
 */

import type { Bundle, BundleObservation } from "../core/bundle.ts";
import type { Interest, Listing, Member } from "../core/types.ts";
import { decodePythonSource } from "../parsers/python/encoding.ts";
import { isBuildHook, isCommandMethod, isTestHook } from "../parsers/python/hooks.ts";
import { mentionsSinks, type SinkNames, sinkNames } from "../parsers/python/sink_names.ts";
import { judgeCalls } from "../parsers/python/source_facts.ts";
import { memberBytes } from "./member_bytes.ts";
import { type BuildCall, buildCalls } from "./python_builds.ts";
import { isClaimed, isInstalled, isPlainModule, noteStated } from "./python_sources.ts";

/** Bytes of a module: the limit of the reader of single modules, which says that a longer one is unread. CWE-770. */
const SOURCE_BYTES = 16 * 1024 * 1024;
/** Modules of one archive that are read together. The most in 258 wheels are 3,400. CWE-770. */
const MODULES = 10_000;
/** Times that functions are looked for which those found before call. The most in 258 wheels are 6. CWE-834. */
const ROUNDS = 12;
/** Formats whose members are one tree of modules. */
const ARCHIVES: ReadonlySet<string> = new Set(["zip", "tar"]);

/** Modules that a module may import, as the words behind `import` and `from`. CWE-1333: linear. */
const IMPORTS = /\b(?:import|from)[ \t]+([.\w]{1,256})/gu;
/** Folders of a project or an installation in which modules are found by their names. */
const ROOT =
  /^(?:.*\/)?(?:site-packages|dist-packages|src|lib|[^/]+\.data\/(?:purelib|platlib))\//u;

/** Functions and classes of a module. CWE-1333: linear. */
const DEFINED = /\b(def|class)[ \t]+(\w{1,256})/gu;
/** What `python -m` runs. */
const PROGRAM = /(?:^|\/)__main__\.py$/u;
/** Calls between the modules of an archive. */
export const pythonCallsBundle: Bundle = {
  id: "python-calls",
  title: "Calls between Python modules",
  matches: ({ format, members }) =>
    ARCHIVES.has(format) && members.some(({ name }) => /\.pyw?$/iu.test(name)),
  observe,
};

/** A module of the archive. */
interface Module {
  readonly member: Member;
  /** Dotted name of the package that it lies in; empty at the top. */
  readonly package: string;
  readonly text: string;
  /** Names in it that other modules call. */
  readonly called: Set<string>;
  /** False for one that is judged for itself, of which only is asked what it calls of others. */
  readonly isPlain: boolean;
  /** Names in it that reach something which could do harm; undefined before they were asked for. */
  sinks: SinkNames | undefined;
  /** True where it is run as a program. */
  main: boolean;
}

async function* observe(
  listing: Listing,
  _interest?: Interest,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  const names = namesOf(listing);
  const modules = new Map<string, Module>();
  const unread: string[] = [];
  for (const member of listing.members) {
    if (member.kind === "folder" || !/\.pyw?$/iu.test(member.name)) continue;
    if (modules.size >= MODULES) {
      unread.push(member.name);
      break;
    }
    // Who runs a package as a program starts its command.
    if (isClaimed(listing, member.name) || PROGRAM.test(member.name)) continue;
    const bytes = await memberBytes(member, SOURCE_BYTES);
    if (bytes === undefined || bytes.includes(0)) continue;
    const { text, unknown } = decodePythonSource(bytes);
    if (unknown !== undefined) continue;
    checkDeadline();
    const path = member.name.replace(/\.pyw?$/iu, "").replace(ROOT, "");
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    modules.set(member.name, {
      ...{ member, text, package: folder.replaceAll("/", "."), called: new Set() },
      sinks: undefined,
      isPlain: isPlainModule(listing, member),
      main: /(?:^|\/)setup\.py$/u.test(member.name),
    });
  }
  const relevant = relevantOf(modules, names, checkDeadline);
  const installed = isInstalled(listing);
  if (!installed) {
    const builds = await buildCalls(listing);
    seed(builds.calls, modules, names);
    unread.push(...builds.unread);
  }
  const found = new Map<string, readonly BundleObservation[]>();
  // What was not read to its end is incomplete, and takes the most time.
  const unfollowed = new Set<Module>();
  const lasts = new Set([...relevant].map(({ member: { name } }) => lastOf(name)));
  let waiting = new Set(relevant);
  for (let round = 0; waiting.size > 0; round++) {
    const next = new Set<Module>();
    for (const module of waiting) {
      const { observations, reaches } = judgeCalls(module.text, "python-archive", {
        ...{ checkDeadline, called: [...module.called], main: module.main },
        functions: functionsOf(module, installed),
      });
      const part = module.member.name;
      if (observations.some((each) => each.type === "anomaly" && each.unread === true)) {
        unfollowed.add(module);
      }
      // Whether hooks known by their names run hangs on the name of the archive.
      const isHooked = !installed && module.called.size === 0 && HOOKS.test(module.text);
      if (module.isPlain && !isHooked) {
        found.set(part, observations.map((observation) => ({ part, observation })));
      }
      for (const path of reaches) {
        for (const [target, name] of targetsOf(path, module, names)) {
          const other = modules.get(target);
          if (other === undefined || !relevant.has(other) || other.called.has(name)) continue;
          other.sinks ??= sinkNames(other.text, lasts);
          const [first = ""] = name.split(".", 1);
          // A method of a class that it does not define is inherited.
          if (!other.text.includes(name.slice(name.lastIndexOf(".") + 1))) continue;
          if (!other.sinks.all && !other.sinks.names.has(first)) continue;
          other.called.add(name);
          if (!unfollowed.has(other)) next.add(other);
        }
      }
    }
    waiting = round < ROUNDS ? next : new Set();
    for (const { member, isPlain } of round < ROUNDS ? [] : next) {
      if (!isPlain) continue;
      const detail = "Not all of what other modules call of it was followed";
      const observation = { type: "anomaly", rule: "python-unread", detail, unread: true } as const;
      found.set(member.name, [...found.get(member.name) ?? [], {
        part: member.name,
        observation,
      }]);
    }
  }
  for (const part of unread) {
    const detail = "Not all of what it has called of the modules of the archive was followed";
    const observation = { type: "anomaly", rule: "python-unread", detail, unread: true } as const;
    yield { part, observation };
  }
  for (const [name, observations] of found) {
    noteStated(listing, name);
    yield* observations;
  }
}

/** What modules with hooks of builds say. */
const HOOKS = /\bbuild_(?:wheel|sdist|editable)\b|\bpdm_build_|\bhatchling\b/u;

/** Functions of a module that are called by their names: hooks of builds, commands and tests. */
function functionsOf(
  { isPlain, text }: Module,
  installed: boolean,
): ((path: string) => boolean) | undefined {
  if (!isPlain) {
    return (path) => isCommandMethod(path.slice(path.lastIndexOf(".") + 1)) || isTestHook(path);
  }
  return installed ? undefined : (path) => isBuildHook(path, text);
}

/** Has modules called as the configuration of their project says. */
function seed(
  calls: readonly BuildCall[],
  modules: ReadonlyMap<string, Module>,
  names: ReadonlyMap<string, string>,
): void {
  for (const { file, module, name, prefix, methods } of calls) {
    const target = modules.get(file ?? names.get(module ?? "") ?? "");
    if (target === undefined) continue;
    if (prefix !== undefined || methods !== undefined) {
      for (const [, kind, own = ""] of target.text.matchAll(DEFINED)) {
        if (prefix !== undefined && own.startsWith(prefix)) target.called.add(own);
        if (kind !== "class") continue;
        for (const method of methods ?? []) target.called.add(`${own}.${method}`);
      }
    } else if (name !== undefined) target.called.add(name);
    else target.main = true;
  }
}

/** Files by the dotted names of their modules. */
function namesOf({ members }: Listing): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name, kind } of members) {
    if (kind === "folder" || !/\.pyw?$/iu.test(name)) continue;
    const path = name.replace(/(?:\/__init__)?\.pyw?$/iu, "");
    // A source distribution has a folder of its own around everything.
    for (const each of [path, path.replace(ROOT, ""), path.replace(/^[^/]+\//u, "")]) {
      const dotted = each.replaceAll("/", ".");
      if (!names.has(dotted)) names.set(dotted, name);
    }
  }
  return names;
}

/**
 * Modules that name something which could do harm, and those that import one of these: the others call
 * nothing that matters, whatever they call.
 */
function relevantOf(
  modules: ReadonlyMap<string, Module>,
  names: ReadonlyMap<string, string>,
  checkDeadline: () => void,
): ReadonlySet<Module> {
  const importers = new Map<string, Module[]>();
  const relevant = new Set<Module>();
  for (const module of modules.values()) {
    if (mentionsSinks(module.text, checkDeadline)) relevant.add(module);
    const imported = new Set<string>();
    for (const [, path = ""] of module.text.matchAll(IMPORTS)) {
      for (const name of foldersOf(path, module)) {
        const file = fileOf(name, names);
        if (file !== undefined) imported.add(file);
      }
    }
    for (const file of imported) {
      const known = importers.get(file);
      if (known === undefined) importers.set(file, [module]);
      else known.push(module);
    }
  }
  for (const module of relevant) {
    for (const each of importers.get(module.member.name) ?? []) relevant.add(each);
  }
  return relevant;
}

/** The last part of a module's dotted name. */
function lastOf(file: string): string {
  const path = file.replace(/(?:\/__init__)?\.pyw?$/iu, "");
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What a dotted name may be: relative to a package around the module, or in full. */
function foldersOf(path: string, { package: folder }: Module): readonly string[] {
  if (!path.startsWith(".")) return [path];
  const bare = path.replace(/^\.+/u, "");
  const found: string[] = [];
  for (let at = folder; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    found.push(bare === "" ? at : `${at}.${bare}`);
  }
  return [...found, bare];
}

/** The file of a module, or of the one that it is a name of. */
function fileOf(dotted: string, names: ReadonlyMap<string, string>): string | undefined {
  return names.get(dotted) ?? names.get(dotted.slice(0, Math.max(0, dotted.lastIndexOf("."))));
}

/** Files and names in them that a dotted path of a call may mean. */
function targetsOf(
  path: string,
  module: Module,
  names: ReadonlyMap<string, string>,
): readonly (readonly [file: string, name: string])[] {
  const found: (readonly [string, string])[] = [];
  for (const full of foldersOf(path, module)) {
    for (let at = full.lastIndexOf("."); at > 0; at = full.lastIndexOf(".", at - 1)) {
      const file = names.get(full.slice(0, at));
      if (file === undefined) continue;
      if (file !== module.member.name) found.push([file, full.slice(at + 1)]);
      break;
    }
  }
  return found;
}
