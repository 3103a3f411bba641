/**
 * Listings of members in memory, for the tests of bundles.
 *
 * @module
 */

import type { Listing, Member } from "../../core/types.ts";
import { bytesSource } from "../../sources/memory.ts";

/** A file of these bytes, or of this text. */
export function member(name: string, content: Uint8Array | string): Member {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { name, kind: "file", size: bytes.length, open: () => bytesSource(name, bytes) };
}

/** A folder of files by name. */
export function listing(files: Readonly<Record<string, Uint8Array | string>>): Listing {
  return {
    format: "folder",
    members: Object.entries(files).map(([name, content]) => member(name, content)),
  };
}
