/**
 * A local folder as a listing for bundles: its files by path below it. Sizes, links and bytes are read
 * only where a bundle needs them.
 *
 * @module
 */

import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { FolderPlace, Listing, Member } from "../core/types.ts";
import { fileSource, SKIPPED_FOLDERS } from "./file.ts";
import { keyOf, type LinkedFiles } from "./linked.ts";
import type { Source } from "../core/source.ts";

/** Id that the listing of a local folder bears as its format. */
export const FOLDER = "folder";

/** Members listed of one folder; a repository has some thousands at most. CWE-770. */
export const MEMBERS = 200_000;

/** The listings of the folders that a scan goes through, each made once, when it is first asked. */
export class Folders {
  readonly #listings = new Map<string, Listing>();
  /** The argument of the last file, the paths below it and its listing: files come folder by folder. */
  #argument: string | undefined;
  #prefix = "";
  #below: Listing = folderListing(".", true);
  readonly #linked: LinkedFiles | undefined;

  /** @param linked keeps what is read of files that several paths name */
  constructor(linked?: LinkedFiles) {
    this.#linked = linked;
  }

  /**
   * Where a found file lies. One that was named itself lies in the folder that holds it, of which
   * only the files beside it are listed.
   *
   * @param path of the file
   * @param argument the argument that it was found below; the same as `path` when it was named itself
   */
  place(path: string, argument: string): FolderPlace {
    if (path === argument) {
      const root = dirname(path);
      return { listing: this.#listing(`beside ${root}`, root, false), member: basename(path) };
    }
    if (argument !== this.#argument) {
      this.#argument = argument;
      this.#prefix = join(argument, "x").slice(0, -1);
      this.#below = this.#listing(`below ${argument}`, argument, true);
    }
    const rest = path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : path;
    return { listing: this.#below, member: sep === "/" ? rest : rest.replaceAll("\\", "/") };
  }

  #listing(key: string, root: string, deep: boolean): Listing {
    const known = this.#listings.get(key);
    if (known !== undefined) return known;
    const listing = folderListing(root, deep, this.#linked);
    this.#listings.set(key, listing);
    return listing;
  }
}

function folderListing(root: string, deep: boolean, linked?: LinkedFiles): Listing {
  let members: readonly Member[] | undefined;
  return {
    format: FOLDER,
    get members() {
      return members ??= listFolder(root, deep, linked);
    },
  };
}

/**
 * What lies in a folder, sorted. What cannot be listed is omitted: the walk over the same folder
 * reports it.
 *
 * @param deep true for all folders below it too; links to folders are not gone into
 * @param linked keeps what is read of files that several paths name
 */
export function listFolder(root: string, deep: boolean, linked?: LinkedFiles): Member[] {
  const members: Member[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let entries;
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch {
      continue;
    }
    linked?.witness?.listed(join(root, folder), entries.map(({ name }) => name));
    for (const entry of entries) {
      if (members.length >= MEMBERS) return members;
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      members.push(new FolderMember(root, name, linked));
      if (deep && entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) folders.push(name);
    }
  }
  return members.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** A member whose file is looked at when it is asked for. There is one for each file of a folder. */
class FolderMember implements Member {
  readonly name: string;
  /** The folder of the listing. */
  readonly #root: string;
  /** Of the member itself, which may be a link; undefined where it cannot be looked at. */
  #stats: Stats | undefined | "unasked" = "unasked";

  readonly #linked: LinkedFiles | undefined;

  constructor(root: string, name: string, linked: LinkedFiles | undefined) {
    this.#root = root;
    this.name = name;
    this.#linked = linked;
  }

  get kind(): Member["kind"] {
    const stats = this.#own();
    if (stats === undefined) return "other";
    if (stats.isSymbolicLink()) return "link";
    if (stats.isDirectory()) return "folder";
    if (!stats.isFile()) return "other";
    return stats.nlink > 1 ? "hardlink" : "file";
  }

  get size(): number | undefined {
    const stats = this.#reached();
    return stats?.isFile() ? stats.size : undefined;
  }

  get linkTarget(): string | undefined {
    return this.#own()?.isSymbolicLink() ? targetOf(this.#path()) : undefined;
  }

  get open(): (() => Source) | undefined {
    const stats = this.#reached();
    const path = this.#path();
    return stats?.isFile() ? () => openedWhenRead(path, stats.size, this.#linked) : undefined;
  }

  #path(): string {
    return join(this.#root, this.name);
  }

  #own(): Stats | undefined {
    if (this.#stats === "unasked") {
      const path = this.#path();
      this.#stats = statsOf(lstatSync, path);
      this.#linked?.witness?.looked(path, this.#stats && versionOf(this.#stats));
    }
    return this.#stats;
  }

  #reached(): Stats | undefined {
    const own = this.#own();
    return own?.isSymbolicLink() ? statsOf(statSync, this.#path()) : own;
  }
}

/** As witnesses have it. */
function versionOf(stats: Stats): string | undefined {
  return stats.isDirectory() ? FOLDER : stats.isFile() ? keyOf(stats) : undefined;
}

function statsOf(ask: (path: string) => Stats, path: string): Stats | undefined {
  try {
    return ask(path);
  } catch {
    return undefined;
  }
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** A source that holds its file open only while it reads, for nothing closes it. */
function openedWhenRead(path: string, size: number, linked: LinkedFiles | undefined): Source {
  return {
    name: path,
    size,
    access: "random",
    async read(offset, length) {
      const source = await fileSource(path, linked);
      try {
        return await source.read(offset, length);
      } finally {
        source.close();
      }
    },
  };
}
