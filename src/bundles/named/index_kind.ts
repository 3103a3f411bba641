/**
 * What a kind of index is: which files it may name, and how it is read.
 *
 * @module
 */

import type { NamedData } from "../../core/format.ts";
import type { Member } from "../../core/types.ts";

/** An index, its folder with a slash at its end, and what else lies in the listing. */
interface IndexPlace {
  readonly index: Member;
  readonly folder: string;
  readonly members: ReadonlyMap<string, Member>;
}

/** What an index says, by the names of files in the listing. */
export type Named = ReadonlyMap<string, Omit<NamedData, "index">>;

/** One kind of index. */
export interface IndexKind {
  /** The names, from the file's folder, of indices that may name a file; pure and cheap. */
  readonly indices: (file: string, siblings: readonly string[]) => readonly string[];
  /** Reads an index. May throw FormatError: then it names nothing. */
  readonly read: (place: IndexPlace) => Promise<Named>;
}
