/**
 * Enforces the rooms of ARCHITECTURE.md: who may import whom, where `node:` may appear, behind which
 * module each npm package stands, and that `Deno` and `Bun` are named nowhere in `src/` but in the module
 * that gives permissions back.
 *
 *     deno run --allow-read=. scripts/check_imports.ts
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Import, importsOf, namesOf } from "./imports.ts";

/** A tree of modules: path from the checkout's root, with `/`, to text. */
export type Tree = ReadonlyMap<string, string>;

/** One broken rule. */
export interface Violation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** The rooms under `src/` and what each may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  sources: ["core"],
  codecs: ["core", "sources"],
  parsers: ["core", "sources", "codecs"],
  pickle: ["core", "sources", "codecs", "parsers"],
  bundles: ["core", "sources", "codecs", "parsers", "pickle"],
  formats: ["core", "sources", "codecs", "parsers", "pickle", "bundles"],
  rules: ["core", "parsers"],
  config: ["core", "sources", "parsers", "rules"],
  report: ["core", "codecs"],
  remote: ["core", "sources", "codecs", "parsers"],
  scan: [
    ...["core", "sources", "codecs", "parsers", "formats", "bundles", "rules", "remote"],
  ],
  cli: [
    ...["core", "sources", "codecs", "parsers", "pickle", "formats", "bundles", "rules"],
    ...["config", "report", "remote", "scan"],
  ],
  // The browser page, `web/`.
  web: ["core", "sources", "bundles", "rules", "report", "remote", "scan"],
};

/** Files at the root of the checkout; everything else in them is free. */
const MAY_NOT_IMPORT_AT_ROOT: Readonly<Record<string, readonly string[]>> = {
  "mod.ts": ["cli"],
  "cli.ts": [],
  "worker.ts": [],
};

/** The one list of formats, which may import all descriptors. */
const REGISTRY = "src/formats/registry.ts";

/** The rooms and files of `src/` in which `node:` may appear. */
const MAY_USE_NODE = [
  "src/sources/file.ts",
  "src/sources/folder.ts",
  "src/remote/node_transport.ts",
  "src/cli/",
];

/** Modules that need `node:`; a room that may not have it may not reach it through these either. */
const NEEDS_NODE = [
  "src/sources/file.ts",
  "src/sources/folder.ts",
  "src/remote/node_transport.ts",
];
const MAY_USE_FILES = ["src/sources/folder.ts", "src/cli/", "mod.ts", "cli.ts", "worker.ts"];
/** What loads them only when it is given a path or a URL, so that a browser never asks for them. */
const MAY_LOAD_FILES = [
  "src/scan/scan_inputs.ts",
  "src/scan/remote.ts",
  "src/scan/schedule/worker.ts",
];

/** Behind which modules each npm package stands; tests and scripts may use all of them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "smol-toml": ["src/rules/toml.ts", "src/config/", "src/parsers/toml.ts"],
  "re2js": ["src/config/patterns.ts"],
  "commander": ["src/cli/"],
  "h5wasm": ["src/formats/hdf5/library.ts"],
  "7z-wasm": ["src/codecs/sevenzip.ts"],
  "pako": ["src/codecs/inflate.ts"],
  "fast-check": [],
  "ajv": [],
};

/** Names of runtimes that the core must not know. */
const RUNTIMES = ["Deno", "Bun"];

/** The one module that may name them: what it gives back is Deno's. */
const KNOWS_RUNTIMES = "src/cli/permissions.ts";

/**
 * Checks every `.ts` file of the tree.
 *
 * @returns what is wrong, by path and line
 */
export function check(tree: Tree): Violation[] {
  const violations: Violation[] = [];
  for (const path of [...tree.keys()].sort()) {
    const text = tree.get(path) ?? "";
    const report = (line: number, message: string) => violations.push({ path, line, message });
    for (const imported of importsOf(text)) {
      const message = imported.specifier === undefined
        ? "imports a computed name, which cannot be checked: write it as a string"
        : checkImport(path, imported.specifier, imported, tree);
      if (message) report(imported.line, message);
    }
    if (/^(?:src|web)\//.test(path) && path !== KNOWS_RUNTIMES && !isTest(path)) {
      for (const name of namesOf(text)) {
        if (RUNTIMES.includes(name.name)) {
          report(name.line, `names the global ${name.name}: src/ runs everywhere`);
        }
      }
    }
  }
  violations.push(...cycles(tree));
  return violations.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line);
}

/** Cycles of imports between files and between folders of `src/`, `scripts/` and `web/`, tests apart. */
function cycles(tree: Tree): Violation[] {
  const files = new Map<string, Set<string>>();
  const folders = new Map<string, Set<string>>();
  const join = (graph: Map<string, Set<string>>, from: string, to: string): void => {
    if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  };
  for (const [path, text] of tree) {
    if (!/^(?:src|scripts|web)\//.test(path) || isTest(path)) continue;
    for (const { specifier } of importsOf(text)) {
      if (specifier === undefined || !/^\.{1,2}\//.test(specifier)) continue;
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      if (isTest(target)) continue;
      join(files, path, target);
      join(folders, posix.dirname(path), posix.dirname(target));
    }
  }
  const cycle = (graph: ReadonlyMap<string, ReadonlySet<string>>, what: string): Violation[] =>
    componentsOf(graph).map((members) => ({
      path: members[0] ?? "",
      line: 1,
      message: `is in a cycle of ${what}: ${members.join(", ")}`,
    }));
  return [...cycle(files, "files"), ...cycle(folders, "folders")];
}

/** The strongly connected components of more than one member, each sorted (Tarjan's algorithm). */
function componentsOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): number => {
    const own = index.size;
    let least = own;
    index.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      const seen = index.get(next);
      if (seen === undefined) least = Math.min(least, visit(next));
      else if (stack.includes(next)) least = Math.min(least, seen);
    }
    if (least === own) {
      const members = stack.splice(stack.indexOf(node));
      if (members.length > 1) found.push(members.sort());
    }
    return least;
  };
  for (const node of [...graph.keys()].sort()) {
    if (!index.has(node)) visit(node);
  }
  return found;
}

/** Tests, and the helpers that only they import. */
function isTest(path: string): boolean {
  return /_test\.ts$|(^|\/)testing\//.test(path);
}

/** The room of a file: its folder under `src/`, `web`, else its root name. */
function roomOf(path: string): string {
  const [top, second] = path.split("/");
  return top === "src" && second !== undefined ? second : top ?? path;
}

/** What is wrong with one import, or undefined. */
function checkImport(
  path: string,
  specifier: string,
  imported: Import,
  tree: Tree,
): string | undefined {
  if (/^\.{1,2}\//.test(specifier)) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    return checkModule(path, target, imported, tree);
  }
  if (isTest(path) || path.startsWith("scripts/")) {
    return /^(https?|jsr|npm|data|blob):/.test(specifier) ? byAddress(specifier) : undefined;
  }
  if (specifier.startsWith("node:")) {
    if (
      path === "cli.ts" || path === "worker.ts" || MAY_USE_NODE.some((place) => isIn(path, place))
    ) return undefined;
    return `imports ${specifier}: only ${MAY_USE_NODE.join(", ")}, scripts and tests may use node:`;
  }
  return checkPackage(path, specifier);
}

function byAddress(specifier: string): string {
  return `imports ${specifier} by address: add a package to package.json and import it by name`;
}

function checkPackage(path: string, specifier: string): string | undefined {
  if (/^[a-z]+:/.test(specifier)) return byAddress(specifier);
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const places = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined;
  if (places === undefined) {
    return `imports the package "${name}": say in scripts/check_imports.ts behind which module it stands`;
  }
  if (places.some((place) => isIn(path, place))) return undefined;
  return places.length === 0
    ? `imports the package "${name}": it is for tests and scripts only`
    : `imports the package "${name}": only ${places.join(", ")} may`;
}

/** What is wrong with importing the module `target` of this tree. */
function checkModule(
  path: string,
  target: string,
  imported: Import,
  tree: Tree,
): string | undefined {
  if (target.startsWith("../")) return `imports ${target}, which is outside the checkout`;
  if (/^(src|scripts|web)\//.test(target) && !tree.has(target)) {
    return `imports ${target}, which does not exist`;
  }
  if (isTest(path) || path.startsWith("scripts/")) return undefined;
  if (isTest(target)) return `imports ${target}: what ships does not import tests`;
  const loadedLate = imported.typeOnly || imported.dynamic && MAY_LOAD_FILES.includes(path);
  if (
    NEEDS_NODE.includes(target) && !loadedLate && !MAY_USE_FILES.some((it) => isIn(path, it))
  ) {
    return `imports ${target}, which needs node:; only ${MAY_USE_FILES.join(", ")} may`;
  }
  const from = roomOf(path);
  const to = roomOf(target);
  const forbidden = Object.hasOwn(MAY_NOT_IMPORT_AT_ROOT, path)
    ? MAY_NOT_IMPORT_AT_ROOT[path]
    : undefined;
  if (forbidden !== undefined) {
    return forbidden.includes(to) ? `${path} must not import ${to} (${target})` : undefined;
  }
  if (!target.startsWith("src/") && from !== to) {
    return `imports ${target}, which is outside src/`;
  }
  if (from === to) return from === "formats" ? checkFormat(path, target) : undefined;
  const allowed = Object.hasOwn(MAY_IMPORT, from) ? MAY_IMPORT[from] : undefined;
  if (allowed === undefined) {
    return `is in the room "${from}", which scripts/check_imports.ts does not know`;
  }
  if (!allowed.some((one) => one === to || `src/${one}` === target)) {
    return `${from} must not import ${to} (${target})`;
  }
  return undefined;
}

/** Formats share nothing but the contract in `core/`, and only the registry knows them all. */
function checkFormat(path: string, target: string): string | undefined {
  if (path === REGISTRY) {
    return target.endsWith("/descriptor.ts") ? undefined : `imports ${target}: descriptors only`;
  }
  if (target === REGISTRY) return `imports ${target}: a format does not know the others`;
  return posix.dirname(path) === posix.dirname(target)
    ? undefined
    : `imports another format (${target}): yield an entry instead`;
}

function isIn(path: string, place: string): boolean {
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}

/**
 * Reads the modules of a checkout.
 *
 * @param root its folder
 */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const add = (path: string) => tree.set(path, readFileSync(join(root, path), "utf8"));
  for (const top of ["src", "scripts", "web"]) {
    for (const name of readdirSync(join(root, top), { recursive: true })) {
      const path = `${top}/${String(name).split(sep).join("/")}`;
      if (path.endsWith(".ts")) add(path);
    }
  }
  for (const name of readdirSync(root)) {
    if (name.endsWith(".ts")) add(name);
  }
  return tree;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const tree = readTree(root);
  const violations = check(tree);
  for (const { path, line, message } of violations) {
    console.error(`${path}:${line}: ${message}`);
  }
  if (violations.length > 0) {
    console.error(`check_imports: ${violations.length} of the rules of ARCHITECTURE.md are broken`);
    process.exitCode = 1;
  }
}
