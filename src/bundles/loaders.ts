/**
 * Python files of a folder that a loader runs: those that a configuration names (`loader_module` of
 * MLflow, `model_file` of mlx-lm), and those that a server or library runs by their names
 * (`handler.py`, `code/inference.py`). Which they are is the table `rules/loaders.toml`.
 *
 * @module
 */

import { withoutEnd } from "../parsers/ends.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";
import type { Interest, Listing, Member } from "../core/types.ts";
import { baseName } from "../parsers/base_name.ts";
import type { LoaderEntry } from "../core/loader.ts";
import { globOf, type LoaderHit, loaderTable } from "../parsers/config/match.ts";
import { notationOf, readConfig } from "../parsers/config/read.ts";
import { decodePythonSource } from "../parsers/python/encoding.ts";
import { memberBytes } from "./member_bytes.ts";
import { normalPath } from "./normal_path.ts";
import { claimSource, isClaimed, isInstalled } from "./python_sources.ts";
import { importedSources } from "./repository.ts";

/**
 * Bytes of a configuration that is read for the modules that it names. The largest YAML file of packages in
 * use has 0.6 MB. CWE-770.
 */
const CONFIGURATION_BYTES = 4 * 1024 * 1024;
/**
 * Configurations and Python files read of one listing. The largest package in use, transformers 5.24, has
 * 2,912. CWE-770.
 */
const FILES = 10_000;
/**
 * Bytes of a Python file that is searched for the text of a rule. The largest of 34,382 files of packages in
 * use has 1.4 MB. CWE-770.
 */
const SOURCE_BYTES = 4 * 1024 * 1024;

/** Formats of packages: every module in one of these is read, whether or not a configuration names it. */
const ARCHIVES: ReadonlySet<string> = new Set(["zip", "tar"]);

/** Python that loaders run. */
export const loadersBundle: Bundle = {
  id: "loaders",
  title: "Loaders of configurations",
  coverage: [[
    "code beside configurations",
    "Python that MLflow, mlx-lm, MONAI and others import by a configuration; `handler.py`, `code/inference.py` and their kin",
  ]],
  matches: ({ members }) => members.some(({ name }) => /\.py$/iu.test(name)),
  observe,
};

/** A Python file that runs, and why. */
interface Run {
  readonly sourcePath: string;
  /** Name of the class that is made, or empty. */
  readonly className: string;
  /** The configuration that names it; undefined where its own name does. */
  readonly by: string | undefined;
  readonly library: string;
}

async function* observe(
  listing: Listing,
  interest: Interest = NONE,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  const files = new Map(listing.members.map((member) => [member.name, member]));
  const isNear = nearIn(listing);
  const installed = ARCHIVES.has(listing.format) && isInstalled(listing);
  const table = loaderTable(interest);
  const runs: Run[] = [];
  let read = 0;
  for (const member of listing.members) {
    const entries = /\.py$/iu.test(member.name)
      ? table.runs(member.name).filter(({ near }) => isNear(member.name, near))
      : undefined;
    const reads = entries === undefined
      ? notationOf(baseName(member.name)) !== undefined
      : entries.some(({ says }) => says !== undefined);
    if (reads && ++read > FILES) {
      if (read === FILES + 1) yield tooMany(member.name);
      // Names are known without reading anything.
      const named = entries?.filter(({ says }) => says === undefined) ?? [];
      runs.push(...await runByName(member, named));
    } else if (entries !== undefined) runs.push(...await runByName(member, entries));
    else if (reads) runs.push(...await runByConfiguration(member, { files, interest, installed }));
  }
  yield* judge(runs.filter(({ sourcePath }) => !isClaimed(listing, sourcePath)), files, {
    listing,
    checkDeadline,
  });
}

/** Configurations and Python files that were not read, as an observation about the first of them. */
function tooMany(part: string): BundleObservation {
  const detail = `Only the first ${FILES} configurations and Python files were read for what runs`;
  return {
    part,
    observation: { type: "anomaly", rule: "repository-unread", detail, unread: true },
  };
}

const NONE: Interest = { argumentsMatter: () => true };

/** A file that is run because of its name and what it says. */
async function runByName(member: Member, entries: readonly LoaderEntry[]): Promise<Run[]> {
  const found: Run[] = [];
  let text: string | undefined;
  for (const { says, library } of entries) {
    if (says !== undefined) {
      const bytes = text === undefined ? await memberBytes(member, SOURCE_BYTES) : undefined;
      if (bytes !== undefined) text = decodePythonSource(bytes).text;
      if (text === undefined || !new RegExp(says, "mu").test(text)) continue;
    }
    found.push({ sourcePath: member.name, className: "", by: undefined, library });
  }
  return found;
}

/**
 * Whether one of some files lies in the folder of a file, or in the one above. Each question is answered
 * once for a folder, so that listings of many files take linear time.
 */
function nearIn({ members }: Listing): (name: string, near: readonly string[]) => boolean {
  const byFolder = new Map<string, string[]>();
  for (const { name } of members) {
    const folder = folderOf(name);
    const memberNames = byFolder.get(folder);
    if (memberNames === undefined) byFolder.set(folder, [name]);
    else memberNames.push(name);
  }
  const answers = new Map<string, boolean>();
  const answer = (pattern: string, folder: string | undefined): boolean => {
    const key = `${folder ?? "//"} ${pattern}`;
    let found = answers.get(key);
    if (found === undefined) {
      const glob = globOf(pattern);
      found = folder === undefined
        ? members.some(({ name }) => glob.test(name))
        : byFolder.get(folder)?.some((name) => glob.test(name)) ?? false;
      answers.set(key, found);
    }
    return found;
  };
  return (name, near) => {
    if (near.length === 0) return true;
    const folder = folderOf(name);
    const above = folderOf(folder.slice(0, -1));
    return near.some((pattern) =>
      answer(pattern, folder) || answer(pattern, above) ||
      (pattern.includes("/") && answer(pattern, undefined))
    );
  };
}

async function runByConfiguration(
  member: Member,
  { files, interest, installed }: {
    readonly files: ReadonlyMap<string, Member>;
    readonly interest: Interest;
    readonly installed: boolean;
  },
): Promise<Run[]> {
  const notation = notationOf(baseName(member.name));
  if (notation === undefined) return [];
  const bytes = await memberBytes(member, CONFIGURATION_BYTES);
  if (bytes === undefined) return [];
  const { roots } = readConfig(bytes, notation);
  const { hits } = loaderTable(interest).match(roots, member.name);
  const folders = moduleFolders(member.name, hits);
  return hits.flatMap((hit) => {
    const { code: { does, common, tag }, entry: { library } } = hit;
    // Data of an installed package name its classes under `type` for many programs, and tags name functions of
    // the configuration's own.
    const isOther = common === true && (installed || tag !== undefined);
    const isFile = does === "run" || does === "include";
    return namedModules(hit).flatMap((text) => {
      for (const { path, className } of candidates(text, isFile)) {
        const sourcePath = folders.map((folder) => normalPath(folder + path)).find((name) =>
          files.has(name)
        );
        if (sourcePath === undefined) continue;
        // What is only imported or read as more of the configuration is judged by what it does.
        const by = does === "evaluate" || does === "prepare" || does === "include" || isOther
          ? undefined
          : member.name;
        return [{ sourcePath, className, by, library }];
      }
      return [];
    });
  });
}

/** Imports in Python text: `import a.b`, `from a import b`, behind which more may stand. CWE-1333: linear. */
const IMPORTS =
  /\b(?:from\s+([\w.]{1,256})\s+import\s+([\w, ]{1,512})|import\s+([\w., ]{1,512}))/gu;

/** Modules, classes or files that a place makes its loader run. */
function namedModules({ code: { does }, texts }: LoaderHit): readonly string[] {
  switch (does) {
    case "run":
    case "call":
    case "import":
      return texts;
    case "include":
      return texts.filter((text) => /\.py$/iu.test(text.trim()));
    case "evaluate":
    case "prepare":
      return texts.flatMap((text) =>
        [...text.matchAll(IMPORTS)].flatMap(([, from, names = "", modules = ""]) =>
          from === undefined
            ? words(modules)
            : [from, ...words(names).map((name) => `${from}.${name}`)]
        )
      );
    default:
      return [];
  }
}

/** The names of a list with commas, each without what it is called here. */
function words(list: string): string[] {
  return list.split(",").flatMap((one) => one.trim().split(/\s+/u, 1)).filter((one) => one !== "");
}

/** Folders in which loaders search a module: the configuration's, those above, and `code`. */
function moduleFolders(name: string, hits: readonly LoaderHit[]): string[] {
  const own = folderOf(name);
  const roads = [own];
  for (let at = own; at !== ""; at = folderOf(at.slice(0, -1))) {
    roads.push(folderOf(at.slice(0, -1)));
  }
  const named = hits.filter(({ path }) => path.at(-1) === "code").flatMap(({ texts }) => texts);
  return roads.flatMap((road) => [
    road,
    `${road}code/`,
    ...named.map((folder) => `${road}${withoutEnd(folder, "/")}/`),
  ]);
}

/** Files that a path, a module or the name of a class may mean, the longest module first. */
function candidates(
  text: string,
  isFile: boolean,
): { readonly path: string; readonly className: string }[] {
  const [before = "", className = ""] = text.trim().split(":");
  const found: { path: string; className: string }[] = [];
  if (isFile && /[/.]py$|\//u.test(before)) {
    found.push({ path: before, className }, {
      path: `${before.replace(/\/$/u, "")}/__init__.py`,
      className,
    });
  }
  const parts = before.replace(/\.py$/u, "").split(/[./\\]+/u).filter((part) => part !== "");
  for (let end = parts.length; end > 0; end--) {
    const path = parts.slice(0, end).join("/");
    const name = className === "" ? parts[end] ?? "" : className;
    found.push({ path: `${path}.py`, className: name }, {
      path: `${path}/__init__.py`,
      className: name,
    });
  }
  return found;
}

/** The verdict on each file that runs, and one issue for each configuration that names some. */
async function* judge(
  runs: readonly Run[],
  files: ReadonlyMap<string, Member>,
  { listing, checkDeadline }: {
    readonly listing: Listing;
    readonly checkDeadline: () => void;
  },
): AsyncIterable<BundleObservation> {
  if (runs.length === 0) return;
  const sources = await importedSources(runs, files, checkDeadline);
  for (const { name, facts, unread } of sources) {
    claimSource(listing, name);
    for (const observation of facts) yield { part: name, observation };
    if (unread === undefined) continue;
    const detail = `"${name}" cannot be read: ${unread}`;
    yield {
      part: name,
      observation: { type: "anomaly", rule: "repository-unread", detail, unread: true },
    };
  }
  const named = new Map<string, Run[]>();
  for (const run of runs) {
    if (run.by === undefined) continue;
    const known = named.get(run.by);
    if (known === undefined) named.set(run.by, [run]);
    else known.push(run);
  }
  for (const [part, all] of named) {
    const modules = [...new Set(all.map(({ sourcePath }) => sourcePath))];
    const own = new Set(modules);
    const called = sources.filter(({ name }) => own.has(name)).flatMap((source) => source.called);
    const calls = called.length === 0
      ? "importing it calls nothing outside it that could be seen"
      : `calls on the way: ${[...new Set(called)].slice(0, 6).join(", ")}`;
    const detail = `${all[0]?.library ?? ""} runs ${modules.slice(0, 6).join(", ")} (${calls}).`;
    yield { part, observation: { type: "anomaly", rule: "repository-own-code", detail } };
  }
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}
