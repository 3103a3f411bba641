/**
 * For the tests of the npm package: it is built and packed, and installed where a user would.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import ts from "typescript";
import type { LockFile } from "../release/lock.ts";
import { build, ROOT } from "./scripts.ts";

/** What users install and import. */
export const PACKAGE_NAME = "@modelaudit/modelaudit";

/** What `npm pack` says of a package. */
interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** A project that has the package. */
interface Project {
  readonly folder: string;
  /** The installed package. */
  readonly home: string;
  /** Packs the package and what it depends on, and installs all, offline; once. */
  install(): Packed;
}

/** An empty project, below a folder that exists. */
export function projectIn(scratch: string): Project {
  const folder = join(scratch, "project");
  let packed: Packed | undefined;
  return {
    folder,
    home: join(folder, "node_modules", PACKAGE_NAME),
    install: () => packed ??= installIn(scratch, folder),
  };
}

function installIn(scratch: string, folder: string): Packed {
  mkdirSync(folder);
  const built = build(scratch, "npm");
  assert.equal(built.status, 0, built.stdout + built.stderr);
  const packed = pack(join(scratch, "npm"), folder);
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const own = JSON.parse(readFileSync(join(scratch, "npm", "package.json"), "utf8"));
  const others = [...closure(Object.keys(own.dependencies), lock)].map((name) =>
    [name, `file:${pack(join(ROOT, "node_modules", name), folder).filename}`] as const
  );
  const dependencies = { [PACKAGE_NAME]: `file:${packed.filename}`, ...Object.fromEntries(others) };
  writeJson(join(folder, "package.json"), { private: true, type: "module", dependencies });
  run(folder, "npm", "install", "--no-audit", "--no-fund");
  return packed;
}

/** `npm pack` of a folder, into another. */
function pack(folder: string, to: string): Packed {
  const packed = run(to, "npm", "pack", "--json", `--pack-destination=${to}`, folder);
  const [one] = JSON.parse(packed) as Packed[];
  assert.ok(one);
  // An older npm names the file of a scoped package with its slash.
  return { ...one, filename: basename(one.filename) };
}

/** Packages that the given ones need, themselves included, by what the lock file says. */
function closure(names: readonly string[], lock: LockFile): Set<string> {
  const all = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (all.has(name)) continue;
    all.add(name);
    open.push(...Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {}));
  }
  return all;
}

/** Runs a program that must end well, npm without a network. */
export function run(folder: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      npm_config_cache: join(dirname(folder), "npm-cache"),
      npm_config_offline: "true",
      npm_config_ignore_scripts: "true",
    },
  });
  assert.equal(status, 0, `${program} ${args.join(" ")}\n${stdout}${stderr}${error ?? ""}`);
  return stdout;
}

/** Writes a value as JSON. */
export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}

/** The programs in the doc comments and pages. */
export function examples(): string[] {
  return ["mod.ts", "README.md", "docs/api.md", "docs/npm.md"].flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8").replaceAll(/^ \* ?/gm, "");
    return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  });
}

/** A program in JavaScript, for Node 20, which knows no types. */
export function withoutTypes(code: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
