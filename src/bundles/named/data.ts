/**
 * Files of raw numbers: which index in the folder names them, and how many of their bytes it reads.
 * Such a file has no magic number; by itself nothing says what it is. The index is read once for a
 * listing, and only when a file is asked about that it may name.
 *
 * @module
 */

import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import type { NamedData } from "../../core/format.ts";
import type { FolderPlace, Listing, Member } from "../../core/types.ts";
import type { IndexKind, Named } from "./index_kind.ts";
import { chromaParts } from "./chroma.ts";
import { mlcShards } from "./mlc.ts";
import { ncnnWeights } from "./ncnn.ts";
import { onnxData } from "./onnx.ts";
import { openvinoWeights } from "./openvino.ts";
import { tensorflowShards } from "./tensorflow.ts";
import { tfjsShards } from "./tfjs.ts";

const KINDS: readonly IndexKind[] = [
  openvinoWeights,
  tensorflowShards,
  ncnnWeights,
  mlcShards,
  tfjsShards,
  chromaParts,
  onnxData,
];

/** Indices read for one file; a folder of a repository has a dozen at most. CWE-770. */
const INDICES = 64;

interface Known {
  readonly members: ReadonlyMap<string, Member>;
  /** Base names by folder, with a slash at its end. */
  readonly folders: ReadonlyMap<string, readonly string[]>;
  readonly read: Map<string, Promise<Named>>;
  /** Names of indices by their kind and folder. */
  readonly found: Map<string, readonly string[]>;
}

const LISTINGS = new WeakMap<Listing, Known>();

function known(listing: Listing): Known {
  let found = LISTINGS.get(listing);
  if (found === undefined) {
    const folders = new Map<string, string[]>();
    for (const { name } of listing.members) {
      const folder = folderOf(name);
      const fileNames = folders.get(folder);
      if (fileNames === undefined) folders.set(folder, [name.slice(folder.length)]);
      else fileNames.push(name.slice(folder.length));
    }
    const members = new Map(listing.members.map((member) => [member.name, member]));
    found = { members, folders, read: new Map(), found: new Map() };
    LISTINGS.set(listing, found);
  }
  return found;
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

/**
 * The uses that indices state for a file, the one that reads the most first.
 *
 * @throws LimitError when a budget is spent
 */
export async function namedData(
  { listing, member }: FolderPlace,
): Promise<readonly NamedData[]> {
  const all = known(listing);
  const { members, read } = all;
  const uses: NamedData[] = [];
  for (let folder = folderOf(member);; folder = folderOf(folder.slice(0, -1))) {
    const file = member.slice(folder.length);
    for (const [number, kind] of KINDS.entries()) {
      for (const name of indicesOf(all, number, kind, folder, file)) {
        const index = members.get(folder + name);
        if (index === undefined || index.name === member) continue;
        const key = `${number} ${index.name}`;
        const found = read.get(key) ?? orNothing(kind.read({ index, folder, members }));
        read.set(key, found);
        const use = (await found).get(member);
        if (use !== undefined) uses.push({ ...use, index: name });
      }
    }
    if (folder === "") {
      return uses.sort((a, b) => b.bytes - a.bytes || Number(b.exact) - Number(a.exact));
    }
  }
}

/** Names of the indices of a kind in a folder that may name a file. */
function indicesOf(
  { folders, found }: Known,
  number: number,
  { indices }: IndexKind,
  folder: string,
  file: string,
): readonly string[] {
  if (!(indices instanceof RegExp)) return indices(file);
  const key = `${number} ${folder}`;
  let indexNames = found.get(key);
  if (indexNames === undefined) {
    indexNames = (folders.get(folder) ?? []).filter((name) => indices.test(name)).slice(0, INDICES);
    found.set(key, indexNames);
  }
  return indexNames;
}

/** An index that cannot be read names nothing; what is wrong with it is said where it is scanned. */
async function orNothing(named: Promise<Named>): Promise<Named> {
  try {
    return await named;
  } catch (error) {
    if (
      error instanceof FormatError || error instanceof SourceError || error instanceof LimitError
    ) {
      return new Map();
    }
    throw error;
  }
}
