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
