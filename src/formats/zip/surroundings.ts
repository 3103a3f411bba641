/**
 * The bytes of a zip archive that no directory accounts for: members that have a local header only, and
 * other bytes between, before and after members.
 *
 * @module
 */

import type { Window } from "../../parsers/cursor.ts";
import { type Anomaly, type Directory, END_SEARCH_BYTES, type Range } from "./directory.ts";
import { type Search, searchGap } from "./gaps.ts";
import type { Taken, ZipMember } from "./members.ts";
import {
  DATA_DESCRIPTOR,
  END_BYTES,
  END_OF_DIRECTORY,
  LOCAL_HEADER_BYTES,
  signatureAt,
} from "./records.ts";

/** Bytes that belong to nothing. */
export interface Slack extends Range {
  /** What to call them in a location. */
  readonly part: string;
}

/** What was found. */
interface Surroundings {
  readonly members: readonly ZipMember[];
  readonly slack: readonly Slack[];
  readonly anomalies: readonly Anomaly[];
  /** True when there is more than the limit. */
  readonly full: boolean;
}

/**
 * Bytes of a gap that are searched for hidden members, from its start. The wheels seen have no gaps. CWE-834.
 */
const GAP_SEARCH_BYTES = 256 * 1024;
/** Bytes of all gaps together that are searched. The wheels seen have no gaps. CWE-834. */
const GAPS_SEARCH_BYTES = 4 * 1024 * 1024;
/**
 * The same when there is no directory, so that everything is one gap. No intact archive is without one.
 * CWE-834.
 */
const WALK_SEARCH_BYTES = 64 * 1024 * 1024;
/** Zeros are padding, looked at this far from either end. */
const PADDING_BYTES = 64 * 1024;
/** The shortest pickle that calls something is longer. */
const SLACK_BYTES = 8;
/** A data descriptor with signature, checksum and two zip64 sizes. */
const DESCRIPTOR_BYTES = 24;
/** Names in a message. */
const NAMES = 5;

/**
 * Searches what is left.
 *
 * @param ranges what is accounted for, in order
 * @param size of the source
 * @param limit members at most
 * @param check called now and then; throws LimitError once time is spent
 */
export async function readSurroundings(
  window: Window,
  directory: Directory,
  ranges: readonly Taken[],
  size: number,
  limit: number,
  check: () => void,
): Promise<Surroundings> {
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
    full: false,
  };
  const slack: Slack[] = [];
  for (const gap of gapsOf(ranges, directory.end ?? size, size)) {
    const inner = !walk && gap.start === 0 && await isArchive(window, gap.end);
    const before = search.members.length;
    // An archive in its own right finds its members itself.
    if (!inner && gap.end - gap.start > LOCAL_HEADER_BYTES) {
      await searchGap(search, gap.start, gap.end);
    }
    if (walk || search.members.length > before) continue;
    const slackEntries = await slackOf(window, gap, inner, directory.end ?? size);
    search.full ||= slack.length + slackEntries.length > limit;
    if (slack.length < limit) slack.push(...slackEntries);
  }
  const anomalies = [
    ...overlaps(ranges),
    ...hidden(search, walk),
    ...(walk ? [] : outside(ranges, search.members, slack, directory.end ?? size)),
  ];
  return { members: search.members, slack, anomalies, full: search.full };
}

/** The gaps between ranges; the comment and what follows the archive are gaps of their own. */
function* gapsOf(
  ranges: readonly Taken[],
  end: number,
  size: number,
): Iterable<Taken> {
  let at = 0;
  let described = false;
  const stops = [{ start: end, end, described: false }, { start: size, end: size, described }];
  for (const range of [...ranges, ...stops]) {
    if (range.start > at) yield { start: at, end: range.start, described };
    if (range.end > at) {
      at = range.end;
      described = range.described;
    }
  }
}

async function slackOf(
  window: Window,
  gap: Taken,
  inner: boolean,
  end: number,
): Promise<Slack[]> {
  // Bytes at the very start are scanned as the file itself, except for a complete archive.
  if (gap.start === 0) return inner ? [{ ...gap, part: "(archive before the archive)" }] : [];
  let { start } = gap;
  if (gap.described) start += await descriptorLength(window, gap);
  if (gap.end - start < SLACK_BYTES || await isPadding(window, start, gap.end)) return [];
  const part = start >= end
    ? "(data behind the archive)"
    : gap.end === end
    ? "(comment)"
    : "(data between members)";
  return [{ start, end: gap.end, part }];
}

/** Length of the data descriptor at the start of a gap. */
async function descriptorLength(window: Window, { start, end }: Range): Promise<number> {
  if (end - start <= DESCRIPTOR_BYTES) return end - start;
  const bytes = await window.read(start, DESCRIPTOR_BYTES);
  if (signatureAt(bytes) !== DATA_DESCRIPTOR) return 0;
  // With 64-bit sizes, the upper half of the first one is zero for any file there is.
  return signatureAt(bytes, 12) === 0 && signatureAt(bytes, 8) !== 0 ? DESCRIPTOR_BYTES : 16;
}

/** True when the bytes examined at both ends are zeros. */
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

function overlaps(ranges: readonly Range[]): Anomaly[] {
  let end = 0;
  let count = 0;
  let first = 0;
  for (const range of ranges) {
    if (range.start < end && count++ === 0) first = range.start;
    end = Math.max(end, range.end);
  }
  if (count === 0) return [];
  const detail = `${count === 1 ? "A member shares" : `${count} members share`} bytes with another`;
  return [{ type: "anomaly", rule: "zip-overlap", detail, offset: first }];
}

function hidden(search: Search, walk: boolean): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const [first] = search.members;
  if (!walk && first !== undefined) {
    const shownNames = search.members.slice(0, NAMES).map(({ name }) => `"${name}"`);
    if (search.members.length > NAMES) shownNames.push("…");
    anomalies.push({
      type: "anomaly",
      rule: "zip-hidden-member",
      detail: `Members that the directory does not list: ${shownNames.join(", ")}`,
      offset: first.headerOffset,
    });
  }
  if (search.exhausted && (walk || first !== undefined)) {
    anomalies.push({
      type: "anomaly",
      rule: walk ? "zip-truncated" : "zip-hidden-member",
      detail: "More members may be there that no directory lists: the search for them was given up",
      unread: true,
    });
  }
  return anomalies;
}

/** What stands before and behind the archive. */
function outside(
  ranges: readonly Range[],
  members: readonly ZipMember[],
  slack: readonly Slack[],
  end: number,
): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const start = Math.min(ranges[0]?.start ?? 0, members[0]?.headerOffset ?? Infinity);
  if (start > 0) {
    const detail = `${start} bytes stand before the archive`;
    anomalies.push({ type: "anomaly", rule: "zip-prepended-data", detail, offset: 0 });
  }
  const behind = slack.find((one) => one.start >= end);
  if (behind !== undefined) {
    const detail = `${behind.end - behind.start} bytes stand behind the archive`;
    anomalies.push({ type: "anomaly", rule: "zip-appended-data", detail, offset: behind.start });
  }
  return anomalies;
}
