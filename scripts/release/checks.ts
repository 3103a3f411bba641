/**
 * What must hold of the files of a release. Each function gives what is wrong, one line each.
 *
 * @module
 */

import { licenseOf } from "./licenses.ts";
import type { LockFile } from "./lock.ts";
import type { Project } from "./project.ts";
import type { Target } from "./targets.ts";

/** Files that a package is refused without. */
const NEEDED = {
  npm: [
    ...["package.json", "README.md", "LICENSE", "LICENSE-THIRD-PARTY.txt", "sbom.cdx.json"],
    ...["cli.js", "worker.js", "mod.js", "browser.js", "types/mod.d.ts"],
    ...["modelaudit.1", "modelaudit.html"],
  ],
  jsr: ["mod.ts", "deno.json", "LICENSE", "README.md", "CHANGELOG.md"],
} as const;

/** What packages may hold. */
const MAY_HOLD = {
  npm:
    /^(?:(?:cli|worker|mod|browser)\.js|chunks\/[\w.-]+\.js|types\/(?:src\/)?[\w/-]+\.d\.ts|package\.json|README\.md|LICENSE[\w.-]*|sbom\.cdx\.json|modelaudit\.(?:1|html))$/,
  jsr:
    /^(?:mod\.ts|deno\.json|package\.json|(?:LICENSE|README\.md|CHANGELOG\.md)|src\/[\w/-]+\.ts)$/,
  wheel:
    /^[a-z_]+\/[\w./-]+\.(?:py|js|json|typed|wasm)$|^[a-z_]+\/_program\/[\w./-]+$|^[\w.-]+\.dist-info\/[\w./-]+$/,
} as const;

/** Tests, and what a build leaves of the machine that it ran on. */
const NEVER =
  /(?:_test\.|(?:^|\/)(?:testing|tests)\/|\.map$|\.pem$|\.key$|\.env|\.npmrc|node_modules|__pycache__)/;

function wrongNames(names: readonly string[], may: RegExp, needed: readonly string[]): string[] {
  return [
    ...names.filter((it) => !may.test(it) || NEVER.test(it)).map((it) => `it holds ${it}`),
    ...needed.filter((it) => !names.includes(it)).map((it) => `it has no ${it}`),
  ];
}

/** What is wrong with the npm package, by the names in it and its manifest. */
export function wrongInNpm(
  names: readonly string[],
  manifest: Readonly<Record<string, unknown>>,
  project: Project,
): string[] {
  const wrong = wrongNames(names, MAY_HOLD.npm, NEEDED.npm);
  const expected: Readonly<Record<string, unknown>> = {
    name: project.package,
    version: project.version,
    license: project.license,
    description: project.description,
    private: undefined,
    scripts: undefined,
    repository: { type: "git", url: `git+${project.repository}.git` },
  };
  for (const [key, value] of Object.entries(expected)) {
    if (JSON.stringify(manifest[key]) !== JSON.stringify(value)) {
      wrong.push(`"${key}" is ${JSON.stringify(manifest[key])}, not ${JSON.stringify(value)}`);
    }
  }
  return wrong;
}

/** What is wrong with the package for JSR, by the names that `deno publish` lists. */
export function wrongInJsr(names: readonly string[]): string[] {
  return wrongNames(names, MAY_HOLD.jsr, NEEDED.jsr);
}

/** What is wrong with a wheel, by the names in it and its METADATA. */
export function wrongInWheel(
  names: readonly string[],
  metadata: string,
  project: Project,
): string[] {
  const wrong = wrongNames(names, MAY_HOLD.wheel, []);
  const info = `${project.pypi.replaceAll("-", "_")}-${project.version}.dist-info`;
  for (const name of ["LICENSE", "LICENSE-THIRD-PARTY.txt"]) {
    if (!names.includes(`${info}/licenses/${name}`)) {
      wrong.push(`it has no ${info}/licenses/${name}`);
    }
  }
  const head = metadata.split("\n\n")[0] ?? "";
  for (const line of [`Name: ${project.pypi}`, `Version: ${project.version}`]) {
    if (!head.split(/\r?\n/).includes(line)) wrong.push(`METADATA has not "${line}"`);
  }
  if (!head.includes(project.repository)) {
    wrong.push(`METADATA does not name ${project.repository}`);
  }
  return wrong;
}

interface Component {
  readonly name?: string;
  readonly version?: string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly unknown[];
  readonly type?: string;
}

/** What is read of a bill of materials. */
export interface Bom {
  readonly metadata?: { readonly component?: Component };
  readonly components?: readonly Component[];
}

/** What is wrong with a bill of materials: it names all that is locked, and a runtime where there is one. */
export function wrongInSbom(
  bom: Bom,
  lock: LockFile,
  project: Project,
  runtime: string | undefined,
): string[] {
  const wrong: string[] = [];
  const own = bom.metadata?.component;
  if (own?.name !== project.name || own.version !== project.version) {
    wrong.push(`it is of ${own?.name} ${own?.version}`);
  }
  const named = new Map((bom.components ?? []).map((it) => [it.name, it]));
  for (const [path, { version, dev, license }] of Object.entries(lock.packages)) {
    if (path === "" || dev === true) continue;
    const name = path.replace(/^.*node_modules\//, "");
    const component = named.get(name);
    named.delete(name);
    if (component?.version !== version) {
      wrong.push(`${name} is ${component?.version}, not ${version}`);
    }
    if (component?.hashes === undefined) wrong.push(`${name} has no hash`);
    const said = JSON.stringify(component?.licenses);
    if (!said?.includes(`"${licenseOf(name, license)}"`)) {
      wrong.push(`${name} has the licence ${said}`);
    }
  }
  for (const [name, it] of named) {
    if (name !== runtime || it.type !== "platform" || it.licenses === undefined) {
      wrong.push(`${name} is none of what is locked`);
    }
  }
  if (runtime !== undefined && !named.has(runtime)) wrong.push(`it does not name ${runtime}`);
  return wrong;
}

/** What is wrong with checksums: each file has one line, its own, and no other file is named. */
export function wrongInSums(text: string, hashes: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  const left = new Map(hashes);
  for (const line of text.split("\n").slice(0, -1)) {
    const [, hash, name = ""] = /^([0-9a-f]{64}) {2}([\w.-]+)$/.exec(line) ?? [];
    if (left.get(name) !== hash || hash === undefined) wrong.push(`it has the line "${line}"`);
    left.delete(name);
  }
  if (!text.endsWith("\n")) wrong.push("its last line has no end");
  return [...wrong, ...[...left.keys()].map((name) => `it has no line of ${name}`)];
}

/** Magic numbers and machines of executables. */
const MACHINES: Readonly<Record<string, { readonly x64: number; readonly arm64: number }>> = {
  linux: { x64: 62, arm64: 183 },
  macos: { x64: 0x01000007, arm64: 0x0100000c },
  windows: { x64: 0x8664, arm64: 0xaa64 },
};

/** Dynamic linkers of C libraries. */
const LINKERS = { glibc: /\/ld-linux-[\w-]+\.so\.\d/, musl: /\/ld-musl-\w+\.so\.1/ } as const;

/**
 * What is wrong with an executable: it is one of its system, processor and C library.
 *
 * @param head at least the first 4 KiB
 */
export function wrongInExecutable(head: Uint8Array, target: Target): string[] {
  const [system = "", processor = ""] = target.name.split("-");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const text = new TextDecoder("latin1").decode(head);
  const machine = MACHINES[system]?.[processor === "arm64" ? "arm64" : "x64"];
  let found: number | undefined;
  if (system === "linux" && text.startsWith("\x7fELF")) found = view.getUint16(18, true);
  if (system === "macos" && view.getUint32(0, true) === 0xfeedfacf) found = view.getUint32(4, true);
  if (system === "windows" && text.startsWith("MZ")) {
    const at = view.getUint32(60, true);
    if (at + 6 <= head.length && text.startsWith("PE\0\0", at)) {
      found = view.getUint16(at + 4, true);
    }
  }
  if (found !== machine) return [`it is no executable for ${target.name}`];
  if (target.libc !== undefined && !LINKERS[target.libc].test(text)) {
    return [`it is not linked against ${target.libc}`];
  }
  return [];
}

/**
 * What is wrong with the changelog: it has the version with its day, and for a release nothing that is unreleased.
 *
 * @param tag the release's tag; undefined for a dry run
 */
export function wrongInChangelog(
  text: string,
  project: Project,
  tag: string | undefined,
): string[] {
  const wrong: string[] = [];
  if (!text.includes(`\n## [${project.version}] - ${project.released}\n`)) {
    wrong.push(`it has no section [${project.version}] - ${project.released}`);
  }
  if (tag === undefined) return wrong;
  if (tag !== `v${project.version}`) wrong.push(`the tag is ${tag}, not v${project.version}`);
  const unreleased = /\n## \[Unreleased\]\n(.*?)(?=\n## \[|$)/s.exec(text)?.[1] ?? "";
  if (unreleased.trim() !== "") wrong.push("it says what is unreleased");
  return wrong;
}

/** Sources on which depends what is observed of a file; rules, reports and the command line are not among them. */
export const READERS = [
  ...["src/bundles", "src/codecs", "src/formats", "src/parsers", "src/pickle", "src/scan"],
  "src/sources",
] as const;

/**
 * What is wrong with the version of the readers: facts that are kept are judged anew under the same version alone,
 * so that it may not stay while a reader changes.
 *
 * @param changed files below {@link READERS} that differ from the release before
 * @param before  `src/core/version.ts` of that release
 * @param now     the same file of this one
 */
export function wrongInReaders(changed: readonly string[], before: string, now: string): string[] {
  const versionOf = (text: string): string | undefined =>
    /READERS_VERSION = "([^"]+)"/.exec(text)?.[1];
  const [old, own] = [versionOf(before), versionOf(now)];
  if (own === undefined) return ["src/core/version.ts has no READERS_VERSION"];
  const read = changed.filter((it) => it.endsWith(".ts") && !NEVER.test(it));
  if (old !== own || read.length === 0) return [];
  return [
    `READERS_VERSION is still ${own}, and ${read[0]}${
      read.length > 1 ? ` and ${read.length - 1} more have` : " has"
    } changed`,
  ];
}

/** The section of a version in the changelog; empty where there is none. */
export function notesOf(text: string, version: string): string {
  const at = text.indexOf(`\n## [${version}] `);
  if (at < 0) return "";
  const body = text.slice(text.indexOf("\n", at + 1) + 1);
  const end = body.search(/^## \[/m);
  return body.slice(0, end < 0 ? undefined : end).trim();
}
