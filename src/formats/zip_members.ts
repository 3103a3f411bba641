/**
 * The members of a zip archive: what the central directory says of each, what its local header
 * says, and members that only a local header knows.
 *
 * @module
 */

import type { Window } from "../bytes/cursor.ts";
import { type Anomaly, type Directory, END_SEARCH_BYTES, type Range } from "./zip_directory.ts";
import { type Search, searchGap } from "./zip_gaps.ts";
import {
  type CentralEntry,
  END_BYTES,
  END_OF_DIRECTORY,
  FLAG_DESCRIPTOR,
  IN_ZIP64,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  type LocalHeader,
  localHeaderLength,
  type MemberFields,
  readLocalHeader,
  signatureAt,
} from "./zip_records.ts";

/** One way of reading a member. */
export interface ZipMember {
  readonly name: string;
  /** A second name that other readers give it. */
  readonly otherName: string | undefined;
  readonly method: number;
  /** Bits of either header. */
  readonly flags: number;
  /** Undefined where the header leaves it to the data descriptor. */
  readonly crc: number | undefined;
  readonly dataOffset: number;
  readonly compressedSize: number;
  /** Bytes when expanded, as the header says; undefined when it does not. */
  readonly size: number | undefined;
  readonly headerOffset: number;
  /** Host and attributes of the directory; undefined for a member that it does not know. */
  readonly attributes: { readonly host: number; readonly bits: number } | undefined;
}

/** Members and what is odd about them. */
export interface Members {
  readonly members: readonly ZipMember[];
  readonly anomalies: readonly Anomaly[];
  /** Where the first known byte of the archive is. */
  readonly start: number;
  /** Bytes before it that are an archive with a directory of its own. */
  readonly inner: Range | undefined;
  /** Bytes behind the archive in which no member was found. */
  readonly appended: Range | undefined;
}

/** Local headers that lie this close together are fetched in one read. */
const NEIGHBOUR_BYTES = 256;
const HEADER_WINDOW_BYTES = 64 * 1024;
/** Extra fields that writers use for alignment fit here mostly; longer ones cost a second read. */
const EXTRA_GUESS_BYTES = 64;

/** Bytes looked through for hidden members: in each gap from its start, and in all. */
const GAP_SEARCH_BYTES = 256 * 1024;
const GAPS_SEARCH_BYTES = 4 * 1024 * 1024;
/** The same when there is no directory, so that everything is one gap. */
const WALK_SEARCH_BYTES = 64 * 1024 * 1024;

/** Zeros behind an archive are padding, looked at this far from either end. */
const PADDING_BYTES = 64 * 1024;

/**
 * Reads local headers and searches the gaps.
 *
 * @param size of the source
 * @param limit members at most
 * @param check called now and then; throws LimitError once time is spent
 */
export async function readMembers(
  window: Window,
  directory: Directory,
  size: number,
  limit: number,
  check: () => void,
): Promise<Members> {
  const anomalies: Anomaly[] = [];
  const readings = new Map<CentralEntry, ZipMember[]>();
  const ranges: Range[] = [...directory.ranges];
  const ordered = [...directory.entries].sort((a, b) => a.localOffset - b.localOffset);
  for (const [index, entry] of ordered.entries()) {
    if (index % 1024 === 0) check();
    const header = await localHeader(window, entry, () => aheadOf(ordered, index));
    if (header === undefined) {
      anomalies.push(noHeader(entry, size));
      continue;
    }
    readings.set(entry, readingsOf(entry, header, anomalies));
    const end = header.dataOffset + entry.compressedSize;
    if (end > size) anomalies.push(cutOff(entry, end, size));
    ranges.push({ start: entry.localOffset, end });
  }
  const members = directory.entries.flatMap((entry) => readings.get(entry) ?? []);
  ranges.sort((a, b) => a.start - b.start);
  anomalies.push(...overlaps(ranges));
  anomalies.push(...duplicates(members));
  const start = ranges[0]?.start ?? 0;
  const end = directory.end ?? size;
  if (directory.full) return { members, anomalies, start, inner: undefined, appended: undefined };
  const inner = await isArchive(window, start) ? { start: 0, end: start } : undefined;
  if (inner !== undefined) ranges.unshift(inner);
  const found = await searchGaps(window, directory, ranges, size, limit - members.length, check);
  members.push(...found.members);
  anomalies.push(...found.anomalies);
  const behind = found.members.some(({ headerOffset }) => headerOffset >= end);
  const appended = end < size && !behind && !await isPadding(window, end, size)
    ? { start: end, end: size }
    : undefined;
  const first = Math.min(start, ...found.members.slice(0, 1).map((one) => one.headerOffset));
  return { members, anomalies, start: first, inner, appended };
}

/** Bytes to fetch with a local header so that its neighbours need no read of their own. */
function aheadOf(ordered: readonly CentralEntry[], index: number): number {
  const first = ordered[index];
  if (first === undefined) return 0;
  let end = first.localOffset;
  for (let i = index; i < ordered.length; i++) {
    const entry = ordered[i];
    if (entry === undefined || entry.localOffset - end > NEIGHBOUR_BYTES) break;
    end = entry.localOffset + headerGuess(entry);
    if (end - first.localOffset > HEADER_WINDOW_BYTES) break;
    const next = ordered[i + 1];
    if (next !== undefined && next.localOffset - end <= NEIGHBOUR_BYTES) continue;
    break;
  }
  return Math.min(Math.max(end - first.localOffset, headerGuess(first)), HEADER_WINDOW_BYTES);
}

function headerGuess(entry: CentralEntry): number {
  return LOCAL_HEADER_BYTES + entry.nameBytes.length + EXTRA_GUESS_BYTES;
}

/** The local header of an entry; undefined when there is none. */
async function localHeader(
  window: Window,
  entry: CentralEntry,
  ahead: () => number,
): Promise<LocalHeader | undefined> {
  if (!Number.isSafeInteger(entry.localOffset)) return undefined;
  const bytes = await window.read(entry.localOffset, headerGuess(entry), ahead);
  return await wholeHeader(window, bytes, entry.localOffset);
}

async function wholeHeader(
  window: Window,
  bytes: Uint8Array,
  offset: number,
): Promise<LocalHeader | undefined> {
  if (bytes.length < LOCAL_HEADER_BYTES || signatureAt(bytes) !== LOCAL_HEADER) return undefined;
  const length = localHeaderLength(bytes);
  const whole = length <= bytes.length ? bytes : await window.read(offset, length);
  if (whole.length < length) return undefined;
  return readLocalHeader(whole.subarray(0, length), offset);
}

function noHeader(entry: CentralEntry, size: number): Anomaly {
  const beyond = entry.localOffset >= size;
  return {
    type: "anomaly",
    rule: beyond ? "zip-truncated" : "zip-malformed",
    detail: beyond
      ? `"${entry.name}" should begin at ${entry.localOffset}, the file ends at ${size}`
      : `"${entry.name}" has no local header at ${entry.localOffset}`,
    offset: entry.offset,
    unread: true,
  };
}

function cutOff(entry: CentralEntry, end: number, size: number): Anomaly {
  return {
    type: "anomaly",
    rule: "zip-truncated",
    detail: `"${entry.name}" should end at ${end}, the file ends at ${size}`,
    offset: entry.localOffset,
    unread: true,
  };
}

/** The member as the directory says; and, where the local header says otherwise, as that says. */
function readingsOf(entry: CentralEntry, header: LocalHeader, anomalies: Anomaly[]): ZipMember[] {
  const otherName =
    nameOf(header) !== nameOf(entry) || !sameBytes(header.nameBytes, entry.nameBytes)
      ? header.name
      : header.unicodeName ?? entry.unicodeName;
  const differentName = otherName !== undefined && otherName !== entry.name &&
    !isOldEncoding(entry, header);
  if (differentName) {
    anomalies.push(mismatch(
      "zip-name-mismatch",
      `The directory calls a member "${entry.name}", its own header "${otherName}"`,
      header.offset,
    ));
  }
  const common = {
    name: entry.name,
    otherName: differentName ? otherName : undefined,
    flags: entry.flags | header.flags,
    headerOffset: header.offset,
    dataOffset: header.dataOffset,
    attributes: { host: entry.host, bits: entry.attributes },
  };
  const { method, crc, compressedSize, size } = entry;
  const central: ZipMember = { ...common, method, crc, compressedSize, size };
  const difference = differenceOf(entry, header);
  if (difference === undefined) return [central];
  anomalies.push(mismatch(
    "zip-header-mismatch",
    `"${entry.name}": the directory and the member's own header differ in ${difference}`,
    header.offset,
  ));
  if (header.method === method && header.compressedSize === compressedSize) return [central];
  const local: ZipMember = {
    ...common,
    method: header.method,
    crc: (header.flags & FLAG_DESCRIPTOR) === 0 ? header.crc : crc,
    compressedSize: known(header, header.compressedSize) ?? compressedSize,
    size: known(header, header.size),
  };
  return [central, local];
}

function mismatch(rule: string, detail: string, offset: number): Anomaly {
  return { type: "anomaly", rule, detail, offset };
}

/** A header's size; undefined where the header leaves it to the data descriptor. */
export function known(header: MemberFields, size: number): number | undefined {
  return (header.flags & FLAG_DESCRIPTOR) !== 0 && (size === 0 || size === IN_ZIP64)
    ? undefined
    : size;
}

function differenceOf(entry: CentralEntry, header: LocalHeader): string | undefined {
  const parts: string[] = [];
  if (entry.method !== header.method) parts.push(`method (${entry.method}, ${header.method})`);
  const compressed = known(header, header.compressedSize) ?? entry.compressedSize;
  if (compressed !== entry.compressedSize) {
    parts.push(`compressed size (${entry.compressedSize}, ${compressed})`);
  }
  const size = known(header, header.size) ?? entry.size;
  if (size !== entry.size) parts.push(`size (${entry.size}, ${size})`);
  return parts.length > 0 ? parts.join(", ") : undefined;
}

function nameOf(fields: MemberFields): string {
  return fields.unicodeName ?? fields.name;
}

/** A name in an old encoding whose Unicode form stands beside it is no lie. */
function isOldEncoding(entry: CentralEntry, header: LocalHeader): boolean {
  return sameBytes(entry.nameBytes, header.nameBytes) &&
    entry.nameBytes.some((byte) => byte > 0x7e);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function overlaps(ranges: readonly Range[]): Anomaly[] {
  let end = 0;
  let count = 0;
  let first = 0;
  for (const range of ranges) {
    if (range.start < end && count++ === 0) first = range.start;
    end = Math.max(end, range.end);
  }
  if (count === 0) return [];
  return [{
    type: "anomaly",
    rule: "zip-overlap",
    detail: `${count === 1 ? "A member shares" : `${count} members share`} bytes with another`,
    offset: first,
  }];
}

function duplicates(members: readonly ZipMember[]): Anomaly[] {
  const seen = new Map<string, number>();
  const anomalies: Anomaly[] = [];
  for (const { name, headerOffset } of members) {
    const before = seen.get(name);
    if (before === undefined) seen.set(name, headerOffset);
    else if (before >= 0 && before !== headerOffset) {
      seen.set(name, -1);
      anomalies.push({
        type: "anomaly",
        rule: "zip-duplicate-name",
        detail: `More than one member is called "${name}": readers disagree about which holds`,
        offset: headerOffset,
      });
    }
  }
  return anomalies;
}

/** True when the bytes are zeros, as far as one looks at either end. */
async function isPadding(window: Window, start: number, end: number): Promise<boolean> {
  const length = Math.min(PADDING_BYTES, end - start);
  for (const from of new Set([start, end - length])) {
    if (!(await window.read(from, length)).every((byte) => byte === 0)) return false;
  }
  return true;
}

/** True when the bytes before an archive end like an archive. */
async function isArchive(window: Window, end: number): Promise<boolean> {
  const start = Math.max(0, end - END_SEARCH_BYTES);
  if (end - start < END_BYTES) return false;
  const tail = await window.read(start, end - start);
  for (let at = tail.indexOf(0x50); at >= 0; at = tail.indexOf(0x50, at + 1)) {
    if (signatureAt(tail, at) === END_OF_DIRECTORY) return true;
  }
  return false;
}

/** Looks for members in what no directory accounts for. */
async function searchGaps(
  window: Window,
  directory: Directory,
  ranges: readonly Range[],
  size: number,
  limit: number,
  check: () => void,
): Promise<{ members: ZipMember[]; anomalies: Anomaly[] }> {
  const walk = directory.end === undefined;
  const search: Search = {
    window,
    size,
    budget: walk ? WALK_SEARCH_BYTES : GAPS_SEARCH_BYTES,
    perGap: walk ? WALK_SEARCH_BYTES : GAP_SEARCH_BYTES,
    limit,
    check,
    members: [],
    exhausted: false,
  };
  let at = 0;
  for (const range of [...ranges, { start: size, end: size }]) {
    if (range.start - at > LOCAL_HEADER_BYTES) await searchGap(search, at, range.start);
    at = Math.max(at, range.end);
  }
  const anomalies: Anomaly[] = [];
  const first = search.members[0];
  if (!walk && first !== undefined) {
    const names = search.members.slice(0, 5).map(({ name }) => `"${name}"`).join(", ");
    anomalies.push(mismatch(
      "zip-hidden-member",
      `Members that the directory does not list: ${names}${search.members.length > 5 ? ", …" : ""}`,
      first.headerOffset,
    ));
  }
  if (search.exhausted && (walk || first !== undefined)) {
    anomalies.push({
      type: "anomaly",
      rule: walk ? "zip-truncated" : "zip-hidden-member",
      detail: "More members may be there that no directory lists: the search for them was given up",
      unread: true,
    });
  }
  return { members: search.members, anomalies };
}
