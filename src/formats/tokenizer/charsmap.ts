/**
 * sentencepiece's table of characters: the size of a trie, the trie as a double array, then texts that each end with
 * a zero. Releases before 0.2.1 follow offsets in it without a check (CVE-2026-1260), later ones those of its root:
 * `Normalizer::DecodePrecompiledCharsMap` of src/normalizer.cc, third_party/darts_clone/darts.h.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";

/** Units of a trie are in blocks of this many: a character is added to an offset by XOR. */
const BLOCK = 256;
/** Replacements that may begin at one place: `kMaxTrieResultsSize`, the length of the normalizer's own array. */
const RESULTS = 32;
/** A unit of a character has its code here and no sign; that of a value has the sign. */
const LABEL = 0x800000ff;
const HAS_LEAF = 1 << 8;
const VALUE = 0x7fffffff;

/** Where a unit leads, in units; others are reached from there by their character. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6) >>> 0;
}

/**
 * What a table lies about; undefined for one that no release reads wrongly.
 *
 * @param map the table; empty where there is none
 * @param at its offset in the file, for messages
 * @throws FormatError where it is cut off
 */
export function charsmapAnomaly(map: Uint8Array, at: number): string | undefined {
  if (map.length === 0) return undefined;
  if (map.length < 4) throw new FormatError("Cannot read table of characters: it is cut off", at);
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  const bytes = view.getUint32(0, true);
  if (bytes === 0 || bytes % 4 !== 0 || 4 + bytes > map.length) {
    throw new FormatError(`Cannot read table of characters: its trie has ${bytes} bytes`, at);
  }
  const texts = map.length - 4 - bytes;
  if (texts > 0 && map.at(-1) !== 0) {
    throw new FormatError("Cannot read table of characters: its last text has no end", at);
  }
  if (bytes % (4 * BLOCK) !== 0) return `Its trie of ${bytes} bytes is in no blocks of 1024`;
  return trieAnomaly((unit) => view.getUint32(4 + 4 * unit, true), bytes / 4, texts);
}

/** A unit that can be reached, and how many replacements end before it. */
interface Reached {
  readonly unit: number;
  readonly results: number;
}

function trieAnomaly(
  unitAt: (unit: number) => number,
  units: number,
  texts: number,
): string | undefined {
  const root = unitAt(0);
  if ((root & LABEL) !== 0 || (root & HAS_LEAF) !== 0) return "Its trie has a root that is no root";
  // Words with the same end share its units: one is followed again where more replacements end before it.
  const most = new Int8Array(units).fill(-1);
  const waiting: Reached[] = [{ unit: 0, results: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if ((most[next.unit] ?? RESULTS) >= next.results) continue;
    most[next.unit] = next.results;
    const unit = unitAt(next.unit);
    const base = (next.unit ^ offsetOf(unit)) >>> 0;
    if (base >= units) return `Unit ${next.unit} of its trie leads to ${base} of ${units}`;
    let { results } = next;
    if ((unit & HAS_LEAF) !== 0) {
      const value = unitAt(base) & VALUE;
      if (value >= texts) return `Its trie names the text at ${value} of ${texts} bytes`;
      if (++results > RESULTS) return `More than ${RESULTS} replacements begin with one another`;
    }
    for (let character = 1; character < BLOCK; character++) {
      const child = (base ^ character) >>> 0;
      if (((unitAt(child) & LABEL) >>> 0) === character) waiting.push({ unit: child, results });
    }
  }
  return undefined;
}
