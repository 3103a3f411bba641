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

import { Window } from "../bytes/cursor.ts";
import { LimitError, SourceError } from "../errors.ts";
import { kerasHints } from "../packages/keras_members.ts";
import { torchHints } from "../packages/torch_members.ts";
import { sliceSource, type Source } from "../source/source.ts";
import type { Member, Observation, SiblingSizes } from "../types.ts";
import type { Format, FormatContext, Sample } from "./format.ts";
import { type Anomaly, type Directory, readDirectory } from "./zip_directory.ts";
import { checkFlags, isReadable, openMember, type OpenOptions, unreadable } from "./zip_entry.ts";
import { readMembers, type ZipMember } from "./zip_members.ts";
import {
  END_BYTES,
  END_OF_DIRECTORY,
  FLAG_ENCRYPTED,
  IN_ZIP64,
  LOCAL_HEADER,
  readEnd,
  signatureAt,
  STORED,
} from "./zip_records.ts";
import { readSurroundings } from "./zip_surroundings.ts";

/** A link's target is a path. */
const LINK_BYTES = 4096;
/** Host systems whose attributes carry Unix modes, APPNOTE 4.4.2: Unix and macOS. */
const UNIX_HOSTS = new Set([3, 19]);
const FOLDER_BIT = 0x10;

/** Zip archives. */
export const zipFormat: Format = { id: "zip", random: true, detect, scan };

/** A local header at the head, or an end record in the tail that is one by its numbers. */
function detect({ head, tail, size }: Sample): boolean {
  const first = signatureAt(head);
  if (first === LOCAL_HEADER || first === END_OF_DIRECTORY) return true;
  if (tail === undefined || size === undefined) return false;
  let at = tail.lastIndexOf(0x50, tail.length - END_BYTES);
  for (; at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(0x50, at - 1)) {
    if (signatureAt(tail, at) === END_OF_DIRECTORY && isEnd(tail, at, size)) return true;
  }
  return false;
}

/**
 * Zeros behind an end record are the padding of a container around the archive, such as tar, which
 * shows it as a member of its own.
 */
function isEnd(tail: Uint8Array, at: number, size: number): boolean {
  const offset = size - tail.length + at;
  const end = readEnd(tail.subarray(at, at + END_BYTES), offset);
  const behind = tail.subarray(at + END_BYTES + end.commentLength);
  if (behind.length > 0 && behind.every((byte) => byte === 0)) return false;
  if (end.directorySize === IN_ZIP64 || end.directoryOffset === IN_ZIP64) return true;
  return end.entries > 0 && end.directorySize + end.directoryOffset <= offset;
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
  const window = new Window(source);
  const { limits } = context;
  const directory = await readDirectory(window, size, limits.members);
  const check = () => context.checkDeadline();
  const known = await readMembers(window, directory, size, check);
  const around = directory.full
    ? { members: [], slack: [], anomalies: [] }
    : await readSurroundings(
      window,
      directory,
      known,
      size,
      limits.members - known.members.length,
      check,
    );
  const all = [...known.members, ...around.members];
  const options: OpenOptions = {
    ratio: limits.ratio,
    spend: (bytes) => {
      context.checkDeadline();
      context.spendExpanded(bytes);
    },
  };
  const members: Member[] = [];
  const odd: Anomaly[] = [];
  for (const member of all) members.push(...await listed(source, member, options, odd));
  yield [
    ...directory.anomalies,
    ...missingDirectory(directory, all.length),
    ...known.anomalies,
    ...around.anomalies,
    ...odd,
    { type: "listing", listing: { format: "zip", members } },
  ];
  yield* entries(source, all, options, context);
  for (const { part, start, end } of around.slack) {
    yield [{ type: "entry", source: sliceSource(part, source, start, end - start), part }];
  }
  if (directory.full) {
    throw new LimitError(
      "members",
      `Cannot read all of "${source.name}": it has more than ${limits.members} members`,
    );
  }
}

/** A batch per member, so that what reading it brought to light follows at once. */
async function* entries(
  source: Source,
  members: readonly ZipMember[],
  options: OpenOptions,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const names = members.map(({ name }) => name);
  const hints = new Map([...torchHints(names), ...kerasHints(context.sample.name, names)]);
  for (const member of members) {
    context.checkDeadline();
    if (isFolder(member) || (member.compressedSize === 0 && (member.size ?? 0) === 0)) continue;
    if (!isReadable(member)) {
      yield [unreadable(member)];
      continue;
    }
    const flags = await checkFlags(source, member);
    if (flags?.rule === "zip-encrypted" && member.method !== STORED) {
      yield [flags];
      continue;
    }
    const opened = openMember(source, member, options);
    const hint = hints.get(member.name);
    const siblings = member.name.endsWith("data.pkl") ? siblingsOf(member, members) : undefined;
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

/** The sizes of the members in and below a member's folder; the first of equal names. */
function siblingsOf({ name }: ZipMember, members: readonly ZipMember[]): SiblingSizes {
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  const sizes = new Map<string, number | undefined>();
  for (const member of members) {
    if (member.name.startsWith(folder) && !sizes.has(member.name)) {
      sizes.set(member.name, member.size);
    }
  }
  return (path) => sizes.get(folder + path);
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

/** A member as a package sees it, under each of its names; what is odd about them goes to `odd`. */
async function listed(
  source: Source,
  member: ZipMember,
  options: OpenOptions,
  odd: Anomaly[],
): Promise<Member[]> {
  const kind = kindOf(member);
  const say = (rule: string, detail: string) =>
    odd.push({ type: "anomaly", rule, detail, offset: member.headerOffset });
  const linkTarget = kind === "link" ? await targetOf(source, member, options) : undefined;
  if (kind === "link") {
    say("zip-link", `"${member.name}" is a link to "${linkTarget ?? "what cannot be read"}"`);
  }
  const names = member.otherName === undefined ? [member.name] : [member.name, member.otherName];
  for (const name of names) {
    const why = unsafe(name);
    if (why !== undefined) say("zip-unsafe-path", `"${name}" ${why}`);
  }
  const open = isReadable(member) && (member.flags & FLAG_ENCRYPTED) === 0
    ? () => openMember(source, member, options).source
    : undefined;
  return names.map((name) => ({
    name,
    kind,
    ...(member.size !== undefined && { size: member.size }),
    ...(linkTarget !== undefined && { linkTarget }),
    ...(open && kind !== "folder" && { open }),
  }));
}

function isFolder(member: ZipMember): boolean {
  return kindOf(member) === "folder";
}

function kindOf({ name, attributes, compressedSize }: ZipMember): Member["kind"] {
  const mode = attributes !== undefined && UNIX_HOSTS.has(attributes.host)
    ? (attributes.bits >>> 28) & 0xf
    : 0;
  if (mode === 0xa) return "link";
  // Only an empty member is a folder: loaders read by name, whatever the attributes say.
  if (compressedSize === 0) {
    const folder = name.endsWith("/") || mode === 4 ||
      ((attributes?.bits ?? 0) & FOLDER_BIT) !== 0;
    if (folder) return "folder";
  }
  return mode === 0 || mode === 4 || mode === 8 ? "file" : "other";
}

async function targetOf(
  source: Source,
  member: ZipMember,
  options: OpenOptions,
): Promise<string | undefined> {
  if (!isReadable(member)) return undefined;
  try {
    const bytes = await openMember(source, member, options).source.read(0, LINK_BYTES);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    return undefined;
  }
}

/** Why a member's name must not be followed when extracting. */
function unsafe(name: string): string | undefined {
  if (name.includes("\0")) return "has a NUL in its name, at which some readers cut it";
  if (/^(?:[/\\]|[A-Za-z]:)/u.test(name)) return "is an absolute path";
  if (name.split(/[/\\]/u).includes("..")) return "climbs out of the archive's folder";
  return undefined;
}
