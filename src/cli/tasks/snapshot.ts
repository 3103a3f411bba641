/**
 * What local files hold, and whether that stays so while they are scanned.
 *
 * @module
 */

import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { SourceError } from "../../core/errors.ts";
import { hashOpened, openRegular, SKIPPED_FOLDERS } from "../../sources/file.ts";
import { FOLDER, listFolder, MEMBERS } from "../../sources/folder.ts";
import { isExactKey, keyOf } from "../../sources/linked.ts";
import type { Witness } from "../../sources/witness.ts";
import { type ContentKeys, digestOf } from "./keys.ts";

/** Bytes of the files beside one that are hashed for its second key. Configurations have some megabytes. CWE-400. */
const BESIDE_BYTES = 64 * 1024 * 1024;

/** Files beside one that are hashed for its second key. CWE-400. */
const BESIDE_FILES = 1000;

/**
 * Milliseconds in which a file may be written to twice without another time of change. Linux counts in ticks of 1 to
 * 10 ms.
 */
const TICK_MILLISECONDS = 20;

/** What was known of files before they were scanned. */
export interface Snapshot {
  readonly isFolder: boolean;
  /** Of the file itself; undefined for a folder. */
  readonly sha256: string | undefined;
  /** Bytes of the file; undefined for a folder. */
  readonly size: number | undefined;
  /** Undefined where not all that a result depends on was hashed. */
  readonly keys: ContentKeys | undefined;
  /** To be handed to the scan. */
  readonly witness: Witness;
  /** True when nothing that was hashed has changed since, and the scan saw the same files. */
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
  const seen = new Seen();
  const hash = async (file: string): Promise<string | undefined> => {
    const source = openRegular(file);
    try {
      seen.note(file, source.version);
      if (!await isSettled(source.changed)) seen.doubt();
      return (await hashOpened(source, () => signal.aborted))?.value;
    } finally {
      source.close();
    }
  };
  const known = {
    isFolder,
    size: isFolder ? undefined : stats?.size,
    witness: seen,
    isUnchanged: () => seen.isUnchanged(),
  };
  if (stats !== undefined) seen.note(path, isFolder ? FOLDER : keyOf(stats));
  const sha256 = isFolder || !hashed ? undefined : await hash(path);
  const without = { ...known, sha256, keys: undefined };
  if (!keyed || (!isFolder && sha256 === undefined)) return without;
  const own = isFolder ? undefined : basename(path);
  const listed = await listing(isFolder ? path : dirname(path), own, hash, seen)
    .catch((error: unknown) => {
      // What cannot be read beside a file says nothing of the file itself.
      if (error instanceof SourceError) return undefined;
      throw error;
    });
  if (listed === undefined || signal.aborted || seen.isDoubtful) return without;
  seen.isWhole = true;
  if (sha256 === undefined) {
    const keys = { content: `folder:${digestOf(listed)}`, name: "", siblingsKey: undefined };
    return { ...known, sha256, keys };
  }
  const name = own ?? "";
  const alone = listed.length === 1;
  const siblingsKey = alone ? undefined : digestOf([name, listed]);
  return { ...known, sha256, keys: { content: `sha256:${sha256}`, name, siblingsKey } };
}

/**
 * What lay at paths when they were hashed, compared with what a scan sees there: the folders on the way may be
 * exchanged and put back, which changes nothing of the files themselves.
 */
class Seen implements Witness {
  /** By absolute path. */
  readonly #versions = new Map<string, string>();
  /** Names in folders, by absolute path. */
  readonly #names = new Map<string, string>();
  /** What changes with a path itself, links included. */
  readonly #identities = new Map<string, string>();
  #isOther = false;
  /** True where two writings could not be told apart. */
  isDoubtful = false;
  /** True once all that the scan may look at was noted. */
  isWhole = false;

  note(path: string, version: string): void {
    const absolute = resolve(path);
    const known = this.#versions.get(absolute);
    if (known !== undefined && known !== version) this.#isOther = true;
    if (version !== FOLDER && !isExactKey(version)) this.isDoubtful = true;
    this.#versions.set(absolute, version);
    this.#identities.set(absolute, this.#identities.get(absolute) ?? identityOf(absolute));
  }

  noteNames(folder: string, names: readonly string[]): void {
    this.#names.set(resolve(folder), digestOf([...names].sort()));
  }

  doubt(): void {
    this.isDoubtful = true;
  }

  looked(path: string, version: string | undefined): void {
    const known = this.#versions.get(resolve(path));
    // A link leads to what was noted; where all was noted there are none.
    if (version === undefined && !this.isWhole) return;
    if (known === undefined ? this.isWhole : known !== version) this.#isOther = true;
  }

  listed(path: string, names: readonly string[]): void {
    if (this.isWhole && this.#names.get(resolve(path)) !== digestOf([...names].sort())) {
      this.#isOther = true;
    }
  }

  isUnchanged(): boolean {
    return !this.#isOther &&
      [...this.#identities].every(([path, identity]) =>
        identity !== "" && identityOf(path) === identity
      ) &&
      [...this.#names].every(([folder, names]) => names === digestOf(namesIn(folder)));
  }
}

/** Waits until a further writing would have another time; false where the file's time lies ahead of the clock. */
async function isSettled(changed: number): Promise<boolean> {
  if (changed > Date.now() + TICK_MILLISECONDS) return false;
  if (changed > Date.now() - TICK_MILLISECONDS) {
    await new Promise((done) => setTimeout(done, 2 * TICK_MILLISECONDS));
  }
  return true;
}

/** The files of a folder with their hashes; undefined where there are too many, or others than files. */
async function listing(
  root: string,
  own: string | undefined,
  hash: (file: string) => Promise<string | undefined>,
  seen: Seen,
): Promise<readonly (readonly unknown[])[] | undefined> {
  const deep = own === undefined;
  const listed: (readonly unknown[])[] = [];
  const names = new Map([[root, namesIn(root)]]);
  const members = listFolder(root, deep);
  // A list at its limit may lack files, which a scan finds.
  if (members.length >= (deep ? MEMBERS : BESIDE_FILES)) return undefined;
  let bytes = 0;
  for (const { name, kind, size, linkTarget } of members) {
    const file = join(root, name);
    if (kind === "folder") {
      // One that cannot be looked into looks empty.
      if (deep && !isReadable(file)) return undefined;
      seen.note(file, FOLDER);
      if (deep && !SKIPPED_FOLDERS.has(basename(file))) names.set(file, namesIn(file));
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
  // Names were read twice, and a folder may have been another meanwhile.
  const all = new Set([...names].flatMap(([folder, own]) => own.map((it) => join(folder, it))));
  const isSame = members.every(({ name }) => all.delete(join(root, name)));
  if (!isSame || all.size > 0) seen.doubt();
  for (const [folder, own] of names) seen.noteNames(folder, own);
  return listed;
}

/** Names in a folder, sorted; none where it cannot be listed. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
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
