/**
 * Lists of tokens in text: tiktoken's ranks, a token in base64 and its rank on each line, and the merges
 * of byte pairs that GPT-2 and CLIP bring along, two tokens on each line behind a version.
 * https://github.com/openai/tiktoken/blob/main/tiktoken/load.py, `merges.txt` of transformers.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1, looksLikeText } from "../../parsers/bytes.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a list. The largest real one has 4 MiB. CWE-770. */
const LIST_BYTES = 64 * 1024 * 1024;

/** One line of ranks. */
const RANK = /^[A-Za-z0-9+/]+={0,2} \d{1,9}$/u;
/** The first line of merges, and the others. */
const VERSION = /^#version: \d+\.\d+/u;
const MERGE = /^\S+ \S+$/u;

/** Lines that detection reads. */
const LINES = 8;

/** Lists of tokens. */
export const tokenListFormat: Format = { id: "token-list", random: false, detect, scan };

/** What each line is; undefined for other text. */
function kindOf({ head, name }: Sample): RegExp | undefined {
  const lines = latin1(head, 4096).split("\n").slice(0, LINES);
  const completeLines = lines.length > 1 ? lines.slice(0, -1) : lines;
  if (!looksLikeText(head)) return undefined;
  if (VERSION.test(lines[0] ?? "") && /merges|vocab|bpe/iu.test(name)) return MERGE;
  const ranks = completeLines.length > 0 && completeLines.every((line) => RANK.test(line));
  return ranks && (/\.tiktoken$/iu.test(name) || completeLines.length >= 4) ? RANK : undefined;
}

function detect(sample: Sample): boolean {
  return kindOf(sample) !== undefined;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const kind = kindOf(context.sample);
  if (kind === undefined) return;
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, LIST_BYTES, "a list of tokens", check);
  yield [];
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/u);
  // Ranks are written with a line feed behind each; merges of some tools lack the last.
  if (lines.at(-1) === "") lines.pop();
  else if (kind === RANK) throw new FormatError("Cannot read ranks: the last line has no end");
  lines.forEach((line, index) => {
    if (kind === MERGE && (index === 0 || line === "")) return;
    if (!kind.test(line)) {
      throw new FormatError(`Cannot read line ${index + 1} of a list of tokens`);
    }
  });
}
