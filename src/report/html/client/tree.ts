/**
 * Files as a tree of folders.
 *
 * @module
 */

import type { FileView } from "../view.ts";
import type { Verdict } from "../../../core/types.ts";

/** A folder. */
export interface Folder {
  /** What is between its parent and itself: folders with nothing else in them are one. */
  readonly name: string;
  readonly folders: readonly Folder[];
  readonly files: readonly FileView[];
  /** The worst verdict of what is in it. */
  readonly verdict: Verdict;
  readonly bytes: number;
  readonly count: number;
  /** Cube roots of sizes, summed: what it weighs in a map. */
  readonly weight: number;
}

/** Verdicts, worst first; `VERDICTS` of the core, which a page does not load. */
export const WORST_FIRST: readonly Verdict[] = [
  "dangerous",
  "incomplete",
  "suspicious",
  "clean",
  "skipped",
];

interface Growing {
  readonly folders: Map<string, Growing>;
  readonly files: FileView[];
}

/** The folder that all files lie in, without the part of their paths that all have. */
export function treeOf(files: readonly FileView[]): Folder {
  const root: Growing = { folders: new Map(), files: [] };
  for (const file of files) {
    let folder = root;
    for (const name of namesOf(file.path)) {
      let next = folder.folders.get(name);
      if (next === undefined) folder.folders.set(name, next = { folders: new Map(), files: [] });
      folder = next;
    }
    folder.files.push(file);
  }
  return settled("", root);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.replace(/[\\/]+$/, "").search(/[^\\/]*$/));
}

/**
 * What a file weighs in a map: sizes differ by a factor of a billion, and the smallest file may be the
 * worst.
 */
export function weightOf({ size }: FileView): number {
  return Math.cbrt(Math.max(size ?? 0, 1));
}

/** The folders on the way to a file. An address keeps its "//". */
function namesOf(path: string): string[] {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(path)?.[0] ?? "";
  const names = path.slice(scheme.length).split(/[\\/]+/);
  names.pop();
  const [first, ...rest] = names;
  if (first === undefined) return scheme === "" ? [] : [scheme];
  return [first === "" ? "/" : scheme + first, ...rest];
}

function settled(name: string, { folders, files }: Growing): Folder {
  const only = folders.size === 1 && files.length === 0 ? [...folders][0] : undefined;
  if (only !== undefined) {
    const [below, folder] = only;
    const joined = name === "" || name.endsWith("/") ? name + below : `${name}/${below}`;
    return settled(joined, folder);
  }
  const inner = [...folders].map(([below, folder]) => settled(below, folder));
  const all = [...inner.map(({ verdict }) => verdict), ...files.map(({ verdict }) => verdict)];
  const sum = (of: (folder: Folder) => number, ofFile: (file: FileView) => number): number =>
    inner.reduce((total, it) => total + of(it), 0) +
    files.reduce((total, it) => total + ofFile(it), 0);
  return {
    name,
    folders: inner.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1)),
    files,
    verdict: WORST_FIRST.find((verdict) => all.includes(verdict)) ?? "skipped",
    bytes: sum((it) => it.bytes, (it) => it.size ?? 0),
    count: sum((it) => it.count, () => 1),
    weight: sum((it) => it.weight, weightOf),
  };
}

function rank({ verdict }: Folder): number {
  return WORST_FIRST.indexOf(verdict);
}
