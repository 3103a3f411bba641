/**
 * Local files and folders as sources. The only module of the core that knows paths;
 * it reads, and nothing else.
 *
 * @module
 */

import { shownAddress, withoutSecrets } from "../core/shown_url.ts";
import { meantInstead, unreadScheme } from "./addresses.ts";
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { scanErrorOf, SourceError } from "../core/errors.ts";
import type { Failure, FileHash, ScanError } from "../core/types.ts";
import { globMatcher } from "./glob.ts";
import { type FileIdentity, inodeOf, keyOf, type LinkedFiles } from "./linked.ts";
import type { Witness } from "./witness.ts";
import type { Source } from "../core/source.ts";

/** A source that holds a file open until it is closed. */
interface FileSource extends Source {
  /** Another one where another file is opened under the path, or one that was written to. */
  readonly version: string;
  /** When it was last written to, renamed or linked, in milliseconds since 1970. */
  readonly changed: number;
  /** Lets go of the file; reading afterwards is an error. May be called twice. */
  close(): void;
}

/** What `walk` finds: a file to scan, or a path that cannot be looked at and why. */
export type FoundPath =
  | {
    readonly kind: "file";
    readonly path: string;
    /** The argument that it was found below; the same as `path` when it was named itself. */
    readonly argument: string;
    /** Its device and inode, where they were asked for: for links and arguments. */
    readonly inode?: string | undefined;
    /** True for a link to a file that may be found by itself too. */
    readonly link?: boolean | undefined;
  }
  | {
    readonly kind: "error";
    readonly path: string;
    readonly error: ScanError;
    readonly inode?: undefined;
  };

/** How `walk` goes through folders. Globs see paths with `/`, below the folder given. */
export interface WalkOptions {
  /** Also go into links to folders; links to files are always read. Each folder is entered once. */
  readonly followSymlinks?: boolean;
  /** Only files that one of these globs matches; all when empty. Without `/` it is the base name's. */
  readonly include?: readonly string[];
  /** Neither files nor folders that one of these globs matches. */
  readonly exclude?: readonly string[];
  /** Files in folders that are left out: absolute paths, with no link in them. */
  readonly without?: ReadonlySet<string>;
}

/** Folders that are not gone into unless named: git's objects are not the files a loader opens. */
export const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([".git"]);

/** What a failing system call means for a person: the reason and the remedy. */
const CAUSES: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOENT: [
    "there is no such file or folder",
    "Check the path; a broken link also looks like this.",
  ],
  ENOTDIR: ["a part of the path is no folder", "Check the path."],
  EACCES: ["permission denied", "Make it readable for this user, or scan as one who may read it."],
  EPERM: ["permission denied", "Make it readable for this user, or scan as one who may read it."],
  ELOOP: ["its links lead in a circle", "Remove the link or name what it should lead to."],
  ENAMETOOLONG: ["the name is too long", "Scan it from a folder nearer to it."],
  EMFILE: ["too many files are open", "Raise the limit on open files (ulimit -n)."],
  ENFILE: ["too many files are open on this system", "Close other programs and scan again."],
  EIO: [
    "the device reports an input/output error",
    "Check the disk, or copy the file and scan again.",
  ],
  EBUSY: ["it is in use", "Close the program that holds it and scan again."],
  EISDIR: ["it is a folder", "Name the folder itself to scan what is in it."],
};

/** What kind of failure a failing system call is. */
const FAILURES: Readonly<Record<string, Failure>> = {
  ENOENT: { kind: "not-found", passing: false },
  ENOTDIR: { kind: "not-found", passing: false },
  ELOOP: { kind: "not-found", passing: false },
  ENAMETOOLONG: { kind: "not-found", passing: false },
  EACCES: { kind: "forbidden", passing: false },
  EPERM: { kind: "forbidden", passing: false },
  EMFILE: { kind: "unavailable", passing: true },
  ENFILE: { kind: "unavailable", passing: true },
  EIO: { kind: "unavailable", passing: true },
  ESTALE: { kind: "unavailable", passing: true },
  ETIMEDOUT: { kind: "unavailable", passing: true },
  EBUSY: { kind: "unavailable", passing: true },
};

/**
 * Opens a regular file for reading at any offset. Nothing is read ahead, so a sparse file of
 * gigabytes costs only what is asked of it.
 *
 * @param path of a file, or of a link to one
 * @param linked keeps what is read of files that several paths name
 * @returns a source named like the path; close it
 * @throws SourceError when it cannot be opened or is no regular file
 */
// deno-lint-ignore require-await -- a promise, so that other systems can open without blocking
export async function fileSource(path: string, linked?: LinkedFiles): Promise<FileSource> {
  refuseSpecial(path, attempt(path, "open", () => statSync(path)));
  return openRegular(path, linked);
}

/** O_NONBLOCK: should a file become a FIFO before it is opened, opening must not hang. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens what {@linkcode walk} found: a path that was a regular file, or a link to one, a moment ago.
 *
 * @param linked keeps what is read of files that several paths name, and gives it without reading again
 * @returns a source named like the path; close it
 * @throws SourceError when it cannot be opened or is no regular file any more
 */
export function openRegular(path: string, linked?: LinkedFiles): FileSource {
  const handle = attempt(path, "open", () => openSync(path, OPEN_FLAGS));
  let open = true;
  const close = (): void => {
    if (open) closeSync(handle);
    open = false;
  };
  let stats: Stats;
  try {
    stats = attempt(path, "open", () => fstatSync(handle));
    refuseSpecial(path, stats);
  } catch (error) {
    close();
    throw error;
  }
  const { size } = stats;
  linked?.witness?.looked(path, keyOf(stats));
  const kept = linked?.keptOf(stats);
  const readRange = (offset: number, target: Uint8Array): void =>
    readAt(path, handle, { size, offset }, target);
  let bytesFetched = 0;
  const readInto = (offset: number, target: Uint8Array): number => {
    if (!open) throw new SourceError(path, `Cannot read "${path}": it was closed`);
    checkRange(path, offset, target.length);
    const wanted = target.subarray(0, Math.max(0, Math.min(target.length, size - offset)));
    if (kept === undefined) readRange(offset, wanted);
    else bytesFetched += kept.read(offset, wanted, readRange);
    return wanted.length;
  };
  const read = (offset: number, length: number): Uint8Array => {
    checkRange(path, offset, length);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    readInto(offset, bytes);
    return bytes;
  };
  return {
    name: path,
    version: keyOf(stats),
    changed: stats.ctimeMs,
    size,
    access: "random",
    readSync: read,
    readInto,
    // Within the promise chain, so that a failing read rejects and does not throw.
    read: (offset, length) => new Promise((done) => done(read(offset, length))),
    close,
    get bytesFetched() {
      return kept && bytesFetched;
    },
  };
}

/** Bytes that are read at a time to hash a file. */
const HASH_CHUNK_BYTES = 4 << 20;

/**
 * The SHA-256 of a file.
 *
 * @param stopped ends it early when it gives true
 * @returns undefined when it was stopped
 * @throws SourceError when it cannot be read, or is cut meanwhile
 */
export async function hashFile(
  path: string,
  stopped: () => boolean,
): Promise<FileHash | undefined> {
  const source = openRegular(path);
  try {
    return await hashOpened(source, stopped);
  } finally {
    source.close();
  }
}

/**
 * The SHA-256 of a file that is open.
 *
 * @returns undefined when it was stopped
 * @throws SourceError when it cannot be read, or is cut meanwhile
 */
export async function hashOpened(
  source: FileSource,
  stopped: () => boolean,
): Promise<FileHash | undefined> {
  const hash = createHash("sha256");
  const { size = 0, readInto } = source;
  const chunk = new Uint8Array(Math.min(size, HASH_CHUNK_BYTES));
  for (let at = 0; at < size;) {
    if (stopped()) return undefined;
    const length = readInto?.call(source, at, chunk) ?? 0;
    hash.update(chunk.subarray(0, length));
    at += length;
    // Timers and signals are handled between chunks.
    if (at < size) await new Promise((done) => setTimeout(done));
  }
  return { value: hash.digest("hex"), by: "content" };
}

/** What the file system says of a file; undefined where it cannot be looked at. */
export function identityOf(path: string): FileIdentity | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Bytes of a file; undefined where it cannot be looked at. */
export function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch {
    return undefined;
  }
}

function checkRange(path: string, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
  ) {
    throw new SourceError(path, `Cannot read ${length} bytes at ${offset} of "${path}": no range`);
  }
}

/** Reads exactly what the file had when it was opened, or says that it changed. */
function readAt(
  path: string,
  handle: number,
  { size, offset }: { readonly size: number; readonly offset: number },
  target: Uint8Array,
): void {
  const requested = target.length;
  let filled = 0;
  while (filled < requested) {
    const bytesRead = attempt(
      path,
      "read",
      () => readSync(handle, target, filled, requested - filled, offset + filled),
    );
    if (bytesRead === 0) {
      throw new SourceError(
        path,
        `Cannot read ${requested} bytes at ${offset} of "${path}": ` +
          `it had ${size} bytes when it was opened and now ends at ${offset + filled}`,
        {
          reason: "changed",
          remedy: "Wait until nothing writes to the file and scan again.",
          failure: { kind: "changed", passing: true },
        },
      );
    }
    filled += bytesRead;
  }
}

/**
 * The path that a `file:` URL names.
 *
 * @throws SourceError when it is no `file:` URL or names another host
 */
export function pathOfUrl(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new SourceError(url.href, `Cannot open ${url.href}: it is not the URL of a local file`, {
      cause,
      remedy: "Give a path, or a URL that begins with file:, https:, http: or hf:.",
    });
  }
}

/**
 * All files below the paths given, in the order given and sorted within each folder; no path twice. In
 * the cache of the hub's client a blob to which a link leads that is found is not found by itself.
 * Goes into every folder but `.git`. A path that cannot be looked at is found as an error.
 *
 * @param paths files and folders
 * @param witness learns which names each folder had
 */
export function* walk(
  paths: Iterable<string>,
  options: WalkOptions = {},
  witness?: Witness,
): Generator<FoundPath> {
  const named = [...paths];
  const { include = [], exclude = [] } = options;
  const absolute = new Set(named.map((path) => resolve(path)));
  const walker: Walker = {
    followSymlinks: options.followSymlinks ?? false,
    included: globMatcher(include),
    excluded: globMatcher(exclude),
    restricted: include.length > 0,
    globs: include.length + exclude.length > 0,
    without: options.without?.size ? options.without : undefined,
    witness,
    named: absolute,
    namedIn: new Set([...absolute].map((path) => dirname(path))),
    seen: new Set(),
    entered: new Set(),
  };
  for (const path of named) yield* visitNamed(walker, path);
}

interface Walker {
  readonly followSymlinks: boolean;
  readonly included: (path: string) => boolean;
  readonly excluded: (path: string) => boolean;
  readonly restricted: boolean;
  /** True when there are globs to match. */
  readonly globs: boolean;
  /** Undefined for none. */
  readonly without: WalkOptions["without"];
  readonly witness: Witness | undefined;
  /** Absolute paths of the arguments: only these can be found twice, for a folder is entered once. */
  readonly named: ReadonlySet<string>;
  /** The folders that these lie in. */
  readonly namedIn: ReadonlySet<string>;
  /** Those of them that were found. */
  readonly seen: Set<string>;
  /** Real paths of the folders entered. */
  readonly entered: Set<string>;
}

/** A place in the cache of the hub's client, and the real paths to which links in it lead. */
interface CachePart {
  readonly part: "blobs" | "snapshots";
  readonly visitedBlobs: Set<string>;
}

/** A folder that is being gone through. */
interface OpenFolder {
  /** With a separator at its end. */
  readonly path: string;
  /** Below the argument, with `/` at its end; empty for the argument itself. */
  readonly below: string;
  /** Absolute, with no link in it. */
  readonly real: string;
  /** Of a repository in the hub's cache: the real paths to which links were found to lead. */
  readonly visitedBlobs: Set<string> | undefined;
  /** Undefined outside of such a cache. */
  readonly cache: CachePart | undefined;
  /** Absolute, where an argument lies in it. */
  readonly absolute: string | undefined;
  readonly entries: readonly Dirent[];
  next: number;
}

/** One argument: a file is found, a folder gone into. */
function* visitNamed(walker: Walker, path: string): Generator<FoundPath> {
  if (walker.globs && walker.excluded(basename(path))) return;
  try {
    const stats = attempt(path, "open", () => statSync(path));
    if (stats.isDirectory()) {
      yield* visitFolders(walker, path);
      return;
    }
    if (walker.restricted && !walker.included(basename(path))) return;
    refuseSpecial(path, stats);
    if (isSeen(walker, resolve(path))) return;
    yield { kind: "file", path, argument: path, inode: inodeOf(stats) };
  } catch (error) {
    yield errorAt(path, error);
  }
}

/** All files below a folder. What `readdir` knows of an entry is not asked again. */
function* visitFolders(walker: Walker, argument: string): Generator<FoundPath> {
  const open: OpenFolder[] = [];
  const enter = (path: string, below: string, cache?: CachePart): void => {
    const folder = openFolder(walker, path, below, cache);
    if (folder !== undefined) open.push(folder);
  };
  enter(argument, "");
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    const entry = folder.entries[folder.next++];
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const { name } = entry;
    const path = folder.path + name;
    if (walker.globs && walker.excluded(folder.below + name)) continue;
    try {
      const listed = entry.isFile() ? "file" : entry.isDirectory() ? "folder" : undefined;
      const unwanted = walker.restricted && !walker.included(folder.below + name);
      const kind = listed ?? kindOf(path, unwanted);
      if (kind === undefined) continue;
      if (kind === "folder" || kind === "link to a folder") {
        if (kind !== "folder" && !walker.followSymlinks) continue;
        if (!SKIPPED_FOLDERS.has(name)) {
          enter(path, `${folder.below}${name}/`, cacheBelow(folder, name));
        }
        continue;
      }
      if (unwanted || walker.without?.has(join(folder.real, name))) continue;
      const stats = kind === "file" ? undefined : kind;
      if (stats !== undefined) refuseSpecial(path, stats);
      const { absolute, cache } = folder;
      if (cache !== undefined) {
        const real = listed === undefined ? attempt(path, "open", () => realpathSync(path)) : "";
        if (cache.part === "snapshots" && real !== "") cache.visitedBlobs.add(real);
        if (isBlob(cache, name) && cache.visitedBlobs.has(join(folder.real, name))) continue;
      }
      if (absolute !== undefined && isSeen(walker, join(absolute, name))) continue;
      if (stats === undefined) yield { kind: "file", path, argument };
      // A blob to which a link of the cache leads is not found by itself.
      else yield { kind: "file", path, argument, inode: inodeOf(stats), link: cache === undefined };
    } catch (error) {
      yield errorAt(path, error);
    }
  }
}

/**
 * Where a folder lies in a hub cache. `blobs/` comes after `snapshots/`, so that a blob to which a link
 * leads that was found is not found again by itself: it is judged under the names of its links.
 */
function cacheBelow({ cache, visitedBlobs }: OpenFolder, name: string): CachePart | undefined {
  if (cache !== undefined || visitedBlobs === undefined) return cache;
  return name === "blobs" || name === "snapshots" ? { part: name, visitedBlobs } : undefined;
}

/** True for a blob of the cache: its name is the SHA-1 or SHA-256 of it, and claims nothing. */
function isBlob({ part }: CachePart, name: string): boolean {
  return part === "blobs" && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u.test(name);
}

/** True for the folder of a repository in the hub's cache: `blobs/`, and links to them in `snapshots/`. */
function isCache(entries: readonly Dirent[]): boolean {
  return ["blobs", "snapshots"].every((name) =>
    entries.some((entry) => entry.name === name && entry.isDirectory())
  );
}

/** A folder's entries, sorted; undefined when it was entered before. */
function openFolder(
  walker: Walker,
  path: string,
  below: string,
  cache: CachePart | undefined,
): OpenFolder | undefined {
  const real = attempt(path, "open", () => realpathSync(path));
  if (walker.entered.has(real)) return undefined;
  walker.entered.add(real);
  const entries = attempt(path, "list", () => readdirSync(path, { withFileTypes: true }));
  walker.witness?.listed(path, entries.map(({ name }) => name));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const visitedBlobs = isCache(entries) ? new Set<string>() : undefined;
  if (visitedBlobs !== undefined) {
    const late = (entry: Dirent): number => entry.name === "blobs" ? 1 : 0;
    entries.sort((a, b) => late(a) - late(b));
  }
  const absolute = resolve(path);
  return {
    path: join(path, "x").slice(0, -1),
    below,
    real,
    visitedBlobs,
    cache,
    absolute: walker.namedIn.has(absolute) ? absolute : undefined,
    entries,
    next: 0,
  };
}

/**
 * What an entry is that `readdir` does not call a file or a folder: a link, say.
 *
 * @param unwanted true for what is scanned only if it is a folder
 * @returns the file's state for a link to a file and for what is none; undefined for a link that is unwanted and leads to nothing
 */
function kindOf(
  path: string,
  unwanted: boolean,
): "file" | "folder" | "link to a folder" | Stats | undefined {
  const link = attempt(path, "open", () => lstatSync(path)).isSymbolicLink();
  const throwIfNoEntry = !link || !unwanted;
  const stats = attempt(path, "open", () => statSync(path, { throwIfNoEntry }));
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) return link ? "link to a folder" : "folder";
  return link || !stats.isFile() ? stats : "file";
}

/** True for an argument that was found before. */
function isSeen(walker: Walker, absolute: string): boolean {
  if (!walker.named.has(absolute)) return false;
  if (walker.seen.has(absolute)) return true;
  walker.seen.add(absolute);
  return false;
}

function errorAt(path: string, error: unknown): FoundPath {
  if (!(error instanceof SourceError)) throw error;
  // What is not there may be an address.
  const named = isMissing(error.cause) ? shownAddress(path) : path;
  return { kind: "error", path: named, error: scanErrorOf(named, error) };
}

/** Runs a system call; what it throws becomes a SourceError with the reason and a remedy. */
function attempt<T>(path: string, action: "open" | "read" | "list", call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const code = errorCode(cause);
    const causeText = cause instanceof Error ? cause.message : String(cause);
    const [reason, remedy] = path === ""
      ? ["the path is empty", "Check whether a variable of the shell is not set."]
      : CAUSES[code] ?? [causeText, "Check that it can be read."];
    const named = isMissing(cause) ? shownAddress(path) : path;
    const meant = code === "ENOENT" ? meantInstead(named) : undefined;
    const scheme = code === "ENOENT" ? unreadScheme(path) : undefined;
    const why = scheme === undefined
      ? withoutSecrets(reason, path)
      : `addresses with ${scheme}:// are not read`;
    const message = `Cannot ${action} "${named}": ${why}`;
    const failure = FAILURES[code];
    throw new SourceError(named, message, { cause, remedy: meant ?? remedy, failure });
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "EINVAL"].includes(errorCode(error));
}

function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  // A runtime with permissions of its own refuses without a system call.
  return "name" in error && error.name === "NotCapable" ? "EACCES" : "";
}

/** Reading a FIFO, a socket or a device may wait for ever or have effects; they hold no model. */
function refuseSpecial(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory()
    ? "a folder"
    : stats.isFIFO()
    ? "a FIFO"
    : stats.isSocket()
    ? "a socket"
    : "a device";
  throw new SourceError(path, `Cannot open "${path}": it is ${kind}, not a regular file`, {
    remedy: stats.isDirectory()
      ? "Name the folder itself to scan what is in it."
      : 'Name a file, or pass its bytes on standard input as "-".',
  });
}
