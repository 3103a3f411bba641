/**
 * Which formats a source is of: every one that matches.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Format, NamedData, Sample } from "../../core/format.ts";
import { SAMPLE_BYTES } from "../../core/format.ts";
import type { FormatEntry } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Interest } from "../../core/types.ts";
import { FIRST_LOOK_BYTES, STORAGE_LOOK_BYTES, takeSample } from "./sampling.ts";

/** A format that matches, with its entry in the list. */
export interface Match {
  readonly entry: FormatEntry;
  readonly format: Format;
}

/** What a source turned out to be. */
export interface Identified {
  readonly sample: Sample;
  readonly matches: readonly Match[];
  readonly broken: readonly Broken[];
  /** Formats for which the head breaks off too early to tell. */
  readonly undecided: readonly Match[];
}

/** A format that could not be asked whether it matches. */
export interface Broken {
  readonly entry: FormatEntry;
  /** "load": its module or decoder cannot be had; "detect": its detection threw. */
  readonly stage: "load" | "detect";
  readonly error: unknown;
}

/**
 * Reads a bounded head and tail and asks every format.
 *
 * @param root true for the file itself, whose complete head is read at once
 * @param named the statements of indices in the file's folder about it
 * @throws SourceError when the bytes cannot be had
 */
export async function identify(
  source: Source,
  name: string,
  hint: string | undefined,
  root: boolean,
  formats: readonly FormatEntry[],
  interest?: Interest,
  named: readonly NamedData[] = [],
): Promise<Identified> {
  const detectIn = async (headBytes: number, withTail: boolean): Promise<Identified> => {
    const unnamed = await takeSample(source, name, hint, headBytes, withTail);
    const [first, ...others] = named;
    const sample = first === undefined
      ? unnamed
      : { ...unnamed, named: [first, ...others] as const };
    return { sample, ...await detect(sample, formats, interest) };
  };
  if (root) return await detectIn(SAMPLE_BYTES, true);
  if (hint === HINT.torchStorage) {
    const identified = await detectIn(STORAGE_LOOK_BYTES, false);
    if (identified.matches.length === 0) return identified;
  }
  const fromHead = await detectIn(FIRST_LOOK_BYTES, true);
  const decided = fromHead.matches.length > 0 && fromHead.undecided.length === 0;
  return decided || fromHead.sample.head.length < FIRST_LOOK_BYTES
    ? fromHead
    : await detectIn(SAMPLE_BYTES, true);
}

/** Formats that are loaded, so that they are not waited for again. */
const LOADED = new WeakMap<FormatEntry, Format>();

/**
 * Every format whose detection says yes to a sample.
 *
 * @param formats in the order of the report
 */
export async function detect(
  sample: Sample,
  formats: readonly FormatEntry[],
  interest?: Interest,
): Promise<Pick<Identified, "matches" | "broken" | "undecided">> {
  const matches: Match[] = [];
  const broken: Broken[] = [];
  const undecided: Match[] = [];
  for (const entry of formats) {
    let stage: Broken["stage"] = "detect";
    try {
      if (!entry.mayMatch(sample)) continue;
      stage = "load";
      let format = LOADED.get(entry);
      if (format === undefined) {
        format = await entry.load();
        LOADED.set(entry, format);
      }
      stage = "detect";
      if (format.detect(sample, interest)) matches.push({ entry, format });
      else if (format.isUndecided?.(sample)) undecided.push({ entry, format });
    } catch (error) {
      broken.push({ entry, stage, error });
    }
  }
  return { matches, broken, undecided };
}

/** Ids of the formats that match without the tail. */
export function atHead(
  sample: Sample,
  matches: readonly Match[],
  interest?: Interest,
): readonly string[] {
  const headOnly = { ...sample, tail: undefined };
  return matches.filter(({ format }) => format.detect(headOnly, interest)).map(({ entry }) =>
    entry.id
  );
}
