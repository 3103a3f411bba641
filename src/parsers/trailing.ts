/**
 * What lies behind the end that a format's own structure gives: padding, or something hidden.
 *
 * @module
 */

import type { Source } from "../core/source.ts";
import type { Observation } from "../core/types.ts";
import { bytesSource, sliceSource } from "../sources/memory.ts";
import { readUpTo } from "../sources/read_all.ts";

/** Bytes behind the end that are compared with zeros; longer runs are no padding. CWE-770. */
const PADDING_BYTES = 1024 * 1024;

/**
 * States what lies behind an offset: nothing, zeros, or data that nothing of the format reads, which is
 * handed on to be looked into.
 *
 * @param end bytes from the start of the source that the format accounts for
 */
export async function behindEnd(source: Source, end: number): Promise<readonly Observation[]> {
  const bytes = await readUpTo(source, end, PADDING_BYTES);
  if (bytes.length === 0) return [];
  const whole = bytes.length < PADDING_BYTES;
  if (whole && bytes.every((byte) => byte === 0)) {
    const detail = `${bytes.length} zeros follow the end at ${end}`;
    return [{ type: "anomaly", rule: "file-padding", detail, offset: end }];
  }
  const part = `bytes_${end}`;
  const { size } = source;
  const rest = source.access === "random" && size !== undefined
    ? sliceSource(part, source, end, size - end)
    : bytesSource(part, bytes);
  const count = size === undefined ? `At least ${bytes.length}` : `${size - end}`;
  return [
    {
      type: "anomaly",
      rule: "file-trailing-data",
      detail: `${count} bytes follow the end at ${end}`,
      offset: end,
    },
    { type: "entry", source: rest, part, loaded: "data" },
  ];
}
