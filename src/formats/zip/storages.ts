/**
 * Storages of tensors in a remote archive. A checkpoint has hundreds, and each has a header before its
 * bytes: from a server without multi-range requests, comparing these headers and reading the first
 * bytes after them would cost a request each.
 *
 * Such members wait: everything else is read first. What a pickle of the archive then takes as a
 * storage of just so many bytes (`Siblings.claim`) is numbers to whatever loads it, whatever they are,
 * and stays unread, which is said. All the others are read as any member is. Nothing waits where a read
 * costs no round trip, where there are few, or where the user wants everything looked into.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { torchHints } from "../../bundles/torch_members.ts";
import type { Source } from "../../core/source.ts";
import type { Anomaly, Directory } from "./directory.ts";
import { kindOf } from "./listing.ts";
import { headerRange, type Taken } from "./members.ts";
import { type CentralEntry, LOCAL_HEADER_BYTES, STORED } from "./records.ts";

/** A member that waits. */
export interface LaterEntry {
  readonly entry: CentralEntry;
  /** All bytes up to what follows it. */
  readonly range: Taken;
}

/**
 * Bytes that a header's extra field and a data descriptor may take: writers align storages, torch at 64
 * bytes, or at a page of memory when asked to.
 */
const SLACK_BYTES = 8192;
/** General purpose bits that say nothing about how to read: data descriptor and UTF-8. */
const PLAIN_FLAGS = 0x0808;

/**
 * Names that `torch.load` is given. By any other name an archive may be meant for a loader that makes
 * more of its members than numbers: `numpy.load` of an `.npz` unpickles whichever begins like an array. A name without
 * an ending says nothing of what the file is for.
 */
const CHECKPOINT_NAME = /\.(?:pt|pth|bin|ckpt|pkl|th|tar|ptl|model)$/iu;

/**
 * The entries of a directory that are read at once, and those that wait.
 *
 * @param name of the archive
 * @throws SourceError when bytes cannot be had
 */
export async function splitEntries(
  source: Source,
  name: string,
  directory: Directory,
): Promise<{ readonly now: readonly CentralEntry[]; readonly later: readonly LaterEntry[] }> {
  const all = { now: directory.entries, later: [] };
  if (source.prefetch === undefined || !CHECKPOINT_NAME.test(name)) return all;
  if (directory.anomalies.length > 0 || directory.full) return all;
  const later = plainStorages(directory);
  const headerRanges = later.map(({ entry }) => headerRange(entry));
  if (later.length === 0 || await source.prefetch(headerRanges, "cheap")) return all;
  const waiting = new Set(later.map(({ entry }) => entry));
  return { now: directory.entries.filter((entry) => !waiting.has(entry)), later };
}

/** Members that are nothing but storages as far as the directory tells: it must leave no doubt. */
function plainStorages({ entries, ranges }: Directory): LaterEntry[] {
  const memberNames = entries.map(({ name }) => name);
  const hints = torchHints(memberNames);
  const times = new Map<string, number>();
  for (const name of memberNames) times.set(name, (times.get(name) ?? 0) + 1);
  const starts = [...entries.map(({ localOffset }) => localOffset), ...ranges.map((it) => it.start)]
    .sort((a, b) => a - b);
  const ordered = [...entries].sort((a, b) => a.localOffset - b.localOffset);
  const found: LaterEntry[] = [];
  let index = 0;
  let before = 0;
  for (const entry of ordered) {
    const { localOffset: start } = entry;
    while ((starts[index] ?? Infinity) <= start) index++;
    const next = starts[index] ?? start;
    const least = start + LOCAL_HEADER_BYTES + entry.rawName.length + entry.compressedSize;
    const alone = before <= start && least <= next && next - least <= SLACK_BYTES;
    before = Math.max(before, least);
    const plain = hints.get(entry.name) === HINT.torchStorage && times.get(entry.name) === 1 &&
      isPlain(entry);
    if (alone && plain) found.push({ entry, range: { start, end: next, described: false } });
  }
  return found;
}

function isPlain(entry: CentralEntry): boolean {
  const { host, attributes: bits, name, compressedSize } = entry;
  return entry.method === STORED && compressedSize === entry.size && compressedSize > 0 &&
    (entry.flags & ~PLAIN_FLAGS) === 0 && entry.unicodeName === undefined &&
    kindOf({ name, compressedSize, attributes: { host, bits } }) === "file";
}

/**
 * What is accounted for once entries that waited have been read: all but what lies behind these, which
 * nothing has searched yet.
 *
 * @param open the entries, by their places
 * @param read where their bytes really are, in order
 * @param size of the archive
 */
export function accounted(
  open: readonly LaterEntry[],
  read: readonly Taken[],
  size: number,
): readonly Taken[] {
  const ranges = [...read];
  let at = 0;
  for (const { range } of open) {
    if (range.start > at) ranges.push({ start: at, end: range.start, described: false });
    at = range.end;
  }
  if (size > at) ranges.push({ start: at, end: size, described: false });
  return ranges.sort((a, b) => a.start - b.start);
}

/** Says what stays unread. */
export function storagesNotRead(entries: readonly CentralEntry[]): Anomaly {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const [first] = entries;
  return {
    type: "anomaly",
    rule: "zip-storages-not-fetched",
    detail: `${entries.length} storages of ${bytes} bytes in all were not looked into: the ` +
      `checkpoint's own pickle takes them as numbers, and fetching a part of each would cost ` +
      `a request each`,
    ...(first && { offset: first.localOffset }),
  };
}
