/**
 * HTTP range requests: Content-Range headers, multipart responses, and which ranges to request
 * together. https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 *
 * @module
 */

import type { ByteRange } from "../core/source.ts";

/** A parsed Content-Range header. */
interface Span {
  readonly start: number;
  /** The last byte, as in the header. */
  readonly end: number;
  /** Size of the complete file in bytes; undefined where the server does not state it. */
  readonly total: number | undefined;
}

/** A part of an answer of several ranges. */
export interface RangePart {
  readonly start: number;
  /** A view of the body. */
  readonly bytes: Uint8Array;
}

/** Ranges that lie this close together are asked for as one: naming a range costs about as much. */
const JOIN_BYTES = 512;
/** Ranges are joined up to this size. */
const JOINED_BYTES = 4 * 1024 * 1024;
/** Headers of one part; servers send two short ones. CWE-770. */
const PART_HEADER_BYTES = 2048;
/** Bytes before the first part, which RFC 2046 allows: servers begin with a line break at most. CWE-770. */
const PREAMBLE_BYTES = 1024;

/** Bytes that the headers of one part take at most; what an answer may have beyond what was asked for. */
export const PART_OVERHEAD_BYTES = 512;

/**
 * A Content-Range header.
 *
 * @returns undefined when it is none, or says what cannot be
 */
export function parseContentRange(text: string | undefined): Span | undefined {
  const parts = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text?.trim() ?? "");
  if (parts === null) return undefined;
  const [start, end, total] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (start > end || end >= total) return undefined;
  return { start, end, total: Number.isNaN(total) ? undefined : total };
}

/** The boundary of `multipart/byteranges`; undefined for any other type of content. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  if (!/^\s*multipart\/byteranges\s*;/i.test(contentType ?? "")) return undefined;
  const found = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))(?=[\s;]|$)/i.exec(
    contentType ?? "",
  );
  return found?.[1] ?? found?.[2];
}

/**
 * The parts of a `multipart/byteranges` body. Each part's length comes from its Content-Range, so that
 * a boundary inside the bytes means nothing.
 * https://www.rfc-editor.org/rfc/rfc9110#name-media-type-multipart-bytera
 *
 * @param size bytes of the complete file: parts with another size are refused
 * @returns undefined when the body is anything else, or is cut off
 */
export function readParts(
  body: Uint8Array,
  boundary: string,
  size: number,
): readonly RangePart[] | undefined {
  const first = new TextEncoder().encode(`--${boundary}`);
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  const parts: RangePart[] = [];
  const begin = find(body, first, 0, PREAMBLE_BYTES);
  let at = begin === undefined ? undefined : begin + first.length;
  while (at !== undefined) {
    if (body[at] === 0x2d && body[at + 1] === 0x2d) return parts;
    const end = find(body, BLANK_LINE, at, PART_HEADER_BYTES);
    if (end === undefined) return undefined;
    const header = new TextDecoder().decode(body.subarray(at, end));
    const span = parseContentRange(/^content-range:(.*)$/im.exec(header)?.[1]);
    if (span === undefined || (span.total ?? size) !== size || span.end >= size) return undefined;
    const start = end + BLANK_LINE.length;
    const length = span.end - span.start + 1;
    if (start + length > body.length) return undefined;
    parts.push({ start: span.start, bytes: body.subarray(start, start + length) });
    const next = find(body, delimiter, start + length, 0);
    at = next === undefined ? undefined : next + delimiter.length;
  }
  return undefined;
}

const BLANK_LINE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a);

/** Where `wanted` begins, at `from` or at most `within` bytes behind it. */
function find(
  bytes: Uint8Array,
  pattern: Uint8Array,
  from: number,
  within: number,
): number | undefined {
  const last = Math.min(from + within, bytes.length - pattern.length);
  for (let at = from; at <= last; at++) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return undefined;
}

/**
 * Ranges in order, without overlaps and with neighbours joined. CloudFront answers only such ones.
 *
 * @param size bytes of the file, where ranges are cut
 */
export function joinRanges(ranges: readonly ByteRange[], size: number): ByteRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const stop = Math.min(end, size);
    if (!(start >= 0) || !(start < stop)) continue;
    const last = joined.at(-1);
    const near = last !== undefined && start <= last.end + JOIN_BYTES &&
      (start < last.end || stop - last.start <= JOINED_BYTES);
    if (near) last.end = Math.max(last.end, stop);
    else joined.push({ start, end: stop });
  }
  return joined;
}
