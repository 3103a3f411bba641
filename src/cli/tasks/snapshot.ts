/**
 * What local files hold, and whether that stays so while they are scanned.
 *
 * @module
 */

import { accessSync, constants, lstatSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SourceError } from "../../core/errors.ts";
import { hashFile } from "../../sources/file.ts";
import { listFolder, MEMBERS } from "../../sources/folder.ts";
import { type ContentKeys, digestOf } from "./keys.ts";

/** Bytes of the files beside one that are hashed for its second key. Configurations have some megabytes. CWE-400. */
const BESIDE_BYTES = 64 * 1024 * 1024;

/** Files beside one that are hashed for its second key. CWE-400. */
const BESIDE_FILES = 1000;

/** What was known of files before they were scanned. */
export interface Snapshot {
  readonly isFolder: boolean;
  /** Of the file itself; undefined for a folder. */
  readonly sha256: string | undefined;
  /** Bytes of the file; undefined for a folder. */
  readonly size: number | undefined;
  /** Undefined where not all that a result depends on was hashed. */
  readonly keys: ContentKeys | undefined;
  /** True when nothing that was hashed has changed since. */
  isUnchanged(): boolean;
}

/**
 * Hashes a file and what lies beside it, or all of a folder.
 *
 * @param signal ends it; there are no keys then
 * @param options.hashed false to look only at the size of the file
 * @param options.keyed false to hash nothing but the file
 * @throws SourceError when the file cannot be read
 */
export async function takeSnapshot(
  path: string,
  signal: AbortSignal,
  { hashed, keyed }: { readonly hashed: boolean; readonly keyed: boolean },
): Promise<Snapshot> {
  const stats = statsOf(path);
  const isFolder = stats?.isDirectory() === true;
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
  before.set(path, identityOf(path));
  const sha256 = isFolder || !hashed ? undefined : await hash(path);
  const size = isFolder ? undefined : stats?.size;
  const known = { isFolder, sha256, size, isUnchanged };
  if (!keyed || (!isFolder && sha256 === undefined)) return { ...known, keys: undefined };
  names = namesIn(root, isFolder);
  const own = isFolder ? undefined : basename(path);
  const listed = await listing(root, own, hash).catch((error: unknown) => {
    // What cannot be read beside a file says nothing of the file itself.
    if (error instanceof SourceError) return undefined;
    throw error;
  });
  if (listed === undefined || signal.aborted) return { ...known, keys: undefined };
  if (sha256 === undefined) {
    const keys = { content: `folder:${digestOf(listed)}`, name: "", siblingsKey: undefined };
    return { ...known, keys };
  }
  const name = own ?? "";
  const alone = listed.length === 1;
  const siblingsKey = alone ? undefined : digestOf([name, listed]);
  return { ...known, keys: { content: `sha256:${sha256}`, name, siblingsKey } };
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
  // A list at its limit may lack files, which a scan finds.
  if (members.length >= (deep ? MEMBERS : BESIDE_FILES)) return undefined;
  let bytes = 0;
  for (const { name, kind, size, linkTarget } of members) {
    const file = join(root, name);
    if (kind === "folder") {
      // One that cannot be looked into looks empty.
      if (deep && !isReadable(file)) return undefined;
      listed.push([name, kind]);
      continue;
    }
    // Links lead to what may change, and devices have no content.
    if (kind !== "file" || linkTarget !== undefined) return undefined;
    if (name === own) {
      listed.push([name, kind, size]);
      continue;
    }
    if (size === undefined) return undefined;
    bytes += size;
    if (!deep && bytes > BESIDE_BYTES) return undefined;
    listed.push([name, kind, size, await hash(file)]);
  }
  return listed;
}

function namesIn(root: string, deep: boolean): string {
  return digestOf(listFolder(root, deep).map(({ name }) => name));
}

function isReadable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
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
    // A link, and what it leads to.
    return [lstatSync, statSync].flatMap((look) => {
      const { dev, ino, size, mtimeNs, ctimeNs } = look(path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs];
    }).join(":");
  } catch {
    return "";
  }
}
