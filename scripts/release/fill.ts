/**
 * Fills names, versions, addresses and the pins of actions from `release.json` into docs, workflows, packages and
 * sources. With `--check`, demands that they are there already, and that no placeholder stands elsewhere.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ownProject, type Project, ROOT, slugOf, tarballOf } from "./project.ts";

/** What is filled in: files, what is replaced in them, and by what. */
interface Place {
  readonly files: RegExp;
  readonly pattern: RegExp;
  readonly value: (project: Project, found: RegExpMatchArray) => string;
}

/** Any version. */
const VERSION = String.raw`\d+\.\d+\.\d+(?:-[0-9a-z]+(?:\.[0-9a-z]+)*)?`;

/** Every file that is looked at. */
const ALL = /(?:)/;
const MANIFESTS = /^(?:package|deno|package-lock)\.json$/;
const YAML = /\.ya?ml$/;

const PLACES: readonly Place[] = [
  {
    files: ALL,
    pattern: /https:\/\/github\.com\/[\w.-]+\/modelaudit(?![\w-])/g,
    value: ({ repository }) => repository,
  },
  {
    files: ALL,
    pattern: /(?<=uses: |--repo |repos\/|REPOSITORY: )[\w.-]+\/modelaudit(?![\w-])/g,
    value: slugOf,
  },
  {
    files: ALL,
    pattern: /(?<![\w/.])@[a-z0-9-]+\/modelaudit(?![\w-])/g,
    value: (project) => project.package,
  },
  {
    files: ALL,
    pattern: /ghcr\.io\/[\w.-]+\/modelaudit(?![\w-])/g,
    value: ({ image }) => image,
  },
  {
    files: ALL,
    pattern: new RegExp(`\\b[a-z0-9-]+-modelaudit-${VERSION}\\.tgz`, "g"),
    value: tarballOf,
  },
  {
    files: /\.(?:md|ya?ml)$/,
    pattern:
      /(?<=pip install |uvx --from |pypi\.org\/p\/|pypi\.org\/project\/)modelaudit(?:-[a-z0-9]+)*/g,
    value: ({ pypi }) => pypi,
  },
  {
    files: /\.(?:md|ya?ml|sh)$|^Dockerfile$/,
    pattern: new RegExp(
      `(?<=modelaudit@v|modelaudit:|rev: v|releases/download/v|VERSION=|tags/v)${VERSION}`,
      "g",
    ),
    value: ({ version }) => version,
  },
  {
    files: /\.md$/,
    pattern: new RegExp(`\\bmodelaudit(?:_[a-z0-9]+)*-${VERSION}(?=-py3-)`, "g"),
    value: ({ pypi, version }) => `${pypi.replaceAll("-", "_")}-${version}`,
  },
  {
    files: /^docs\/report\.md$/,
    pattern: new RegExp(`(?<="name": "modelaudit", "version": ")${VERSION}`, "g"),
    value: ({ version }) => version,
  },
  {
    files: /^SECURITY\.md$/,
    pattern: /(?<=\| )\d+\.\d+(?=\.x +\| yes)/g,
    value: ({ version }) => version.split(".").slice(0, 2).join("."),
  },
  {
    files: /^action\.yml$/,
    pattern: new RegExp(`(?<=version:\\n(?:    .*\\n)*?    default: ")${VERSION}`, "g"),
    value: ({ version }) => version,
  },
  {
    files: /^scripts\/hook$/,
    pattern: new RegExp(`(?<=^version=)${VERSION}`, "gm"),
    value: ({ version }) => version,
  },
  {
    files: /^src\/core\/version\.ts$/,
    pattern: new RegExp(`(?<=TOOL_VERSION = ")${VERSION}`, "g"),
    value: ({ version }) => version,
  },
  {
    files: /^src\/core\/version\.ts$/,
    pattern: /(?<=RELEASE_DATE = ")[\d-]+/g,
    value: ({ released }) => released,
  },
  {
    // The first in a manifest, and the two of the root in a lock file, follow a name.
    files: MANIFESTS,
    pattern: new RegExp(`(?<="name": "@[a-z0-9-]+/modelaudit",\\s+"version": ")${VERSION}`, "g"),
    value: ({ version }) => version,
  },
  {
    files: /^python\/pyproject\.toml$/,
    pattern: new RegExp(`(?<=^version = ")${VERSION}`, "gm"),
    value: ({ version }) => version,
  },
  {
    files: /^python\/pyproject\.toml$/,
    pattern: /(?<=^name = ")[\w-]+/gm,
    value: ({ pypi }) => pypi,
  },
  {
    files: /^package\.json$/,
    pattern: /(?<=^ {2}"description": ")[^"]*/gm,
    value: ({ description }) => description,
  },
  {
    files: YAML,
    pattern: /(?<=uses: )(?!\.\/)([\w.-]+\/[\w.-]+(?:\/[\w./-]+)?)@\S+(?: # v[\d.]+)?/g,
    value: pinOf,
  },
];

/** Files that are filled: all of these that are texts. */
const FILES =
  /^(?:[\w.-]+\.(?:md|json|ya?ml|ts)|Dockerfile|Makefile|\.github\/.*|docs\/.*|python\/.*|web\/.*|src\/.*|scripts\/.*)$/;

/** What stays as it is: history, measurements of a day, this table and what other programs are called. */
const LEFT =
  /^(?:CHANGELOG\.md|release\.json|docs\/(?:benchmarks|comparison)\.md|scripts\/(?:release\/fill|compare\/|bench\/).*)$|\.(?:png|svg|wasm)$/;

/** What stands for a value that is to be written by hand. */
const PLACEHOLDERS =
  /\bOWNER\/modelaudit|host\/owner|your-org|YOUR_[A-Z]+|<owner>|\bTODO\b|\bFIXME\b|example\.(?:com|org)\/modelaudit/;

/** Where placeholders are none: they are what is searched for, or document a rule of its own. */
const MAY_HOLD = /^(?:src|scripts)\//;

/** `NAME@COMMIT # VERSION`, or `NAME@MAJOR` where the commit is not known; ours stays at the release's tag. */
function pinOf(project: Project, [text, name = ""]: RegExpMatchArray): string {
  if (name === slugOf(project)) return `${name}@v${project.version}`;
  const pin = Object.hasOwn(project.actions, name) ? project.actions[name] : undefined;
  if (pin === undefined) throw new SyntaxError(`release.json has no pin for "${text}"`);
  return pin.commit === undefined
    ? `${name}@${pin.version.split(".")[0]}`
    : `${name}@${pin.commit} # ${pin.version}`;
}

/**
 * A file's text with all values filled in.
 *
 * @param path from the root, with slashes
 * @throws SyntaxError when an action has no pin
 */
export function filled(path: string, text: string, project: Project): string {
  let result = text;
  for (const { files, pattern, value } of PLACES) {
    if (!files.test(path)) continue;
    result = result.replaceAll(
      pattern,
      (...found) => value(project, found as unknown as RegExpMatchArray),
    );
  }
  return result;
}

/** The first placeholder in a text; undefined when there is none. */
export function placeholderIn(path: string, text: string): string | undefined {
  return MAY_HOLD.test(path) ? undefined : PLACEHOLDERS.exec(text)?.[0];
}

/** Paths of files that are filled, below a folder that is a checkout. */
export function pathsIn(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((it) => !/^(?:node_modules|dist|coverage|\.cache|\.git|testdata|rules)$/.test(it.name))
    .flatMap((it) =>
      it.isDirectory()
        ? readdirSync(join(root, it.name), { recursive: true, withFileTypes: true })
          .filter((file) => file.isFile())
          .map((file) => join(file.parentPath, file.name).slice(root.length + 1))
        : [it.name]
    )
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => FILES.test(path) && !LEFT.test(path))
    .sort();
}

if (import.meta.main) {
  const project = ownProject();
  const check = process.argv.includes("--check");
  const wrong: string[] = [];
  for (const path of pathsIn(ROOT)) {
    const text = readFileSync(join(ROOT, path), "utf8");
    const placeholder = placeholderIn(path, text);
    if (placeholder !== undefined) wrong.push(`${path} has the placeholder "${placeholder}"`);
    const result = filled(path, text, project);
    if (result === text) continue;
    if (check) wrong.push(`${path} is not what release.json says: run make rules`);
    else writeFileSync(join(ROOT, path), result);
  }
  for (const line of wrong) process.stderr.write(`${line}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}
