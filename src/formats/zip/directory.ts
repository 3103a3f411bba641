/**
 * Finds the central directories of a zip archive: all that some reader would find.
 *
 * Readers disagree. All search for the last end record, but some want its comment to reach the end
 * of the file exactly; Python trusts the directory's size and works out where it begins, others
 * trust its offset; the zip64 record is looked for right before its locator or where the locator
 * points. Where those lead to different directories, each is read.
 *
 * @module
 */

import type { Window } from "../../parsers/cursor.ts";
import { FormatError } from "../../core/errors.ts";
import type { Observation } from "../../core/types.ts";
import {
  CENTRAL_HEADER,
  CENTRAL_HEADER_BYTES,
  type CentralEntry,
  centralEntryLength,
  END_BYTES,
  END_OF_DIRECTORY,
  type EndRecord,
  IN_ZIP64,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  localHeaderLength,
  readCentralEntry,
  readEnd,
  readZip64End,
  signatureAt,
  ZIP64_END,
  ZIP64_END_BYTES,
  ZIP64_LOCATOR,
  ZIP64_LOCATOR_BYTES,
} from "./records.ts";

/** An anomaly of the archive. */
export type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** A comment has at most 65,535 bytes. */
export const END_SEARCH_BYTES = 65_535 + END_BYTES;
/** End records looked at; a file with more is made to waste time. The most seen are 2. CWE-834. */
const END_RECORDS = 64;
/**
 * Directories read. Two readings of two end records is what an ambiguous archive needs. The most seen is 1.
 * CWE-834.
 */
const DIRECTORIES = 8;
/** Bytes of the directory read at a time. */
const DIRECTORY_WINDOW_BYTES = 256 * 1024;

/** Bytes of the source that are accounted for. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** All the directories of an archive together. */
export interface Directory {
  /** In the order of the directories; the same record of two directories once. */
  readonly entries: readonly CentralEntry[];
  /** Directories and end records. */
  readonly ranges: readonly Range[];
  /** End of the archive with its comment; undefined when there is no directory. */
  readonly end: number | undefined;
  readonly anomalies: readonly Anomaly[];
  /** True when there are more members than the limit. */
  readonly full: boolean;
}

/** A place where a directory may be. */
interface Candidate {
  readonly start: number;
  /** Records end here at the latest. */
  readonly limit: number;
  readonly base: number;
  readonly entries: number;
  /** The count has 16 bits only. */
  readonly shortCount: boolean;
}

/**
 * Reads the directories.
 *
 * @param size of the source
 * @param members entries at most
 * @throws SourceError when the bytes cannot be had
 */
export async function readDirectory(
  window: Window,
  size: number,
  members: number,
): Promise<Directory> {
  const collector = new Collector(members);
  for (const end of await findEnds(window, size)) {
    if (collector.directories >= DIRECTORIES || collector.full) break;
    if (await collector.covers(window, end.offset)) continue;
    const candidates = await locate(window, end);
    let found = 0;
    let zip64 = false;
    for (const candidate of candidates) {
      if (!await plausible(window, candidate)) continue;
      found++;
      zip64 ||= !candidate.shortCount;
      await collector.read(window, candidate);
    }
    if (found > 0) collector.accept(end, zip64, size);
  }
  return collector.finish();
}

/** End records, the last first. */
async function findEnds(window: Window, size: number): Promise<EndRecord[]> {
  const start = Math.max(0, size - END_SEARCH_BYTES);
  const tail = (await window.read(start, size - start)).slice();
  const ends: EndRecord[] = [];
  let at = tail.lastIndexOf(0x50, tail.length - END_BYTES);
  for (
    ;
    at >= 0 && ends.length < END_RECORDS;
    at = at === 0 ? -1 : tail.lastIndexOf(0x50, at - 1)
  ) {
    if (signatureAt(tail, at) !== END_OF_DIRECTORY) continue;
    ends.push(readEnd(tail.subarray(at, at + END_BYTES), start + at));
  }
  return ends;
}

/** The places to which an end record leads. */
async function locate(window: Window, end: EndRecord): Promise<Candidate[]> {
  const records: { record: EndRecord; shortCount: boolean }[] = [];
  for (const record of await zip64Ends(window, end)) records.push({ record, shortCount: false });
  const sentinel = end.directoryOffset === IN_ZIP64 || end.directorySize === IN_ZIP64;
  if (records.length === 0 || !sentinel) records.push({ record: end, shortCount: true });
  const candidates = new Map<string, Candidate>();
  // Right behind the directory stand the zip64 records, if there are any, and then the end record.
  const adjacent = end.offset - ZIP64_LOCATOR_BYTES - ZIP64_END_BYTES;
  const last = records.some(({ record }) => record.offset === adjacent) ? adjacent : end.offset;
  for (const { record, shortCount } of records) {
    const { entries, directorySize, directoryOffset } = record;
    const limit = shortCount ? last : record.offset;
    const bySize = limit - directorySize;
    for (const start of new Set([bySize, directoryOffset])) {
      if (start < 0 || start > limit) continue;
      const base = start === bySize ? start - directoryOffset : 0;
      const key = `${start} ${base}`;
      if (candidates.has(key)) continue;
      candidates.set(key, { start, limit, base, entries, shortCount });
    }
  }
  return [...candidates.values()];
}

async function zip64Ends(window: Window, end: EndRecord): Promise<EndRecord[]> {
  const at = end.offset - ZIP64_LOCATOR_BYTES;
  if (at < 0) return [];
  const locator = (await window.read(at, ZIP64_LOCATOR_BYTES)).slice();
  if (signatureAt(locator) !== ZIP64_LOCATOR) return [];
  const view = new DataView(locator.buffer);
  const pointed = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
  const ends: EndRecord[] = [];
  for (const offset of new Set([at - ZIP64_END_BYTES, pointed])) {
    if (offset < 0 || offset > at - ZIP64_END_BYTES) continue;
    const bytes = await window.read(offset, ZIP64_END_BYTES);
    if (signatureAt(bytes) === ZIP64_END) ends.push(readZip64End(bytes, offset));
  }
  return ends;
}

async function plausible(window: Window, candidate: Candidate): Promise<boolean> {
  if (candidate.start === candidate.limit) return candidate.entries === 0;
  const bytes = await window.read(candidate.start, 4, DIRECTORY_WINDOW_BYTES);
  return signatureAt(bytes) === CENTRAL_HEADER;
}

/** A record that may be cut off: Python reads one whose comment is, and it alone. */
function entryIn(bytes: Uint8Array, at: number, base: number): CentralEntry | undefined {
  try {
    return readCentralEntry(bytes, at, base).entry;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

class Collector {
  directories = 0;
  full = false;
  readonly #members: number;
  readonly #entries: CentralEntry[] = [];
  /** The first record for each place of a local header, of which most have one: a text for each would cost more. */
  readonly #firsts = new Map<number, CentralEntry>();
  /** The further records for those places, by all that tells them apart. */
  readonly #otherEntries = new Map<string, CentralEntry>();
  readonly #ranges: Range[] = [];
  readonly #anomalies: Anomaly[] = [];
  #end: number | undefined;
  #endRecords = 0;

  constructor(members: number) {
    this.#members = members;
  }

  /** True when an offset lies within a member or directory that is known already. */
  async covers(window: Window, offset: number): Promise<boolean> {
    if (this.#ranges.some(({ start, end }) => offset >= start && offset < end)) return true;
    let nearest: CentralEntry | undefined;
    for (const entry of this.#entries) {
      if (entry.localOffset > offset) continue;
      if (nearest === undefined || entry.localOffset > nearest.localOffset) nearest = entry;
    }
    if (nearest === undefined || nearest.localOffset < 0) return false;
    const header = await window.read(nearest.localOffset, LOCAL_HEADER_BYTES);
    if (header.length < LOCAL_HEADER_BYTES || signatureAt(header) !== LOCAL_HEADER) return false;
    return offset < nearest.localOffset + localHeaderLength(header) + nearest.compressedSize;
  }

  accept(end: EndRecord, zip64: boolean, size: number): void {
    this.#endRecords++;
    const stop = end.offset + END_BYTES + end.commentLength;
    this.#ranges.push({ start: end.offset, end: end.offset + END_BYTES });
    if (zip64) this.#ranges.push({ start: end.offset - ZIP64_LOCATOR_BYTES, end: end.offset });
    this.#end = Math.max(this.#end ?? 0, Math.min(stop, size));
    if (stop > size) {
      this.#report("zip-truncated", "The archive's comment is longer than the file", end.offset);
    }
    if (this.#endRecords === 2) {
      this.#report(
        "zip-hidden-member",
        "The archive has more than one end record, and each leads to a directory of its own: " +
          "readers disagree about which holds",
        end.offset,
      );
    }
  }

  async read(window: Window, candidate: Candidate): Promise<void> {
    this.directories++;
    let at = candidate.start;
    let count = 0;
    const known = this.#entries.length;
    while (at + CENTRAL_HEADER_BYTES <= candidate.limit) {
      const fixed = await window.read(at, CENTRAL_HEADER_BYTES, DIRECTORY_WINDOW_BYTES);
      if (signatureAt(fixed) !== CENTRAL_HEADER) break;
      const length = centralEntryLength(fixed);
      if (this.#entries.length >= this.#members) {
        this.full = true;
        break;
      }
      const there = Math.min(length, candidate.limit - at);
      const bytes = await window.read(at, there, DIRECTORY_WINDOW_BYTES);
      const entry = entryIn(bytes, at, candidate.base);
      if (entry !== undefined) {
        this.#add(entry);
        count++;
      }
      if (there < length) {
        this.#report("zip-malformed", `A directory record is cut off`, at, true);
        break;
      }
      at += length;
    }
    this.#ranges.push({ start: candidate.start, end: at });
    if (!candidate.shortCount) {
      this.#ranges.push({ start: candidate.limit, end: candidate.limit + ZIP64_END_BYTES });
    }
    this.#compareCount(candidate, count);
    if (this.directories > 1 && this.#endRecords === 0 && this.#entries.length > known) {
      this.#report(
        "zip-hidden-member",
        "The end record leads to more than one directory: readers disagree about which holds",
        candidate.start,
      );
    }
  }

  #add(entry: CentralEntry): void {
    const { localOffset, method, compressedSize, name } = entry;
    const first = this.#firsts.get(localOffset);
    if (first === undefined) {
      this.#firsts.set(localOffset, entry);
      this.#entries.push(entry);
      return;
    }
    const isFirst = first.method === method && first.compressedSize === compressedSize &&
      first.name === name;
    const key = `${localOffset} ${method} ${compressedSize} ${name}`;
    const same = isFirst ? first : this.#otherEntries.get(key);
    if (same === undefined) {
      this.#otherEntries.set(key, entry);
      this.#entries.push(entry);
    } else if (same.offset !== entry.offset) {
      this.#report("zip-duplicate-name", `"${name}" is listed twice`);
    }
  }

  #compareCount({ entries, shortCount, start }: Candidate, count: number): void {
    const announced = shortCount ? entries % 65_536 : entries;
    const found = shortCount ? count % 65_536 : count;
    if (this.full || announced === found) return;
    if (found > announced) {
      this.#report(
        "zip-hidden-member",
        `The directory announces ${announced} members and holds ${count}: ` +
          `readers that count leave the others out`,
        start,
      );
    } else {
      this.#report(
        "zip-malformed",
        `The directory announces ${announced} members and only ${count} can be read`,
        start,
        true,
      );
    }
  }

  #report(rule: string, detail: string, offset?: number, unread?: boolean): void {
    this.#anomalies.push({
      type: "anomaly",
      rule,
      detail,
      ...(offset !== undefined && { offset }),
      ...(unread && { unread }),
    });
  }

  finish(): Directory {
    return {
      entries: this.#entries,
      ranges: this.#ranges,
      end: this.#end,
      anomalies: this.#anomalies,
      full: this.full,
    };
  }
}
