/**
 * The members of a zip archive: their central directory records and local headers, and members that
 * have a local header only.
 *
 * @module
 */

import type { Window } from "../../parsers/cursor.ts";
import type { ByteRange } from "../../core/source.ts";
import type { Anomaly, Directory, Range } from "./directory.ts";
import {
  type CentralEntry,
  FLAG_DESCRIPTOR,
  IN_ZIP64,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  type LocalHeader,
  localHeaderLength,
  type MemberFields,
  readLocalHeader,
  signatureAt,
} from "./records.ts";

/** One way of reading a member. */
export interface ZipMember {
  readonly name: string;
  /** A second name that other readers give it. */
  readonly otherName: string | undefined;
  readonly method: number;
  /** Bits of either header. */
  readonly flags: number;
  /** Bits of both headers, where there are two. */
  readonly agreedFlags: number;
  /** Undefined where the header leaves it to the data descriptor. */
  readonly crc: number | undefined;
  readonly dataOffset: number;
  readonly compressedSize: number;
  /** Bytes when expanded, as the header says; undefined when it does not. */
  readonly size: number | undefined;
  readonly headerOffset: number;
  /** True for the reading that only the local header supports: should it fail, nothing is lost. */
  readonly secondary: boolean;
  /** Host and attributes of the directory; undefined for a member that it does not know. */
  readonly attributes: { readonly host: number; readonly bits: number } | undefined;
}

/** Bytes that are accounted for. */
export interface Taken extends Range {
  /** True when a data descriptor may follow, APPNOTE 4.3.9: at most 24 bytes. */
  readonly described: boolean;
}

/** Members and their anomalies. */
interface Members {
  readonly members: readonly ZipMember[];
  readonly anomalies: readonly Anomaly[];
  /** Bytes that the members and directories take, in order. */
  readonly ranges: readonly Taken[];
}

/** Local headers that lie this close together are fetched in one read. */
const NEIGHBOUR_BYTES = 256;
const HEADER_WINDOW_BYTES = 64 * 1024;
/** Extra fields that writers use for alignment fit here mostly; longer ones cost a second read. */
const EXTRA_ESTIMATE_BYTES = 64;
/** Bytes fetched behind a header, from a source that fetches: an aligning extra field, a magic number. */
const BEHIND_HEADER_BYTES = 192;
/**
 * Members whose headers are fetched together. The largest of 318 wheels has 8,082 members in all. CWE-770.
 */
const TOGETHER = 512;

/**
 * Reads the local headers of the members that the directory lists.
 *
 * @param size of the source
 * @param check called now and then; throws LimitError once time is spent
 */
export async function readMembers(
  window: Window,
  directory: Pick<Directory, "entries" | "ranges">,
  size: number,
  check: () => void,
): Promise<Members> {
  const anomalies: Anomaly[] = [];
  const readings = new Map<CentralEntry, ZipMember[]>();
  const ranges: Taken[] = directory.ranges.map((range) => ({ ...range, described: false }));
  const ordered = [...directory.entries].sort((a, b) => a.localOffset - b.localOffset);
  for (const [index, entry] of ordered.entries()) {
    if (index % TOGETHER === 0) {
      check();
      const next = ordered.slice(index, index + TOGETHER);
      await window.source.prefetch?.(next.map(headerRange), "all");
    }
    const header = await localHeader(window, entry, () => aheadOf(ordered, index));
    if (header === undefined) {
      anomalies.push(noHeader(entry, size));
      continue;
    }
    readings.set(entry, readingsOf(entry, header, anomalies));
    const end = header.dataOffset + entry.compressedSize;
    if (end > size) anomalies.push(cutOff(entry, end, size));
    const described = ((entry.flags | header.flags) & FLAG_DESCRIPTOR) !== 0;
    ranges.push({ start: entry.localOffset, end, described });
  }
  const members = directory.entries.flatMap((entry) => readings.get(entry) ?? []);
  ranges.sort((a, b) => a.start - b.start);
  anomalies.push(...duplicates(members));
  return { members, anomalies, ranges };
}

/** Bytes to fetch with a local header so that its neighbours need no read of their own. */
function aheadOf(ordered: readonly CentralEntry[], index: number): number {
  const first = ordered[index];
  if (first === undefined) return 0;
  let end = first.localOffset;
  for (let i = index; i < ordered.length; i++) {
    const entry = ordered[i];
    if (entry === undefined || entry.localOffset - end > NEIGHBOUR_BYTES) break;
    end = entry.localOffset + headerEstimate(entry);
    if (end - first.localOffset > HEADER_WINDOW_BYTES) break;
    const next = ordered[i + 1];
    if (next !== undefined && next.localOffset - end <= NEIGHBOUR_BYTES) continue;
    break;
  }
  return Math.min(Math.max(end - first.localOffset, headerEstimate(first)), HEADER_WINDOW_BYTES);
}

/** Where a member's own header lies, with the first bytes of its data. */
export function headerRange(entry: CentralEntry): ByteRange {
  const start = entry.localOffset;
  const length = LOCAL_HEADER_BYTES + entry.rawName.length + BEHIND_HEADER_BYTES;
  return { start, end: start + length };
}

function headerEstimate(entry: CentralEntry): number {
  return LOCAL_HEADER_BYTES + entry.rawName.length + EXTRA_ESTIMATE_BYTES;
}

/** The local header of an entry; undefined when there is none. */
async function localHeader(
  window: Window,
  entry: CentralEntry,
  ahead: () => number,
): Promise<LocalHeader | undefined> {
  if (!Number.isSafeInteger(entry.localOffset) || entry.localOffset < 0) return undefined;
  const bytes = await window.read(entry.localOffset, headerEstimate(entry), ahead);
  return await completeHeader(window, bytes, entry.localOffset);
}

async function completeHeader(
  window: Window,
  bytes: Uint8Array,
  offset: number,
): Promise<LocalHeader | undefined> {
  if (bytes.length < LOCAL_HEADER_BYTES || signatureAt(bytes) !== LOCAL_HEADER) return undefined;
  const length = localHeaderLength(bytes);
  const header = length <= bytes.length ? bytes : await window.read(offset, length);
  if (header.length < length) return undefined;
  return readLocalHeader(header.subarray(0, length), offset);
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
  const namesDiffer = nameOf(header) !== nameOf(entry) || header.rawName !== entry.rawName
    ? header.name
    : header.unicodeName ?? entry.unicodeName;
  const differentName = namesDiffer !== undefined && namesDiffer !== entry.name &&
    !isOldEncoding(entry, header);
  if (differentName) {
    anomalies.push(mismatch(
      "zip-name-mismatch",
      `The directory calls a member "${entry.name}", its own header "${namesDiffer}"`,
      header.offset,
    ));
  }
  const common = {
    name: entry.name,
    otherName: differentName ? namesDiffer : undefined,
    flags: entry.flags | header.flags,
    agreedFlags: entry.flags & header.flags,
    headerOffset: header.offset,
    secondary: false,
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
    secondary: true,
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
  return entry.rawName === header.rawName && /[\x7f-\xff]/.test(entry.rawName);
}

function duplicates(members: readonly ZipMember[]): Anomaly[] {
  const offsets = new Map<string, number>();
  const anomalies: Anomaly[] = [];
  for (const { name, headerOffset } of members) {
    const before = offsets.get(name);
    if (before === undefined) offsets.set(name, headerOffset);
    else if (before >= 0 && before !== headerOffset) {
      offsets.set(name, -1);
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
