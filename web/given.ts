/**
 * Files and folders that a user drops or chooses.
 *
 * @module
 */

/// <reference lib="dom" />

import type { ScanError } from "../src/core/types.ts";
import type { GivenFile, GivenGroup } from "./scan/messages.ts";
import type { ServedFile } from "./setup.ts";

/** What was given, and what of it the browser does not open. */
export interface Given {
  readonly groups: readonly GivenGroup[];
  readonly errors: readonly ScanError[];
}

/** Folders that are not gone into, as on the command line: git's objects are not the files a loader opens. */
const SKIPPED_FOLDER = /(?:^|\/)\.git\//u;

/** Files under their folders. */
class Gathering {
  readonly #groups = new Map<string, GivenFile[]>();
  readonly errors: ScanError[] = [];
  readonly #counted: (files: number) => void;
  #count = 0;

  /** @param counted is called with how many files there are so far */
  constructor(counted: (files: number) => void) {
    this.#counted = counted;
  }

  add(prefix: string, name: string, blob: Blob): void {
    if (SKIPPED_FOLDER.test(name)) return;
    const files = this.#groups.get(prefix) ?? [];
    this.#groups.set(prefix, files);
    files.push({ name, bytes: { kind: "blob", blob } });
    this.#counted(++this.#count);
  }

  fail(path: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.errors.push({
      location: { path, parts: [] },
      message: `Cannot open "${path}": the browser does not give it (${reason})`,
      remedy: "Check its permissions, or choose its folder with the button.",
    });
  }

  all(): Given {
    const groups = [...this.#groups].map(([prefix, files]) => ({
      prefix,
      files: files.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
    }));
    return { groups, errors: this.errors };
  }
}

/** Files of an `<input type="file">`, of folders with their paths. */
export function ofInput(files: Iterable<File>): Given {
  const gathering = new Gathering(() => {});
  for (const file of files) {
    const path = file.webkitRelativePath;
    const slash = path.indexOf("/");
    if (slash < 0) gathering.add("", file.name, file);
    else gathering.add(path.slice(0, slash + 1), path.slice(slash + 1), file);
  }
  return gathering.all();
}

/** A folder by the File System API, which some browsers give where the older interface of entries fails. */
interface FolderHandle {
  readonly kind: "directory" | "file";
  readonly name: string;
  values(): AsyncIterable<FolderHandle & { getFile(): Promise<File> }>;
}

/** A dropped item in both interfaces. */
type Item = DataTransferItem & {
  getAsFileSystemHandle?(): Promise<FolderHandle | null>;
};

/**
 * What was dropped. Must be called while the event is handled: its items are gone after that.
 *
 * @param counted is called with how many files were found so far
 */
export async function ofDrop(
  transfer: DataTransfer,
  counted: (files: number) => void,
): Promise<Given> {
  const gathering = new Gathering(counted);
  const items = [...transfer.items].filter(({ kind }) => kind === "file").map((item: Item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }));
  for (const { entry, file, handle } of items) {
    if (entry?.isDirectory) await addFolder(gathering, entry as FileSystemDirectoryEntry, handle);
    else if (file !== null) gathering.add("", file.name, file);
  }
  return gathering.all();
}

async function addFolder(
  gathering: Gathering,
  entry: FileSystemDirectoryEntry,
  handle: Promise<FolderHandle | null> | undefined,
): Promise<void> {
  const prefix = `${entry.name}/`;
  const folder = await handle;
  if (folder !== null && folder !== undefined && folder.kind === "directory") {
    await addHandle(gathering, prefix, "", folder);
  } else await addEntry(gathering, prefix, "", entry);
}

async function addHandle(
  gathering: Gathering,
  prefix: string,
  below: string,
  folder: FolderHandle,
): Promise<void> {
  try {
    for await (const child of folder.values()) {
      const name = below + child.name;
      if (child.kind === "directory") await addHandle(gathering, prefix, `${name}/`, child);
      else {
        await child.getFile().then(
          (file) => gathering.add(prefix, name, file),
          (error) => gathering.fail(prefix + name, error),
        );
      }
    }
  } catch (error) {
    gathering.fail(prefix + below, error);
  }
}

async function addEntry(
  gathering: Gathering,
  prefix: string,
  below: string,
  folder: FileSystemDirectoryEntry,
): Promise<void> {
  const reader = folder.createReader();
  const next = (): Promise<FileSystemEntry[]> =>
    new Promise((done, fail) => reader.readEntries(done, fail));
  try {
    // A browser gives a hundred at a time, and none at the end.
    for (let some = await next(); some.length > 0; some = await next()) {
      for (const child of some) {
        const name = below + child.name;
        if (child.isDirectory) {
          await addEntry(gathering, prefix, `${name}/`, child as FileSystemDirectoryEntry);
          continue;
        }
        const opened = new Promise<File>((done, fail) =>
          (child as FileSystemFileEntry).file(done, fail)
        );
        await opened.then(
          (file) => gathering.add(prefix, name, file),
          (error) => gathering.fail(prefix + name, error),
        );
      }
    }
  } catch (error) {
    gathering.fail(prefix + below, error);
  }
}

/** Files in the page itself. */
export function ofFile(file: File): Given {
  return ofInput([file]);
}

/** Files on the page's server. */
export function ofServed(served: readonly ServedFile[]): Given {
  const groups = new Map<string, GivenFile[]>();
  for (const { prefix, name, size, url } of served) {
    const files = groups.get(prefix) ?? [];
    groups.set(prefix, files);
    const address = new URL(url, document.baseURI).href;
    files.push({ name, bytes: { kind: "served", url: address, size } });
  }
  return { groups: [...groups].map(([prefix, files]) => ({ prefix, files })), errors: [] };
}

/** Files of all groups. */
export function countOf({ groups }: Given): number {
  return groups.reduce((sum, { files }) => sum + files.length, 0);
}
