/**
 * What local files hold, and whether that stays so while they are scanned.
 *
 * @module
 */

import { lstatSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { hashFile } from "../../sources/file.ts";
import { listFolder } from "../../sources/folder.ts";
import { type ContentKeys, digestOf } from "./keys.ts";

/** Bytes of the files beside one that are hashed for its second key. Configurations have some megabytes. CWE-400. */
const BESIDE_BYTES = 64 * 1024 * 1024;

/** Files beside one that are hashed for its second key. CWE-400. */
const BESIDE_FILES = 1000;

/** What was known of files before they were scanned. */
export interface Snapshot {
  /** Of the file itself; undefined for a folder. */
  readonly sha256: string | undefined;
  /** Undefined where not all that a result depends on was hashed. */
  readonly keys: ContentKeys | undefined;
  /** True when nothing that was hashed has changed since. */
  isUnchanged(): boolean;
}

/**
 * Hashes a file and what lies beside it, or all of a folder.
 *
 * @param signal ends it; there are no keys then
 * @param withKeys false to hash the file alone
 * @throws SourceError when something cannot be read
 */
export async function takeSnapshot(
  path: string,
  signal: AbortSignal,
  withKeys: boolean,
): Promise<Snapshot> {
  const isFolder = statsOf(path)?.isDirectory() === true;
  const before = new Map<string, string>();
  const hash = async (file: string): Promise<string | undefined> => {
    before.set(file, identityOf(file));
    return (await hashFile(file, () => signal.aborted))?.value;
  };
  let names = "";
  const root = isFolder ? path : dirname(path);
  const isUnchanged = (): boolean =>
    (names === "" || names === namesIn(root, isFolder)) &&
    [...before].every(([file, identity]) => identity !== "" && identityOf(file) === identity);
  const sha256 = isFolder ? undefined : await hash(path);
  if (!withKeys || (!isFolder && sha256 === undefined)) {
    return { sha256, keys: undefined, isUnchanged };
  }
  names = namesIn(root, isFolder);
  const own = isFolder ? undefined : basename(path);
  const listed = await listing(root, own, hash);
  if (listed === undefined || signal.aborted) return { sha256, keys: undefined, isUnchanged };
  if (sha256 === undefined) {
    const keys = { content: `folder:${digestOf(listed)}`, name: "", siblingsKey: undefined };
    return { sha256, keys, isUnchanged };
  }
  const name = own ?? "";
  const alone = listed.length === 1;
  const siblingsKey = alone ? undefined : digestOf([name, listed]);
  return { sha256, keys: { content: `sha256:${sha256}`, name, siblingsKey }, isUnchanged };
}

/** The files of a folder with their hashes; undefined where there are too many, or others than files. */
async function listing(
  root: string,
  own: string | undefined,
  hash: (file: string) => Promise<string | undefined>,
): Promise<readonly (readonly unknown[])[] | undefined> {
  const deep = own === undefined;
  const listed: (readonly unknown[])[] = [];
  const members = listFolder(root, deep);
  if (!deep && members.length > BESIDE_FILES) return undefined;
  let bytes = 0;
  for (const { name, kind, size, linkTarget } of members) {
    const file = join(root, name);
    if (kind === "folder") {
      listed.push([name, kind]);
      continue;
    }
    // Links lead to what may change, and devices have no content.
    if (kind !== "file" || linkTarget !== undefined) return undefined;
    if (name === own) {
      listed.push([name, kind, size]);
      continue;
    }
    bytes += size ?? 0;
    if (!deep && bytes > BESIDE_BYTES) return undefined;
    listed.push([name, kind, size, await hash(file)]);
  }
  return listed;
}

function namesIn(root: string, deep: boolean): string {
  return digestOf(listFolder(root, deep).map(({ name }) => name));
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** What changes whenever a file is written to or exchanged; empty where it cannot be had. */
function identityOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(":");
  } catch {
    return "";
  }
}
