/**
 * Zip archives, as they are and as attackers make them: PKWARE's APPNOTE.TXT,
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. PyTorch checkpoints, `.npz`,
 * `.keras` and others are zip archives.
 *
 * An archive is read as its central directories say and as its local headers say; where they
 * differ both readings are handed on, since it depends on the loader which holds. Checksums and
 * flag bits, which loaders ignore, never keep a member from being looked at. Members are not read
 * here: a stored one is a part of the archive, a deflated one a stream.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatBytes, formatNumber } from "../../core/numbers.ts";
import { joinedArchives } from "./joined.ts";
import { Window } from "../../parsers/cursor.ts";
import { isBomb } from "../../codecs/decompress.ts";
import { isZipMethod, ZIP_METHOD_MEMBERS, ZipMethodReader } from "../../codecs/zip_methods.ts";
import { LimitError, SourceError } from "../../core/errors.ts";
import { sliceSource } from "../../sources/memory.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Listing, Member, Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { type Anomaly, type Directory, readDirectory } from "./directory.ts";
import { SiblingIndex } from "./siblings.ts";
import {
  checkFlags,
  isMarkedEncrypted,
  isReadable,
  openMember,
  type OpenOptions,
  unreadable,
} from "./entry.ts";
import { isFolder, listed, reportUnsafe } from "./listing.ts";
import { readMembers, type ZipMember } from "./members.ts";
import {
  END_BYTES,
  END_OF_DIRECTORY,
  IN_ZIP64,
  LOCAL_HEADER,
  readEnd,
  signatureAt,
  STORED,
  ZIP64_LOCATOR,
  ZIP64_LOCATOR_BYTES,
} from "./records.ts";
import { accounted, type LaterEntry, splitEntries, storagesNotRead } from "./storages.ts";
import { readSurroundings, type Slack } from "./surroundings.ts";

/** Bytes of a member kept at a time where 7-Zip decodes, halved with each container around it. */
const KEEP_BYTES = 64 * 1024 * 1024;
const KEEP_AT_LEAST_BYTES = 4 * 1024 * 1024;

/** Zip archives. */
export const zipFormat: Format = { id: "zip", random: true, detect, scan };

/** A local header at the head, or an end record in the tail that is one by its numbers. */
function detect({ head, tail, size }: Sample): boolean {
  const first = signatureAt(head);
  if (first === LOCAL_HEADER || first === END_OF_DIRECTORY) return true;
  if (tail === undefined || size === undefined) return false;
  let at = tail.lastIndexOf(0x50, tail.length - END_BYTES);
  for (; at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(0x50, at - 1)) {
    if (signatureAt(tail, at) !== END_OF_DIRECTORY) continue;
    if (isEnd(tail, at, size, isTar(head))) return true;
  }
  return false;
}

/** POSIX.1-2024, pax: the magic of a header block. */
function isTar(head: Uint8Array): boolean {
  return startsWith(head, ascii("ustar"), 257);
}

/** An end record in a tail, as some reader takes it for one. */
function isEnd(tail: Uint8Array, at: number, size: number, inTar: boolean): boolean {
  const offset = size - tail.length + at;
  const end = readEnd(tail.subarray(at, at + END_BYTES), offset);
  const behind = tail.subarray(at + END_BYTES + end.commentLength);
  // The padding of the tar around the archive, which shows it as a member of its own.
  if (inTar && behind.length > 0 && behind.every((byte) => byte === 0)) return false;
  if (end.directorySize === IN_ZIP64 || end.directoryOffset === IN_ZIP64) return true;
  // Where a locator stands before the record, Python asks nothing of the record's own numbers.
  if (signatureAt(tail, at - ZIP64_LOCATOR_BYTES) === ZIP64_LOCATOR) return true;
  // Python uses the directory's size alone, others its offset and the count.
  const bySize = end.directorySize > 0 && end.directorySize <= offset;
  return bySize || (end.entries > 0 && end.directoryOffset < offset);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { size } = source;
  if (size === undefined) {
    throw new SourceError(
      source.name,
      `Cannot read "${source.name}" as zip: its size is not known`,
    );
  }
  const joined = await joinedArchives(source, context.sample.name, () => context.checkDeadline());
  if (joined !== undefined) {
    for (const { start, end } of joined) {
      const part = `archive_at_${start}`;
      const inside = sliceSource(part, source, start, end - start);
      yield [{ type: "entry", source: inside, part }];
    }
    return;
  }
  const window = new Window(source);
  const { limits } = context;
  const directory = await readDirectory(window, size, limits.members);
  const check = () => context.checkDeadline();
  const { now, later } = await splitEntries(source, context.sample.name, directory);
  const known = await readMembers(window, { ...directory, entries: now }, size, check);
  const ranges = [...known.ranges, ...later.map(({ range }) => range)];
  ranges.sort((one, other) => one.start - other.start);
  const surroundings = directory.full
    ? { members: [], slack: [], anomalies: [], full: false }
    : await readSurroundings(
      window,
      directory,
      ranges,
      size,
      limits.members - known.members.length - later.length,
      check,
    );
  const all = [...known.members, ...surroundings.members];
  const options = openOptions(context);
  const members: Member[] = [];
  const nameAnomalies: Anomaly[] = [];
  for (const member of all) members.push(...await listed(source, member, options, nameAnomalies));
  for (const { entry } of later) {
    members.push({ name: entry.name, kind: "file", size: entry.size });
  }
  const startsFile = ranges[0]?.start === 0;
  const listing: Listing = { format: "zip", members, startsFile };
  yield [
    ...directory.anomalies,
    ...missingDirectory(directory, all.length),
    ...known.anomalies,
    ...unexpected(surroundings.anomalies, context.sample),
    ...nameAnomalies,
    ...bombOf(all, size, limits.ratio),
    { type: "listing", listing },
  ];
  // Once the bundles have seen the listing.
  const siblings = new SiblingIndex(context.sample.name, listing);
  yield* entries(source, all, options, context, siblings);
  yield* between(source, surroundings.slack);
  yield* remaining(window, directory, later, options, context, siblings);
  if (directory.full || surroundings.full) throw tooManyIn(source, limits.members);
}

function tooManyIn({ name }: Source, limit: number): LimitError {
  return new LimitError(
    "members",
    `Cannot read all of "${name}": it has more than ${formatNumber(limit)} members` +
      raisedBy("members"),
  );
}

function openOptions(context: FormatContext): OpenOptions {
  const { limits } = context;
  return {
    ratio: limits.ratio,
    spend: (bytes) => {
      context.checkDeadline();
      context.spendExpanded(bytes);
    },
    others: new ZipMethodReader(() => context.checkDeadline()),
    memory: limits.spoolBytes,
    keep: Math.max(KEEP_AT_LEAST_BYTES, KEEP_BYTES / 2 ** context.depth),
  };
}

/** What was left until it was known whether anything reads it as more than numbers. */
async function* remaining(
  window: Window,
  directory: Directory,
  later: readonly LaterEntry[],
  options: OpenOptions,
  context: FormatContext,
  siblings: SiblingIndex,
): AsyncIterable<readonly Observation[]> {
  const isClaimed = ({ entry }: LaterEntry) => siblings.claims(entry.name) === entry.size;
  const claimed = later.filter(isClaimed).map(({ entry }) => entry);
  const nameAnomalies: Anomaly[] = [];
  for (const { name, localOffset } of claimed) reportUnsafe(name, localOffset, nameAnomalies);
  if (claimed.length > 0) yield [storagesNotRead(claimed), ...nameAnomalies.splice(0)];
  const open = later.filter((it) => !isClaimed(it));
  if (open.length === 0) return;
  const { source } = window;
  const size = source.size ?? 0;
  const check = () => context.checkDeadline();
  const rest = { entries: open.map(({ entry }) => entry), ranges: [] };
  const known = await readMembers(window, rest, size, check);
  const ranges = accounted(open, known.ranges, size);
  const limit = context.limits.members;
  const surroundings = await readSurroundings(window, directory, ranges, size, limit, check);
  const members = [...known.members, ...surroundings.members];
  for (const member of members) await listed(source, member, options, nameAnomalies);
  yield [
    ...known.anomalies,
    ...unexpected(surroundings.anomalies, context.sample),
    ...nameAnomalies,
  ];
  yield* entries(source, members, options, context, siblings);
  yield* between(source, surroundings.slack);
  if (surroundings.full) throw tooManyIn(source, limit);
}

/**
 * Without what is expected: models of TensorFlow Lite have an archive of metadata behind themselves
 * (`metadata_writers` of tflite-support), and another reader reads them.
 */
function unexpected(anomalies: readonly Anomaly[], { head }: Sample): readonly Anomaly[] {
  // What a pickle holds, such as a net's checkpoint (skorch): the pickle is read as one, too.
  if (head[0] === 0x80 && (head[1] ?? 6) <= 5) {
    return anomalies.map((each) =>
      each.rule === "zip-prepended-data" ? { ...each, rule: "zip-behind-pickle" } : each
    );
  }
  if (!startsWith(head, ascii("TFL3"), 4)) return anomalies;
  return anomalies.filter(({ rule }) => rule !== "zip-prepended-data");
}

/** What stands where no member is. */
async function* between(
  source: Source,
  slack: readonly Slack[],
): AsyncIterable<readonly Observation[]> {
  for (const { part, start, end } of slack) {
    const { loaded: _, ...entry } = await hiddenEntry(source, part, start, end);
    yield [entry];
  }
}

/** A batch per member, so that what reading it brought to light follows at once. */
async function* entries(
  source: Source,
  members: readonly ZipMember[],
  options: OpenOptions,
  context: FormatContext,
  siblingIndex: SiblingIndex,
): AsyncIterable<readonly Observation[]> {
  let reportedFull = false;
  for (const member of members) {
    context.checkDeadline();
    if (isFolder(member) || (member.compressedSize === 0 && (member.size ?? 0) === 0)) continue;
    if (!isReadable(member)) {
      yield [unreadable(member)];
      continue;
    }
    if (options.others.full && isZipMethod(member.method)) {
      if (!reportedFull) yield [tooMany(member)];
      reportedFull = true;
      continue;
    }
    const flags = await checkFlags(source, member, options);
    if (flags?.rule === "zip-encrypted" && member.method !== STORED && isMarkedEncrypted(member)) {
      yield [flags];
      continue;
    }
    const opened = openMember(source, member, options);
    const hint = siblingIndex.hint(member.name);
    const siblings = siblingIndex.siblings(member.name);
    yield [
      ...(flags === undefined ? [] : [flags]),
      {
        type: "entry",
        source: opened.source,
        part: member.name,
        ...(hint && { hint }),
        ...(siblings && { siblings }),
      },
    ];
    // The checksum of a cipher text says nothing more.
    if (flags?.rule === "zip-encrypted") continue;
    const anomalies = opened.verify();
    if (anomalies.length > 0) yield anomalies;
  }
}

function tooMany({ headerOffset }: ZipMember): Anomaly {
  return {
    type: "anomaly",
    rule: "scan-limit",
    detail: `Only the first ${ZIP_METHOD_MEMBERS} members that need 7-Zip were read`,
    offset: headerOffset,
    unread: true,
  };
}

function missingDirectory(directory: Directory, members: number): Anomaly[] {
  if (directory.end !== undefined) return [];
  return [{
    type: "anomaly",
    rule: "zip-truncated",
    detail: `The archive has no directory: ${
      members === 0 ? "no member" : `${members} members`
    } could be found by local headers`,
    unread: true,
  }];
}

/** Members that lie over one another expand to more in all than any one of them. */
function bombOf(members: readonly ZipMember[], size: number, ratio: number): Anomaly[] {
  const own = (one: ZipMember) => one.method === STORED ? one.compressedSize : one.size ?? 0;
  const expanded = members.reduce((sum, one) => sum + (one.secondary ? 0 : own(one)), 0);
  if (!isBomb(size, expanded, ratio)) return [];
  return [{
    type: "anomaly",
    rule: "zip-bomb",
    detail: `The members of ${formatBytes(size)} would expand to ${formatBytes(expanded)}, ` +
      `which is more than any model needs${raisedBy("ratio")}`,
    unread: true,
  }];
}
