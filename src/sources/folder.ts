/**
 * A local folder as the listing that bundles look at: what lies in it, by path below it. Sizes, links
 * and bytes are asked for only where a package wants them.
 *
 * @module
 */

import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FolderPlace, Listing, Member } from "../core/types.ts";
import { fileSource, SKIPPED_FOLDERS } from "./file.ts";
import type { Source } from "../core/source.ts";

/** Id that the listing of a local folder bears as its format. */
export const FOLDER = "folder";

/** Members listed of one folder; a repository has some thousands at most. */
const MEMBERS = 200_000;

/** The listings of the folders that a scan goes through, each made once, when it is first asked. */
export class Folders {
  readonly #listings = new Map<string, Listing>();

  /**
   * Where a found file lies. One that was named itself lies in the folder that holds it, of which
   * only the files beside it are listed.
   *
   * @param path of the file
   * @param given the argument that it was found below; the same as `path` when it was named itself
   */
  place(path: string, given: string): FolderPlace {
    const named = path === given;
    const root = named ? dirname(path) : given;
    const key = `${named ? "beside" : "below"} ${root}`;
    let listing = this.#listings.get(key);
    if (listing === undefined) {
      listing = folderListing(root, !named);
      this.#listings.set(key, listing);
    }
    return { listing, member: named ? basename(path) : below(root, path) };
  }
}

function folderListing(root: string, deep: boolean): Listing {
  let members: readonly Member[] | undefined;
  return {
    format: FOLDER,
    get members() {
      return members ??= listFolder(root, deep);
    },
  };
}

/** The path below a folder, with `/`; the folder may be written with a separator at its end. */
function below(root: string, path: string): string {
  const prefix = join(root, "x").slice(0, -1);
  const rest = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return rest.replaceAll("\\", "/");
}

/**
 * What lies in a folder, sorted. What cannot be listed is left out: the walk over the same folder says
 * so.
 *
 * @param deep true for all folders below it too; links to folders are not gone into
 */
export function listFolder(root: string, deep: boolean): Member[] {
  const members: Member[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let entries;
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries) {
      if (members.length >= MEMBERS) return members;
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      members.push(memberOf(name, join(root, name)));
      if (deep && entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) folders.push(name);
    }
  }
  return members.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** A member whose file is looked at when somebody asks. */
function memberOf(name: string, path: string): Member {
  let own: Stats | undefined | "unasked" = "unasked";
  const asked = (): Stats | undefined => own === "unasked" ? own = statsOf(lstatSync, path) : own;
  const reached = (): Stats | undefined =>
    asked()?.isSymbolicLink() ? statsOf(statSync, path) : asked();
  return {
    name,
    get kind() {
      const stats = asked();
      if (stats === undefined) return "other";
      if (stats.isSymbolicLink()) return "link";
      if (stats.isDirectory()) return "folder";
      if (!stats.isFile()) return "other";
      return stats.nlink > 1 ? "hardlink" : "file";
    },
    get size() {
      const stats = reached();
      return stats?.isFile() ? stats.size : undefined;
    },
    get linkTarget() {
      return asked()?.isSymbolicLink() ? targetOf(path) : undefined;
    },
    get open() {
      const stats = reached();
      return stats?.isFile() ? () => openedWhenRead(path, stats.size) : undefined;
    },
  };
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

/** A source that holds its file open only while it reads, for nobody closes it. */
function openedWhenRead(path: string, size: number): Source {
  return {
    name: path,
    size,
    access: "random",
    async read(offset, length) {
      const source = await fileSource(path);
      try {
        return await source.read(offset, length);
      } finally {
        source.close();
      }
    },
  };
}
