/**
 * Files that were given together as a listing for bundles, as `src/sources/folder.ts` makes one of a folder.
 *
 * @module
 */

import type { Source } from "../../src/core/source.ts";
import type { Listing, Member } from "../../src/core/types.ts";
import type { GivenGroup } from "./messages.ts";

/** Id that listings of local folders bear as their format. */
const FOLDER = "folder";

/** The folders that a path leads through, outermost first. */
function foldersOf(name: string): string[] {
  const words = name.split("/").slice(0, -1);
  return words.map((_, index) => words.slice(0, index + 1).join("/"));
}

/**
 * The listing of a group: its files, and the folders between them.
 *
 * @param open gives the source of a file by its place in the group
 */
export function listingOf({ files }: GivenGroup, open: (index: number) => Source): Listing {
  const folders = new Set(files.flatMap(({ name }) => foldersOf(name)));
  const members: Member[] = [...folders].map((name) => ({ name, kind: "folder" }));
  for (const [index, { name, bytes }] of files.entries()) {
    const size = bytes.kind === "blob" ? bytes.blob.size : bytes.size;
    members.push({ name, kind: "file", size, open: () => open(index) });
  }
  return { format: FOLDER, members: members.sort((a, b) => a.name < b.name ? -1 : 1) };
}
