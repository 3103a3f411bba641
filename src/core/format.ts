/**
 * What a file format is to the scan loop: it recognises itself and states what is there.
 * It chooses no severity, does not recurse and imports no other format.
 *
 * @module
 */

import type { Source } from "./source.ts";
import type { FolderPlace, Interest, Limits, Observation, Siblings } from "./types.ts";

/** Bytes of the head that detection sees. */
export const SAMPLE_BYTES = 65_536;

/**
 * Bytes of the tail that detection sees: a zip's end of central directory (22 bytes) with the
 * longest comment (65,535), APPNOTE.TXT 4.3.16, and the ZIP64 locator before it (20).
 */
export const TAIL_BYTES: number = 65_536 + 22 + 20;

/** What the name of a file claims is in it. */
export interface NameClaim {
  /** "model": something a framework loads, or a container of such; "other": anything else that is known. */
  readonly kind: "model" | "other";
  /** With its article, for instance "a pickle". */
  readonly label: string;
  /** Ids of the formats that are no anomaly under such a name. */
  readonly formats: readonly string[];
  /** False for a model format without a reader, in any container. */
  readonly supported: boolean;
  /** True when the extension is in such wide use that other content under it is no anomaly. */
  readonly weak: boolean;
  /** True for archives that a program may carry behind itself and extract. */
  readonly selfExtracting: boolean;
  /** True for names of archives and compressed files of anything. */
  readonly container: boolean;
}

/** The statement of an index about a file of raw numbers that it names. */
export interface NamedData {
  /** What reads it, with its article, for instance "weights of an OpenVINO model". */
  readonly label: string;
  /** Base name of the index. */
  readonly index: string;
  /** Bytes that the index reads of it. */
  readonly bytes: number;
  /** True when the index accounts for every byte, so that more than `bytes` are not its own. */
  readonly exact: boolean;
  /** What is wrong with the index in regard to this file, one sentence. */
  readonly anomaly?: string | undefined;
}

/** The input of detection. */
export interface Sample {
  /** Base name with its extension, as the file or archive has it. */
  readonly name: string;
  /** Bytes in all; undefined for a stream that has not ended. */
  readonly size: number | undefined;
  /** The first `SAMPLE_BYTES` at most. */
  readonly head: Uint8Array;
  /** The last `TAIL_BYTES` at most, where the source has random access; may overlap the head. */
  readonly tail: Uint8Array | undefined;
  /** What the parent said it would be, one of `HINT`. */
  readonly hint: string | undefined;
  /** What the name claims; absent for names that claim nothing. */
  readonly claim?: NameClaim | undefined;
  /**
   * What indices in the folder, or above it, read these bytes as, the one that reads the most first;
   * absent where none names them.
   */
  readonly named?: readonly [NamedData, ...NamedData[]] | undefined;
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

/** One line of a listing, such as an opcode with its argument. */
export interface ListingLine {
  /** Control characters still raw: a report escapes them. */
  readonly text: string;
  /** True for what the offsets asked for point at. */
  readonly marked: boolean;
}

/** What `Format.explain` may ask and cost. */
export interface ExplainContext {
  /** What the rules want to know more about. */
  readonly interest: Interest;
  /** Throws LimitError once the asset's time is spent. */
  checkDeadline(): void;
}

/** One file format. */
export interface Format {
  /** Stable, in lower case with hyphens: `pickle`, `zip`, `npy`. */
  readonly id: string;
  /** True when `scan` needs random access; the loop then spools a forward source, within a limit. */
  readonly random: boolean;
  /**
   * Pure and synchronous. Content decides; a name alone never makes a match.
   *
   * @param interest what the rules know, where the caller has rules
   */
  detect(sample: Sample, interest?: Interest): boolean;
  /**
   * Pure: true when the head breaks off in the middle of what may be of this format, so that only
   * `detectFurther` can tell. Asked where `detect` was false and the head is as long as heads get.
   */
  isUndecided?(sample: Sample): boolean;
  /**
   * Decides by reading on. The source has random access.
   *
   * @returns undefined when that would take too many bytes: the file is incomplete then
   * @throws SourceError when the bytes cannot be had
   * @throws LimitError once time is spent
   */
  detectFurther?(
    source: Source,
    sample: Sample,
    checkDeadline: () => void,
  ): Promise<boolean | undefined>;
  /** Yields a batch per window. May throw FormatError, LimitError, SourceError; what was yielded before counts. */
  scan(source: Source, context: FormatContext): AsyncIterable<readonly Observation[]>;
  /**
   * Lists what stands around places of a source that was scanned, for people; absent where a listing would
   * explain nothing. Bounded: a place that is too far on has none.
   *
   * @param places offsets that belong together, for each thing to be explained
   * @returns lines for each, in the same order; none where there is nothing to list
   * @throws SourceError when bytes cannot be had
   * @throws LimitError once time is spent
   */
  explain?(
    source: Source,
    places: readonly (readonly number[])[],
    context: ExplainContext,
  ): Promise<readonly (readonly ListingLine[])[]>;
}

/** One format as detection sees it: what can be asked before its module is loaded. */
export interface FormatEntry {
  /** Equal to the format's own; the `format` of a report. */
  readonly id: string;
  /** Id of the anomaly rule for a FormatError that the format throws. */
  readonly malformedRule: string;
  /**
   * Whether to load the format's reader. Cheap; may have false positives, never false negatives: the
   * format's own `detect` decides.
   */
  mayMatch(sample: Sample): boolean;
  /** Loads the format's module. Rejects when its decoder cannot be had. */
  load(): Promise<Format>;
  /** What a file of it is, with its article, for instance "a zip archive". */
  readonly label?: string;
  /**
   * How the strings of a source are searched for the user's patterns; absent where the format searches
   * its own or holds members or numbers.
   */
  readonly patternSearch?: "text" | "protobuf";
  /**
   * Set for what is no model by itself: a file in which nothing else was recognised is not clean but
   * skipped, or incomplete where a name in a container claims a model.
   */
  readonly noModel?: "container" | "program";
}

/**
 * "code": loading can run something, and a reader says what; "data": cannot run code, is validated and
 * clean; "unread": known, can do harm, and has no reader yet, so that a file of it is incomplete.
 */
type FormatRole = "code" | "data" | "unread";

/** A reader of a format's folder: what it recognises, and how it is described and proved. */
export interface FormatReader extends FormatEntry {
  readonly label: string;
  /** Extensions under which content of this format is no anomaly, separated by spaces. */
  readonly under: string;
  /** True for an archive that a program may carry behind itself and extract. */
  readonly behindPrograms?: true;
  /** Samples of `testdata/` on which `modelaudit doctor` proves the reader. */
  readonly samples: DoctorPair;
}

/** A harmful and a harmless file below `testdata/`, and the npm package that decodes them. */
interface DoctorPair {
  readonly harmful: string;
  /** Undefined where nothing of the format is harmless. */
  readonly harmless: string | undefined;
  /** Name of an npm package; absent for what is built in. */
  readonly decoder?: string;
}

/** Extensions that claim a format. */
export interface ClaimRow {
  /** With its article, for instance "a PyTorch checkpoint". */
  readonly label: string;
  /** Without dots, in lower case, separated by spaces. */
  readonly extensions: string;
  /** True when many other things use the name too. */
  readonly weak?: true;
  /** True for a variant of the format that has no reader yet. */
  readonly unread?: true;
  /** True for archives and compressed files of anything: the name says nothing of a model. */
  readonly container?: true;
}

/** A row of the table of what is read, in the user's documentation. */
export type CoverageRow = readonly [what: string, ofIt: string];

/** A format that is recognised by content and has no reader. */
interface UnreadKind {
  /** With its article, for instance "a TensorRT engine". */
  readonly label: string;
  /** Pure and cheap. */
  readonly matches: (sample: Sample) => boolean;
}

/**
 * All that the program knows about a format apart from reading it. Its id names the folder under
 * `src/formats/`, the rules file, the folder of samples and the family of the fuzzer.
 */
export interface FormatDescriptor {
  /** In lower case with hyphens. */
  readonly id: string;
  /** Heading of its rules in `docs/threats.md`. */
  readonly title: string;
  readonly role: FormatRole;
  /** What names of files claim it. */
  readonly claims: readonly ClaimRow[];
  /** In the order of the report; none where the role is "unread". */
  readonly readers: readonly FormatReader[];
  /** What is recognised by content and has no reader. */
  readonly unread?: readonly UnreadKind[];
  /** Rows of the table in `docs/usage.md`. */
  readonly coverage: readonly CoverageRow[];
}

/**
 * An entry for a format that is loaded already, for callers that bring formats of their own.
 *
 * @param malformedRule id of the rule for its FormatErrors; `<id>-malformed` unless given
 */
export function formatEntry(format: Format, malformedRule = `${format.id}-malformed`): FormatEntry {
  return {
    id: format.id,
    malformedRule,
    mayMatch: () => true,
    load: () => Promise.resolve(format),
  };
}

/** Loads once, but again after a failure. */
export function once(load: () => Promise<Format>): () => Promise<Format> {
  let loaded: Promise<Format> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
