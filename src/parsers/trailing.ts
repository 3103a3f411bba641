/**
 * What lies behind the end that a format's own structure gives: padding, or something hidden.
 *
 * @module
 */

import type { Source } from "../core/source.ts";
import type { Observation } from "../core/types.ts";
import { HINT } from "../core/hints.ts";
import { restSource } from "../sources/forward.ts";
import { bytesSource, sliceSource } from "../sources/memory.ts";
import { readUpTo } from "../sources/read_all.ts";

/**
 * Bytes behind the end that are compared with zeros; longer runs are no padding. The longest padding seen has
 * 426. CWE-770.
 */
const PADDING_BYTES = 1024 * 1024;
/** Bytes read at once to find where padding ends. */
const CHUNK_BYTES = 64 * 1024;

/**
 * States what lies behind an offset: nothing, zeros, or data that nothing of the format reads, which is
 * handed on to be looked into.
 *
 * @param end bytes from the start of the source that the format accounts for
 */
export async function behindEnd(source: Source, end: number): Promise<readonly Observation[]> {
  const bytes = await readUpTo(source, end, PADDING_BYTES);
  if (bytes.length === 0) return [];
  const complete = bytes.length < PADDING_BYTES;
  if (complete && bytes.every((byte) => byte === 0)) {
    const detail = `${bytes.length} zeros follow the end at ${end}`;
    return [{ type: "anomaly", rule: "file-padding", detail, offset: end }];
  }
  const part = `bytes_${end}`;
  const { size } = source;
  const entry = source.access === "random"
    ? await hiddenEntry(source, part, end)
    : asHidden(bytesSource(part, bytes), part);
  const count = size === undefined ? `At least ${bytes.length}` : `${size - end}`;
  return [
    {
      type: "anomaly",
      rule: "file-trailing-data",
      detail: `${count} bytes follow the end at ${end}`,
      offset: end,
    },
    entry,
  ];
}

/**
 * The same behind an end that is only known roughly, since writers round it up or what is not asked for lies behind
 * it: zeros are nothing, and whatever else is there is looked into without a word about it.
 *
 * @param end bytes from the start of the source up to which the format was read; its size is known
 */
export async function behindLast(source: Source, end: number): Promise<readonly Observation[]> {
  if ((source.size ?? end) <= end) return [];
  const bytes = await readUpTo(source, end, PADDING_BYTES);
  const isZero = bytes.length < PADDING_BYTES && bytes.every((byte) => byte === 0);
  return isZero ? [] : [await hiddenEntry(source, `bytes_${end}`, end)];
}

/** How programs and archives begin, with which no data does by chance. */
const SIGNATURES: readonly (readonly number[])[] = [
  [0x7f, 0x45, 0x4c, 0x46],
  [0x50, 0x4b, 3, 4],
  [0x1f, 0x8b, 8, 0],
  [0x1f, 0x8b, 8, 8],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
  [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c],
  [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x04, 0x22, 0x4d, 0x18],
];
/** Places of programs and archives that are handed on. CWE-834. */
const SIGNATURES_FOLLOWED = 16;

/**
 * Programs and archives in a stretch of which it is not known where the format ends in it, each up to the end.
 *
 * @param bytes the stretch
 * @param at its offset in the source, of known size
 */
export async function hiddenFiles(
  source: Source,
  bytes: Uint8Array,
  at: number,
): Promise<readonly HiddenEntry[]> {
  const found: HiddenEntry[] = [];
  for (let place = 0; place < bytes.length && found.length < SIGNATURES_FOLLOWED; place++) {
    const isOne = SIGNATURES.some((signature) =>
      signature.every((byte, index) => bytes[place + index] === byte)
    );
    if (isOne) found.push(await hiddenEntry(source, `bytes_${at + place}`, at + place));
  }
  return found;
}

/**
 * Bytes that nothing of the format reads, to be looked into: from the first that is neither zero nor white
 * space on where the source can be read twice.
 *
 * @param from offset of the first of them
 * @param to offset behind the last of them; the end of the source unless given
 * @throws SourceError when the bytes cannot be had
 */
export async function hiddenEntry(
  source: Source,
  part: string,
  from: number,
  to: number | undefined = source.size,
): Promise<HiddenEntry> {
  if (source.access !== "random" || to === undefined) {
    return asHidden(restSource(part, source, from), part);
  }
  let start = from;
  const last = Math.min(to, from + PADDING_BYTES);
  while (start < last) {
    const bytes = await source.read(start, Math.min(CHUNK_BYTES, last - start));
    const written = bytes.findIndex((byte) =>
      byte !== 0 && byte !== 0x20 && (byte < 9 || byte > 13)
    );
    start += written < 0 ? bytes.length : written;
    if (written >= 0 || bytes.length === 0) break;
  }
  return asHidden(sliceSource(part, source, start, Math.max(0, to - start)), part);
}

type HiddenEntry = Extract<Observation, { readonly type: "entry" }>;

function asHidden(source: Source, part: string): HiddenEntry {
  return { type: "entry", source, part, hint: HINT.hidden, loaded: "data" };
}
