/**
 * Samples and lists by which other scanners test themselves, from their source distributions and
 * installed packages. `foreign.py` gets them as data; the true verdict of each sample is in
 * `foreign_truth.json`, established by reading its bytes.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Environment } from "../bench/peers.ts";
import { type Family, familyOfList, type Sample, type Truth, WORK } from "./families.ts";

/** Those whose source distributions hold samples. */
const WITH_SAMPLES = ["modelaudit"] as const;
/** What a "*" of a list is called by; no scanner knows the name, only the module. */
const ANY_NAME = "anything";

/** What was downloaded, and what was not. */
interface Foreign {
  readonly samples: readonly Family[];
  readonly lists: readonly Family[];
  readonly left: readonly string[];
}

/** Gets everything; needs PyPI once, for the source distributions. */
export function foreignFamilies(environment: Environment): Foreign {
  const left: string[] = [];
  const sdists = join(WORK, "sdists");
  for (const name of WITH_SAMPLES) {
    const missing = fetchSdist(environment, name, sdists);
    if (missing !== undefined) left.push(missing);
  }
  const out = join(WORK, "foreign");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(sdists, { recursive: true });
  const script = fileURLToPath(new URL("foreign.py", import.meta.url));
  const site = sitePackages(environment);
  const done = spawnSync(environment.python, ["-I", script, sdists, site, out], {
    encoding: "utf8",
  });
  if (done.status !== 0) {
    left.push(`lists of other scanners: ${done.stderr.trim().split("\n").at(-1) ?? ""}`);
    return { samples: [], lists: [], left };
  }
  const { truths }: ForeignTruth = JSON.parse(
    readFileSync(fileURLToPath(new URL("foreign_truth.json", import.meta.url)), "utf8"),
  );
  const samples = WITH_SAMPLES.flatMap((name) => {
    const folder = join(out, "samples", name);
    return existsSync(folder) ? familiesOf(name, folder, truths[name] ?? {}) : [];
  });
  return { samples, lists: listsIn(join(out, "lists.json")), left };
}

/** The contents of `foreign_truth.json`. */
export interface ForeignTruth {
  /** By scanner, then by path below its samples; a `*` at the end stands for anything. */
  readonly truths: Readonly<Record<string, Readonly<Record<string, Truth>>>>;
  /** The reason, where the bytes do not show it; by scanner and path. */
  readonly notes: Readonly<Record<string, string>>;
}

/** By pip; `pip download` unpacks and builds metadata, and runs nothing of the tests. */
function fetchSdist(
  { python, versions }: Environment,
  name: string,
  to: string,
): string | undefined {
  const version = versions.get(name) ?? "";
  if (existsSync(join(to, `${name}-${version}.tar.gz`))) return undefined;
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
  const what = ["--no-binary", name, "--dest", to, `${name}==${version}`];
  const done = spawnSync(python, [...pip, ...what], { encoding: "utf8", env: process.env });
  if (done.status === 0) return undefined;
  return `samples of ${name} (Python): ${done.stderr.trim().split("\n").at(-1) ?? ""}`;
}

function sitePackages({ python }: Environment): string {
  const code = "import sysconfig; print(sysconfig.get_path('purelib'))";
  return spawnSync(python, ["-I", "-c", code], { encoding: "utf8" }).stdout.trim();
}

/** One family for each folder under a scanner's samples, or in its folder `samples`, that has known ones. */
function familiesOf(
  name: string,
  folder: string,
  truths: Readonly<Record<string, Truth>>,
): Family[] {
  const byFolder = new Map<string, Sample[]>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const inside = relative(folder, path).replaceAll(sep, "/");
    const truth = foreignTruth(inside, truths);
    if (truth === undefined) continue;
    const kind = /^(?:samples\/)?[^/]+/.exec(inside)?.[0] ?? "";
    const list = byFolder.get(kind) ?? [];
    list.push({ path, name: inside, truth });
    byFolder.set(kind, list);
  }
  return [...byFolder].sort(([one], [other]) => one < other ? -1 : 1).map(([kind, samples]) => ({
    name: `${name}: ${kind}`,
    folder: join(folder, kind),
    samples: samples.sort((one, other) => one.name < other.name ? -1 : 1),
  }));
}

/** Exact paths first, then those with a `*` at the end. */
export function foreignTruth(
  path: string,
  truths: Readonly<Record<string, Truth>>,
): Truth | undefined {
  if (Object.hasOwn(truths, path)) return truths[path];
  return Object.entries(truths).find(([pattern]) =>
    pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1))
  )?.[1];
}

function listsIn(path: string): Family[] {
  const lists: Readonly<Record<string, readonly (readonly [string, string])[]>> = JSON.parse(
    readFileSync(path, "utf8"),
  );
  return Object.entries(lists).map(([scanner, entries]) =>
    familyOfList(
      scanner,
      entries.map(([module, name]) => ({
        module,
        name: name === "*" ? ANY_NAME : name,
        truth: "harmful",
      })),
    )
  );
}
