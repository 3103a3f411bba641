/**
 * Walks local headers where no central directory accounts for the bytes: gaps between members, or an
 * archive without a directory.
 *
 * @module
 */

import type { Window } from "../../parsers/cursor.ts";
import type { ZipMember } from "./members.ts";
import {
  CENTRAL_HEADER,
  DATA_DESCRIPTOR,
  DEFLATED,
  FLAG_DESCRIPTOR,
  IN_ZIP64,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  type LocalHeader,
  localHeaderLength,
  readLocalHeader,
  signatureAt,
  STORED,
} from "./records.ts";

const BLOCK_BYTES = 64 * 1024;
/** The newest version of the specification that a member can need is 6.3. */
const NEWEST_VERSION = 63;
/** Methods of APPNOTE 4.4.5 end with AES's 99. */
const HIGHEST_METHOD = 99;

/** A search and what it found. */
export interface Search {
  readonly window: Window;
  /** Of the source. */
  readonly size: number;
  /** Bytes that may still be looked through. */
  budget: number;
  readonly perGap: number;
  /** Members at most. */
  readonly limit: number;
  readonly check: () => void;
  readonly members: ZipMember[];
  /** True when the budget ended the search. */
  exhausted: boolean;
  /** True when the limit of members ended it, before bytes that could hold one. */
  full: boolean;
}

/**
 * Looks for local headers from `start` to `end`. Where a header states its member's length, the search
 * continues behind the member, so that adjacent members cost their headers only.
 */
export async function searchGap(search: Search, start: number, end: number): Promise<void> {
  let at = start;
  while (at < end) {
    if (search.members.length >= search.limit) {
      search.full ||= end - at > LOCAL_HEADER_BYTES;
      return;
    }
    const stop = Math.min(end, at + search.perGap);
    const found = await nextSignature(search, at, stop, isLocalHeader);
    if (found === undefined) {
      if (stop < end) search.exhausted = true;
      return;
    }
    const header = await plausibleHeader(search, found);
    if (header === undefined) {
      at = found + 4;
      continue;
    }
    const member = await memberOf(search, header, end);
    search.members.push(member);
    at = Math.max(
      header.dataOffset,
      member.size === undefined && member.method !== STORED
        ? header.dataOffset
        : header.dataOffset + member.compressedSize,
    );
  }
}

function isLocalHeader(signature: number): boolean {
  return signature === LOCAL_HEADER;
}

/** The first offset from `from` whose signature is wanted and which begins before `to`. */
async function nextSignature(
  search: Search,
  from: number,
  to: number,
  accepts: (signature: number) => boolean,
): Promise<number | undefined> {
  for (let at = from; at < to;) {
    if (search.budget <= 0) {
      search.exhausted = true;
      return undefined;
    }
    search.check();
    // Three bytes more, since a signature may straddle two blocks.
    const length = Math.min(BLOCK_BYTES, to - at);
    const block = await search.window.read(at, length + 3);
    search.budget -= length;
    for (let p = block.indexOf(0x50); p >= 0 && p < length; p = block.indexOf(0x50, p + 1)) {
      if (block[p + 1] === 0x4b && accepts(signatureAt(block, p))) return at + p;
    }
    at += length;
  }
  return undefined;
}

/** The header at `offset`, when its fields can be those of one. */
async function plausibleHeader(
  search: Search,
  offset: number,
): Promise<LocalHeader | undefined> {
  const fixed = (await search.window.read(offset, LOCAL_HEADER_BYTES)).slice();
  if (fixed.length < LOCAL_HEADER_BYTES) return undefined;
  const bytes = await search.window.read(offset, localHeaderLength(fixed));
  if (bytes.length < localHeaderLength(fixed)) return undefined;
  const header = readLocalHeader(bytes, offset);
  const version = fixed[4] ?? 0;
  const likely = version <= NEWEST_VERSION && header.method <= HIGHEST_METHOD &&
    /^[ -\xff]+$/.test(header.rawName);
  return likely ? header : undefined;
}

async function memberOf(search: Search, header: LocalHeader, end: number): Promise<ZipMember> {
  const described = (header.flags & FLAG_DESCRIPTOR) !== 0 &&
    (header.compressedSize === 0 || header.compressedSize === IN_ZIP64);
  let compressedSize = header.compressedSize;
  let size: number | undefined = header.size;
  if (described) {
    const found = header.method === STORED
      ? await storedLength(search, header.dataOffset, end)
      : undefined;
    size = found;
    // A deflate stream ends by itself: it may run to the end of the file.
    compressedSize = found ?? Math.max(0, search.size - header.dataOffset);
  }
  return {
    name: header.name,
    otherName: header.unicodeName === header.name ? undefined : header.unicodeName,
    method: header.method,
    flags: header.flags,
    agreedFlags: header.flags,
    crc: (header.flags & FLAG_DESCRIPTOR) === 0 ? header.crc : undefined,
    dataOffset: header.dataOffset,
    compressedSize: Math.min(compressedSize, Math.max(0, search.size - header.dataOffset)),
    size: header.method === DEFLATED && described ? undefined : size,
    headerOffset: header.offset,
    secondary: false,
    attributes: undefined,
  };
}

/** Length of stored bytes that only a data descriptor, or the next header, ends. */
async function storedLength(search: Search, start: number, end: number): Promise<number> {
  for (let at = start;;) {
    const found = await nextSignature(
      search,
      at,
      end,
      (signature) =>
        signature === DATA_DESCRIPTOR || signature === LOCAL_HEADER || signature === CENTRAL_HEADER,
    );
    // A header whose name runs into the next member leaves less than nothing.
    if (found === undefined) return Math.max(0, end - start);
    const bytes = await search.window.read(found, 16);
    if (signatureAt(bytes) !== DATA_DESCRIPTOR || signatureAt(bytes, 8) === found - start) {
      return found - start;
    }
    at = found + 4;
  }
}
