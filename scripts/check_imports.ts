/**
 * Enforces the rooms of ARCHITECTURE.md: who may import whom, where `node:` may appear, behind which
 * module each npm package stands, and that `Deno` and `Bun` are named nowhere in `src/`.
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
  // types.ts, errors.ts, limits.ts and other files directly in src/.
  base: ["source"],
  source: ["base", "bytes"],
  bytes: ["base", "source"],
  python: ["base", "source", "bytes", "formats/format.ts"],
  pickle: ["base", "source", "bytes", "python", "formats/format.ts"],
  packages: ["base", "source", "bytes", "python", "pickle", "formats/format.ts"],
  jinja: [],
  formats: ["base", "source", "bytes", "python", "pickle", "jinja", "packages"],
  rules: ["base", "python"],
  config: ["base", "source", "rules", "python"],
  report: ["base"],
  remote: ["base", "source", "bytes"],
  scan: ["base", "source", "bytes", "formats", "packages", "rules", "remote"],
  cli: [
    "base",
    "source",
    "bytes",
    "formats",
    "packages",
    "pickle",
    "python",
    "rules",
    "config",
    "report",
    "remote",
    "scan",
  ],
};

/** Files at the root of the checkout; everything else in them is free. */
const MAY_NOT_IMPORT_AT_ROOT: Readonly<Record<string, readonly string[]>> = {
  "mod.ts": ["cli"],
  "cli.ts": [],
  "worker.ts": [],
};

/** The base room names sources in its types, and needs nothing else of them. */
const TYPES_ONLY: readonly (readonly [room: string, of: string])[] = [["base", "source"]];

/** Files in `formats/` that every format may use: the contract, pure helpers and data. */
const SHARED_BY_FORMATS = [
  "src/formats/format.ts",
  "src/formats/detect.ts",
  "src/formats/torch_magic.ts",
];

/** The one list of formats, which may import them all. */
const REGISTRY = "src/formats/registry.ts";

/** The rooms and files of `src/` in which `node:` may appear. */
const MAY_USE_NODE = [
  "src/source/file.ts",
  "src/source/folder.ts",
  "src/remote/node_transport.ts",
  "src/cli/",
];

/** Modules that need `node:`; a room that may not have it may not reach it through these either. */
const NEEDS_NODE = [
  "src/source/file.ts",
  "src/source/folder.ts",
  "src/remote/node_transport.ts",
];
const MAY_USE_FILES = ["src/source/folder.ts", "src/cli/", "mod.ts", "cli.ts", "worker.ts"];
/** What loads them only when it is given a path or a URL, so that a browser never asks for them. */
const MAY_LOAD_FILES = ["src/scan_many.ts", "src/scan_remote.ts"];

/** Behind which modules each npm package stands; tests and scripts may use all of them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "smol-toml": ["src/rules/toml.ts", "src/config/"],
  "re2js": ["src/config/patterns.ts"],
  "commander": ["src/cli/"],
  "h5wasm": ["src/bytes/hdf5_library.ts"],
  "7z-wasm": ["src/bytes/sevenzip.ts"],
  "fast-check": [],
  "ajv": [],
};

/** Names of runtimes that the core must not know. */
const RUNTIMES = ["Deno", "Bun"];

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
        ? "imports a computed name, which nobody can check: write it as a string"
        : checkImport(path, imported.specifier, imported, tree);
      if (message) report(imported.line, message);
    }
    if (path.startsWith("src/") && !isTest(path)) {
      for (const name of namesOf(text)) {
        if (RUNTIMES.includes(name.name)) {
          report(name.line, `names the global ${name.name}: src/ runs everywhere`);
        }
      }
    }
  }
  return violations.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line);
}

/** Tests, and the helpers that only they import. */
function isTest(path: string): boolean {
  return /_test\.ts$|_test_helper\.ts$|(^|\/)testing(_[^/]*)?\.ts$/.test(path);
}

/** The room of a file: its folder under `src/`, `scan` for the loop (`scan.ts`, `scan_….ts`), `base` for the rest, else its root name. */
function roomOf(path: string): string {
  const [top, second, ...rest] = path.split("/");
  if (top !== "src" || second === undefined) return top ?? path;
  if (rest.length > 0) return second;
  return /^scan(_|\.ts$)/.test(second) ? "scan" : "base";
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
  if (/^(src|scripts)\//.test(target) && !tree.has(target)) {
    return `imports ${target}, which does not exist`;
  }
  if (isTest(path) || path.startsWith("scripts/")) return undefined;
  if (isTest(target)) return `imports ${target}: what ships does not import tests`;
  if (NEEDS_NODE.includes(target) && !MAY_USE_FILES.some((place) => isIn(path, place))) {
    if (imported.dynamic && MAY_LOAD_FILES.includes(path)) return undefined;
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
  if (!target.startsWith("src/")) return `imports ${target}, which is outside src/`;
  if (from === to) return from === "formats" ? checkFormat(path, target, tree) : undefined;
  const allowed = Object.hasOwn(MAY_IMPORT, from) ? MAY_IMPORT[from] : undefined;
  if (allowed === undefined) {
    return `is in the room "${from}", which scripts/check_imports.ts does not know`;
  }
  if (!allowed.some((one) => one === to || `src/${one}` === target)) {
    return `${from} must not import ${to} (${target})`;
  }
  const types = TYPES_ONLY.some(([room, of]) => room === from && of === to);
  return types && !imported.typeOnly
    ? `${from} may import only types from ${to} (${target})`
    : undefined;
}

/** Formats share only the contract; `zip_directory.ts` is a part of `zip.ts`. */
function checkFormat(path: string, target: string, tree: Tree): string | undefined {
  if (path === REGISTRY || SHARED_BY_FORMATS.includes(target)) return undefined;
  if (target === REGISTRY) return `imports ${target}: a format does not know the others`;
  if (familyOf(path, tree) === familyOf(target, tree)) return undefined;
  return `imports another format (${target}): yield an entry instead`;
}

/** The shortest beginning of the file's name, up to an underscore, that is a module of its own. */
function familyOf(path: string, tree: Tree): string {
  const words = posix.basename(path, ".ts").split("_");
  for (let count = 1; count < words.length; count++) {
    const family = `src/formats/${words.slice(0, count).join("_")}.ts`;
    if (tree.has(family)) return family;
  }
  return path;
}

function isIn(path: string, place: string): boolean {
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}

/** Reads the modules of a checkout. */
function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const add = (path: string) => tree.set(path, readFileSync(join(root, path), "utf8"));
  for (const top of ["src", "scripts"]) {
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
