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
  /**
   * Which files are indices: by names that follow from the name of the file asked about, both from the
   * index's folder, or by a pattern of base names, which is compared once for a folder.
   */
  readonly indices: ((file: string) => readonly string[]) | RegExp;
  /** Reads an index. May throw FormatError: then it names nothing. */
  readonly read: (place: IndexPlace) => Promise<Named>;
}
