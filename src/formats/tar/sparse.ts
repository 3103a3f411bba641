/**
 * Sparse members of tar archives: files whose runs of zeros are not stored. GNU tar has four formats
 * for them, https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html: a map in the
 * header block (type `S`), in pax records as pairs (0.0) or as a list (0.1), and before the data (1.0).
 * Python's `tarfile` puts all of them together.
 *
 * @module
 */

import type { Source } from "../../core/source.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { BLOCK_BYTES, textOf } from "./header.ts";

/** A run of bytes that is there. */
export interface SparsePart {
  /** Where it belongs in the file. */
  readonly offset: number;
  readonly length: number;
}

/** A file with holes; its parts lie one behind the other in the archive. */
export interface SparseMap {
  readonly parts: readonly SparsePart[];
  /** Bytes of the file, holes included. */
  readonly size: number;
}

/**
 * Parts of a map; a longer one is made to exhaust memory. No model is known to have a sparse member. CWE-770.
 */
const MOST_PARTS = 1_000_000;

const HEADER_MAP = { at: 386, entries: 4 } as const;
const EXTENSION_ENTRIES = 21;
const FIELD_BYTES = 12;
const REAL_SIZE_AT = 483;

/** The parts that a header of type `S` names, and the size of the file. */
export function headerSparseMap(block: Uint8Array): SparseMap | undefined {
  const size = fieldOf(block, REAL_SIZE_AT);
  const parts = entriesOf(block, HEADER_MAP.at, HEADER_MAP.entries);
  return size === undefined ? undefined : { parts, size };
}

/** The parts that a block behind such a header names. */
export function extensionSparseParts(block: Uint8Array): readonly SparsePart[] {
  return entriesOf(block, 0, EXTENSION_ENTRIES);
}

function entriesOf(block: Uint8Array, at: number, count: number): SparsePart[] {
  const parts: SparsePart[] = [];
  for (let entry = 0; entry < count; entry++) {
    const from = at + entry * FIELD_BYTES * 2;
    const offset = fieldOf(block, from);
    const length = fieldOf(block, from + FIELD_BYTES);
    if (offset !== undefined && length !== undefined) parts.push({ offset, length });
  }
  return parts;
}

/** Octal digits, or big-endian binary with the first bit set; undefined for an empty field. */
function fieldOf(block: Uint8Array, at: number): number | undefined {
  const bytes = block.subarray(at, at + FIELD_BYTES);
  const first = bytes[0] ?? 0;
  if ((first & 0x80) !== 0) {
    return bytes.subarray(1).reduce((value, byte) => value * 256 + byte, first & 0x3f);
  }
  const text = textOf(bytes).trim();
  return /^[0-7]+$/u.test(text) ? parseInt(text, 8) : undefined;
}

/**
 * What pax records say of a sparse member; "data" when its map stands before its data.
 *
 * @param records with the last value of each key
 * @param bytes of the pax header, since version 0.0 repeats its keys
 */
export function paxSparse(
  records: ReadonlyMap<string, string>,
  bytes: Uint8Array,
): SparseMap | "data" | undefined {
  const size = Number(records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size"));
  if (records.get("GNU.sparse.major") === "1") return "data";
  const list = records.get("GNU.sparse.map");
  const numbers = list !== undefined ? list.split(",").map(Number) : Array.from(
    textOf(bytes).matchAll(/ GNU\.sparse\.(?:offset|numbytes)=(\d+)\n/gu),
    ([, digits]) => Number(digits),
  );
  return Number.isSafeInteger(size) ? { parts: pairs(numbers), size } : undefined;
}

/**
 * Whether a pax header says how long a member is in the words of sparse files, and no more: Python
 * takes that for the size of each member that a global header speaks about.
 *
 * @param records with the last value of each key
 */
export function isSizeAlone(records: ReadonlyMap<string, string>): boolean {
  return !Array.from(records.keys()).some((key) =>
    key.startsWith("GNU.sparse.") && key !== "GNU.sparse.size" && key !== "GNU.sparse.realsize"
  );
}

/** Digits of a number in a map, and the line break behind it. */
const LONGEST_NUMBER = 17;

/**
 * Reads the map before the data, version 1.0: lines with the count, then offset and length of each part.
 *
 * @param more gives the archive's bytes from an offset behind the header
 * @returns the map's parts and the bytes that it takes up, a multiple of a block
 */
export async function dataSparseParts(
  more: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<{ readonly parts: readonly SparsePart[]; readonly length: number } | undefined> {
  const numbers: number[] = [];
  let expected = 1;
  let text = "";
  let at = 0;
  while (numbers.length < expected) {
    const block = await more(at, BLOCK_BYTES);
    if (block.length < BLOCK_BYTES) return undefined;
    at += BLOCK_BYTES;
    const lines = (text + latin1(block)).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      if (numbers.length >= expected) break;
      if (!/^\d{1,16}$/u.test(line)) return undefined;
      numbers.push(Number(line));
      if (numbers.length === 1) expected = 1 + 2 * Number(line);
      if (expected > 2 * MOST_PARTS) return undefined;
    }
    if (numbers.length < expected && text.length > LONGEST_NUMBER) return undefined;
  }
  return { parts: pairs(numbers.slice(1)), length: at };
}

function pairs(numbers: readonly number[]): SparsePart[] {
  const parts: SparsePart[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    parts.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return parts;
}

/** True when the parts are in order, within the file and all in the archive. */
export function isSound({ parts, size }: SparseMap, stored: number): boolean {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of parts) {
    if (!(offset >= end) || !(length >= 0)) return false;
    end = offset + length;
    sum += length;
  }
  return Number.isSafeInteger(size) && end <= size && sum <= stored;
}

/**
 * The file put together, without copying: holes are zeros.
 *
 * @param dataOffset of the first part in the archive
 * @param spend reported of zeros that are read; throws LimitError beyond the budget
 */
export function sparseSource(
  name: string,
  archive: Source,
  dataOffset: number,
  { parts, size }: SparseMap,
  spend: (bytes: number) => void,
): Source {
  let stored = dataOffset;
  const placed = parts.filter(({ length }) => length > 0).map(({ offset, length }) => {
    const from = stored;
    stored += length;
    return { offset, end: offset + length, from };
  });
  /** The first part that ends behind an offset. */
  const find = (offset: number): number => {
    let low = 0;
    let high = placed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((placed[middle]?.end ?? Infinity) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return {
    name,
    size,
    access: archive.access,
    async read(offset, length) {
      const requested = Math.max(0, Math.min(length, size - offset));
      const bytes = new Uint8Array(requested);
      let held = 0;
      for (let index = find(offset);; index++) {
        const part = placed[index];
        if (part === undefined || part.offset >= offset + requested) break;
        const from = Math.max(part.offset, offset);
        const to = Math.min(part.end, offset + requested);
        const there = await archive.read(part.from + from - part.offset, to - from);
        bytes.set(there, from - offset);
        held += there.length;
      }
      spend(requested - held);
      return bytes;
    },
  };
}
