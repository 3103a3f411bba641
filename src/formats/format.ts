/**
 * What a file format is to the scan loop: it recognises itself and states what is there.
 * It chooses no severity, does not recurse and imports no other format.
 *
 * @module
 */

import type { Source } from "../source/source.ts";
import type { FolderPlace, Interest, Limits, Observation, Siblings } from "../types.ts";

/** Bytes of the head that detection sees. */
export const SAMPLE_BYTES = 65_536;

/**
 * Bytes of the tail that detection sees: a zip's end of central directory (22 bytes) with the
 * longest comment (65,535), APPNOTE.TXT 4.3.16, and the ZIP64 locator before it (20).
 */
export const TAIL_BYTES: number = 65_536 + 22 + 20;

/** All that detection may look at. */
export interface Sample {
  /** Base name with its extension, as the file or archive has it. */
  readonly name: string;
  /** Bytes in all; undefined for a stream that has not ended. */
  readonly size: number | undefined;
  /** The first `SAMPLE_BYTES` at most. */
  readonly head: Uint8Array;
  /** The last `TAIL_BYTES` at most, where the source has random access; may overlap the head. */
  readonly tail: Uint8Array | undefined;
  /** What the parent said it would be, for instance `torch-tar-storages`. */
  readonly hint: string | undefined;
}

/** What the loop hands to a format that scans. */
export interface FormatContext {
  /** What detection saw. */
  readonly sample: Sample;
  /** What the rules want to know more about. */
  readonly interest: Interest;
  /** The budgets. */
  readonly limits: Limits;
  /** How many containers are around this source; 0 for a file. */
  readonly depth: number;
  /** The files beside this one, where it is a member of an archive. */
  readonly siblings?: Siblings;
  /** The local folder that the file lies in, where it is known and the source is the file itself. */
  readonly folder?: FolderPlace;
  /** Throws LimitError once the asset's time is spent. Cheap; call it once a window. */
  checkDeadline(): void;
  /** Counts bytes that decompression produced; throws LimitError beyond the budget. */
  spendExpanded(bytes: number): void;
  /** Counts opcodes; throws LimitError beyond the budget. */
  spendOpcodes(count: number): void;
}

/** One file format. */
export interface Format {
  /** Stable, in lower case with hyphens: `pickle`, `zip`, `npy`. */
  readonly id: string;
  /** True when `scan` needs random access; the loop then spools a forward source, within a limit. */
  readonly random: boolean;
  /** Pure and synchronous. Content decides; a name alone never makes a match. */
  detect(sample: Sample): boolean;
  /** Yields a batch per window. May throw FormatError, LimitError, SourceError; what was yielded before counts. */
  scan(source: Source, context: FormatContext): AsyncIterable<readonly Observation[]>;
}
