/**
 * Reads a source to its end into memory, within a bound.
 *
 * @module
 */

import { LimitError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";

const READ_BYTES = 1 << 20;

/**
 * All bytes of a source, as a copy.
 *
 * @param most bytes
 * @param content it is, for the message of the error: "a configuration"
 * @param check called before each read; may throw
 * @throws LimitError when there are more bytes
 * @throws SourceError when the bytes cannot be had
 */
export async function readAll(
  source: Source,
  most: number,
  content: string,
  check: () => void,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (true) {
    check();
    const part = (await source.read(length, READ_BYTES)).slice();
    if (part.length === 0) break;
    parts.push(part);
    length += part.length;
    if (length > most) {
      throw new LimitError(
        "spoolBytes",
        `Cannot read "${source.name}": ${content} of more than ${most} bytes`,
      );
    }
  }
  return joined(parts, length);
}

/**
 * The first bytes from a place on, as a copy; fewer than `most` only at the source's end.
 *
 * @param offset in bytes
 * @param most bytes
 * @throws SourceError when the bytes cannot be had
 */
export async function readUpTo(source: Source, offset: number, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const size = Math.min(READ_BYTES, most - length);
    const part = (await source.read(offset + length, size)).slice();
    if (part.length === 0) break;
    parts.push(part);
    length += part.length;
  }
  return joined(parts, length);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
