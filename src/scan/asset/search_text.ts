/**
 * The user's patterns in plain text (members of archives, configuration files, source code) and in the
 * strings of graphs.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import type { Judged } from "../../core/rule_set.ts";
import type { Source } from "../../core/source.ts";
import { readUpTo } from "../../sources/read_all.ts";
import type { Interest, Limits } from "../../core/types.ts";
import type { Match } from "./identify.ts";

/** Bytes of one text that are searched. Vocabularies of tokenizers have some 20 MB. CWE-770. */
const TEXT_BYTES = 64 * 1024 * 1024;

/** A text as one string: windows would cut what a pattern spans. */
const DECODER = new TextDecoder("utf-8");

/** What a search may cost. */
interface SearchBudget {
  readonly limits: Limits;
  /** Throws once time is up. */
  check(): void;
}

/**
 * Observations for every pattern that a text or the strings of a graph match; none for anything else.
 *
 * @param sample the source's head
 * @param matches the formats that match, all of them with a `patternSearch`
 * @throws SourceError when the bytes cannot be had
 * @throws LimitError when a budget is spent
 */
export async function searchStrings(
  source: Source,
  sample: Sample,
  matches: readonly Match[],
  patternsIn: NonNullable<Interest["patternsIn"]>,
  budget: SearchBudget,
): Promise<readonly Judged[]> {
  if (!matches.some(({ entry }) => entry.patternSearch === "protobuf")) {
    return await searchText(source, sample, patternsIn);
  }
  const { searchGraph } = await import("./search_graph.ts");
  const hits = await searchGraph(source, patternsIn, budget.limits, () => budget.check());
  return hits.map(({ pattern, text, offset }) => ({
    type: "fact",
    fact: { kind: "string", pattern, text, role: "a graph" },
    count: 1,
    offset,
  }));
}

async function searchText(
  source: Source,
  sample: Sample,
  patternsIn: NonNullable<Interest["patternsIn"]>,
): Promise<readonly Judged[]> {
  if (sample.head.length === 0 || !isText(sample.head)) return [];
  const { bytes, complete } = await textOf(source, TEXT_BYTES);
  const found: Judged[] = patternsIn(DECODER.decode(bytes)).map(({ pattern, text, at }) => ({
    type: "fact",
    fact: { kind: "string", pattern, text, role: "a text" },
    count: 1,
    offset: at,
  }));
  if (!complete) {
    const detail = `Patterns were looked for in the first ${TEXT_BYTES} bytes of this text only`;
    found.push({ type: "anomaly", rule: "scan-limit", detail, unread: true });
  }
  return found;
}

/** Text has no NUL and few other control characters. */
function isText(head: Uint8Array): boolean {
  const window = head.subarray(0, 4096);
  let nonText = 0;
  for (const byte of window) {
    if (byte === 0) return false;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b) nonText++;
  }
  return nonText * 20 <= window.length;
}

async function textOf(
  source: Source,
  limit: number,
): Promise<{ readonly bytes: Uint8Array; readonly complete: boolean }> {
  const bytes = await readUpTo(source, 0, limit);
  const complete = bytes.length < limit || (await source.read(limit, 1)).length === 0;
  return { bytes, complete };
}
