/**
 * 7-Zip archives (https://www.7-zip.org/7z.html and `7zFormat.txt` of the LZMA SDK), and with the same
 * decoder RAR and cabinet files, which nothing else reads. 7-Zip itself does the reading, compiled to
 * WASM: it knows every method and filter, PPMd and encryption included. It is loaded on first use, and
 * works over the source and in memory; nothing is unpacked to a disk.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatBytes, formatNumber } from "../../core/numbers.ts";
import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import { pythonHints } from "../../bundles/python_sources.ts";
import { spool } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Listing, Member, Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { type Extracted, type ExtractOptions, Extractor } from "./extract.ts";
import { recover } from "./recover.ts";
import { readRarBlocks } from "./rar.ts";
import { listArchive, type SevenZipListing, type SevenZipMember } from "./listing.ts";
import { SevenZipRunner } from "../../codecs/sevenzip.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** Bytes of members kept at a time, halved with each container around the archive. */
const KEEP_BYTES = 96 * 1024 * 1024;
const KEEP_AT_LEAST_BYTES = 4 * 1024 * 1024;
/** Bytes of a link's target. The longest of 425 links in use has 43. CWE-770. */
const LINK_BYTES = 4096;

/** 7zFormat.txt: kSignature; the start header goes up to byte 32. */
const SEVENZIP_MAGIC = [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c];
const START_HEADER_BYTES = 32;
const ENCODED_HEADER = 0x17;
/** The id of the AES coder. */
const AES_ID = [0x06, 0xf1, 0x07, 0x01];
/** A header that says how the directory is encoded; that of an archive of many blocks is no longer. */
const ENCODED_HEADER_BYTES = 4096;

/** RAR's marker block; the byte behind it tells version 4 from 5. */
const RAR_MAGIC = ascii("Rar!\x1a\x07");
/** [MS-CAB] 2.1, CFHEADER: signature and a reserved field of zeros. */
const CAB_MAGIC = [...ascii("MSCF"), 0, 0, 0, 0];

/** 7-Zip archives. */
export const sevenZipFormat = archiveFormat("7z", SEVENZIP_MAGIC, () => "7z");
/** RAR archives of both versions. */
export const rarFormat = archiveFormat(
  "rar",
  RAR_MAGIC,
  ({ head }) => head[6] === 1 ? "rar5" : "rar",
);
/** Cabinet files. */
export const cabFormat = archiveFormat("cab", CAB_MAGIC, () => "cab");

function archiveFormat(
  id: string,
  magic: readonly number[],
  typeOf: (sample: Sample) => string,
): Format {
  return {
    id,
    random: true,
    detect: ({ head }) => startsWith(head, magic),
    scan: (source, context) => scan(source, context, id, typeOf(context.sample)),
  };
}

async function* scan(
  original: Source,
  context: FormatContext,
  id: string,
  type: string,
): AsyncIterable<readonly Observation[]> {
  const source = await readable(original, context.limits.spoolBytes);
  const size = source.size ?? 0;
  if (id === "7z" && await isDirectoryEncrypted(source, size)) {
    yield [{
      type: "anomaly",
      rule: "archive-encrypted",
      detail: "The archive's directory is encrypted: not even the names can be read",
      offset: 0,
      unread: true,
    }];
    return;
  }
  const runner = new SevenZipRunner(source, size, () => context.checkDeadline());
  const { limits } = context;
  let listing: SevenZipListing;
  try {
    listing = await listArchive(runner, type, limits.members);
  } catch (error) {
    if (error instanceof FormatError && id === "7z") yield* recover(source, size, context);
    throw error;
  }
  const { members } = listing;
  const extractor = new Extractor(runner, members, extractOptions(type, size, context));
  const archive: Listing = { format: id, members: shown(members, extractor) };
  yield [
    ...diagnostics(listing),
    ...members.flatMap(anomaliesOf),
    ...duplicates(members),
    { type: "listing", listing: archive },
  ];
  const hints = pythonHints(context.sample.name, archive);
  for await (const batch of contents(extractor, members, limits.spoolBytes)) {
    yield batch.map((one) => hinted(one, hints));
  }
  if (type === "rar") yield await unsaid(source, size, context);
  const unlisted = members.length === 0 && listing.diagnostics.length > 0;
  if (unlisted && id === "7z") yield* recover(source, size, context);
  if (listing.end !== undefined && listing.end < size) yield await trailing(source, listing.end);
  if (listing.full) {
    throw new LimitError(
      "members",
      `Cannot read all of "${source.name}": it has more than ${
        formatNumber(limits.members)
      } members` +
        raisedBy("members"),
    );
  }
}

function hinted(one: Observation, hints: ReadonlyMap<string, string>): Observation {
  if (one.type !== "entry") return one;
  const hint = hints.get(one.part);
  return hint === undefined ? one : { ...one, hint };
}

function extractOptions(type: string, size: number, context: FormatContext): ExtractOptions {
  return {
    type,
    archiveBytes: size,
    keep: Math.max(KEEP_AT_LEAST_BYTES, KEEP_BYTES / 2 ** context.depth),
    ratio: context.limits.ratio,
    spend: (bytes) => {
      context.checkDeadline();
      context.spendExpanded(bytes);
    },
  };
}

/** Members as bundles see them. */
function shown(members: readonly SevenZipMember[], extractor: Extractor): Member[] {
  return members.map((member, index) => ({
    name: member.name,
    kind: member.kind,
    ...(member.size !== undefined && { size: member.size }),
    ...(member.linkTarget !== undefined && { linkTarget: member.linkTarget }),
    ...(member.kind === "file" && { open: () => extractor.stream(index) }),
  }));
}

/** What 7-Zip does not say of a RAR archive. */
async function unsaid(source: Source, size: number, context: FormatContext): Promise<Anomaly[]> {
  const check = () => context.checkDeadline();
  const blocks = await readRarBlocks(source, size, context.limits.members * 2, check);
  return [...links(blocks.links), ...(blocks.ended ? [] : [noEnd(size)])];
}

/** 7-Zip cannot wait for bytes. */
async function readable(source: Source, limit: number): Promise<Source> {
  if (source.size === undefined) {
    throw new SourceError(source.name, `Cannot read "${source.name}": its size is not known`);
  }
  if (source.readSync !== undefined) return source;
  return await spool({ ...source, access: "forward" }, limit);
}

/** The directory's own header is never encrypted: it names the coders. */
async function isDirectoryEncrypted(source: Source, size: number): Promise<boolean> {
  const head = await source.read(0, START_HEADER_BYTES);
  if (head.length < START_HEADER_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const at = START_HEADER_BYTES + view.getUint32(12, true) + view.getUint32(16, true) * 2 ** 32;
  const length = Math.min(view.getUint32(20, true), ENCODED_HEADER_BYTES);
  if (at + length > size) return false;
  const header = await source.read(at, length);
  if (header[0] !== ENCODED_HEADER) return false;
  return header.some((_, from) => startsWith(header, AES_ID, from));
}

/** Hands the members on, in as many passes as memory demands. */
async function* contents(
  extractor: Extractor,
  members: readonly SevenZipMember[],
  memory: number,
): AsyncIterable<readonly Observation[]> {
  const decodable = (member: SevenZipMember) => !member.encrypted && member.memory <= memory;
  for (let next = 0; next < members.length;) {
    // Nothing is decoded for what is empty or cannot be.
    const from = members.findIndex((member, at) =>
      at >= next && decodable(member) && member.size !== 0 && member.kind !== "folder"
    );
    yield members.slice(next, from < 0 ? undefined : from)
      .flatMap((member) => cannotDecode(member, memory));
    if (from < 0) return;
    const { members: extracted, limitError } = await extractor.pass(from);
    next = from;
    for (const [index, part] of extracted) {
      for (; next < index; next++) yield missed(members[next], memory);
      const member = members[index];
      if (member !== undefined) yield* content(extractor, member, index, part, memory, limitError);
      next = index + 1;
    }
    if (limitError !== undefined) throw limitError;
    const isEnd = extracted.size === 0 ||
      Array.from(extracted.values()).every(({ complete }) => complete);
    if (!isEnd) continue;
    for (; next < members.length; next++) yield missed(members[next], memory);
  }
}

async function* content(
  extractor: Extractor,
  member: SevenZipMember,
  index: number,
  part: Extracted,
  memory: number,
  limitError: LimitError | undefined,
): AsyncIterable<readonly Observation[]> {
  const { name, kind } = member;
  if (member.encrypted || member.memory > memory) {
    yield cannotDecode(member, memory);
    return;
  }
  if (kind === "link" && member.linkTarget === undefined) yield [link(member, textOf(part))];
  const partial = !part.complete && limitError === undefined;
  if (part.produced > 0) {
    const source = partial ? extractor.stream(index, part) : bytesSource(name, joined(part.chunks));
    yield [{ type: "entry", source, part: name }];
  }
  if (part.complete) yield verify(member, part);
  // What nothing read to its end has not been decoded to its end.
  else if (partial) yield extractor.isBomb(index) ? [bomb(member)] : [];
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function textOf({ chunks }: Extracted): string {
  return new TextDecoder().decode(joined(chunks).subarray(0, LINK_BYTES));
}

/** What 7-Zip did not show although it is in its list. */
function missed(member: SevenZipMember | undefined, memory: number): Observation[] {
  if (member === undefined || member.kind === "folder") return [];
  const why = cannotDecode(member, memory);
  if (why.length > 0 || (member.size ?? 0) === 0) return why;
  return [
    memberAnomaly("archive-malformed", member, "could not be taken out of the archive", true),
  ];
}

/** Why a member is not decoded at all. */
function cannotDecode(member: SevenZipMember, memory: number): Anomaly[] {
  if (member.encrypted) return [memberAnomaly("archive-encrypted", member, "is encrypted", true)];
  if (member.memory <= memory) return [];
  return [{
    type: "anomaly",
    rule: "scan-limit",
    detail: `"${member.name}" needs ${member.memory} bytes of memory to decode ` +
      `(${member.method}), ${memory} are allowed`,
    unread: true,
  }];
}

/** What decoding brought to light. */
function verify(member: SevenZipMember, part: Extracted): Anomaly[] {
  const anomalies = part.diagnostics.slice(0, 1).map((diagnostic): Anomaly => {
    const text = diagnostic.split(" : ")[0] ?? diagnostic;
    if (/encrypted|password/iu.test(text)) {
      return memberAnomaly("archive-encrypted", member, "is encrypted", true);
    }
    if (/unsupported/iu.test(text)) {
      const detail = `is compressed in a way that cannot be read (${member.method})`;
      return memberAnomaly("archive-method-unknown", member, detail, true);
    }
    if (/CRC/u.test(text) && part.produced === member.size) {
      return memberAnomaly(
        "archive-crc",
        member,
        "does not have the checksum that the archive states",
      );
    }
    return memberAnomaly("archive-malformed", member, `is broken: ${text}`, true);
  });
  if (anomalies.length === 0 && member.size !== undefined && member.size !== part.produced) {
    const detail = `should have ${member.size} bytes, ${part.produced} came out`;
    anomalies.push(memberAnomaly("archive-malformed", member, detail, true));
  }
  return anomalies;
}

function bomb(member: SevenZipMember): Anomaly {
  const size = member.size === undefined ? "more bytes" : formatBytes(member.size);
  const detail = `would expand to ${size}, which is more than any model needs` +
    raisedBy("ratio");
  return memberAnomaly("compression-bomb", member, detail, true);
}

/** Errors of the archive that 7-Zip reports. */
function diagnostics({ diagnostics: messages, code, full }: SevenZipListing): Anomaly[] {
  const anomalies = messages.filter((text) => !/data after the end/iu.test(text)).map((text) => ({
    type: "anomaly" as const,
    rule: ruleOf(text),
    detail: `7-Zip says of the archive: ${text}`,
    unread: true,
  }));
  if (anomalies.length > 0 || code < 2 || full) return anomalies;
  return [{
    type: "anomaly",
    rule: "archive-malformed",
    detail: "7-Zip cannot read all of the archive",
    unread: true,
  }];
}

/** From what 7-Zip complains of. */
function ruleOf(diagnostic: string): string {
  if (/encrypted|password/iu.test(diagnostic)) return "archive-encrypted";
  return /end of (?:archive|data)/iu.test(diagnostic) ? "archive-truncated" : "archive-malformed";
}

async function trailing(source: Source, from: number): Promise<Observation[]> {
  const detail = `${(source.size ?? from) - from} bytes stand behind the end of the archive`;
  return [
    { type: "anomaly", rule: "archive-trailing-data", detail, offset: from },
    await hiddenEntry(source, "(data behind the archive)", from),
  ];
}

function duplicates(members: readonly SevenZipMember[]): Anomaly[] {
  const occurrences = new Map<string, number>();
  for (const { name, kind } of members) {
    if (kind !== "folder") occurrences.set(name, (occurrences.get(name) ?? 0) + 1);
  }
  return Array.from(occurrences).filter(([, count]) => count > 1).map(([name, count]) => ({
    type: "anomaly",
    rule: "archive-duplicate-name",
    detail: `${count} members are called "${name}"`,
  }));
}

function anomaliesOf(member: SevenZipMember): Anomaly[] {
  const { name, kind, linkTarget } = member;
  const anomalies: Anomaly[] = [];
  if (/^(?:[/\\]|[A-Za-z]:)/u.test(name)) {
    anomalies.push(memberAnomaly("archive-unsafe-path", member, "is an absolute path"));
  } else if (name.split(/[/\\]/u).includes("..")) {
    anomalies.push(
      memberAnomaly("archive-unsafe-path", member, "climbs out of the archive's folder"),
    );
  }
  if (kind === "other") {
    anomalies.push(memberAnomaly("archive-link", member, "is a device or pipe"));
  } else if (linkTarget !== undefined) anomalies.push(link(member, linkTarget));
  return anomalies;
}

/** Links of which 7-Zip does not say that they are. */
function links(offsets: readonly number[]): Anomaly[] {
  return offsets.map((offset) => ({
    type: "anomaly",
    rule: "archive-link",
    detail: `The member whose header begins at ${offset} is a link`,
    offset,
  }));
}

function noEnd(size: number): Anomaly {
  return {
    type: "anomaly",
    rule: "archive-truncated",
    detail: "The archive has no end: it is cut off, or a RAR older than version 3 wrote it",
    offset: size,
    unread: true,
  };
}

function link(member: SevenZipMember, target: string): Anomaly {
  return memberAnomaly("archive-link", member, `is a link to "${target}"`);
}

function memberAnomaly(
  rule: string,
  member: SevenZipMember,
  detail: string,
  unread = false,
): Anomaly {
  const text = `"${member.name}" ${detail}`;
  return { type: "anomaly", rule, detail: text, ...(unread && { unread }) };
}
