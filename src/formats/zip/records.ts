/**
 * The records of a zip archive, as PKWARE's APPNOTE.TXT 6.3.10 lays them out:
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 *
 * @module
 */

import { latin1 } from "../../parsers/bytes.ts";
import { Cursor } from "../../parsers/cursor.ts";
import { crc32 } from "../../codecs/checksums/crc32.ts";

/** Local file header, 4.3.7. */
export const LOCAL_HEADER = 0x04034b50;
/** Data descriptor, 4.3.9. */
export const DATA_DESCRIPTOR = 0x08074b50;
/** Central directory file header, 4.3.12. */
export const CENTRAL_HEADER = 0x02014b50;
/** Zip64 end of central directory record, 4.3.14. */
export const ZIP64_END = 0x06064b50;
/** Zip64 end of central directory locator, 4.3.15. */
export const ZIP64_LOCATOR = 0x07064b50;
/** End of central directory record, 4.3.16. */
export const END_OF_DIRECTORY = 0x06054b50;

export const LOCAL_HEADER_BYTES = 30;
export const CENTRAL_HEADER_BYTES = 46;
export const END_BYTES = 22;
export const ZIP64_END_BYTES = 56;
export const ZIP64_LOCATOR_BYTES = 20;

/** General purpose bits, 4.4.4. */
export const FLAG_ENCRYPTED = 0x0001;
export const FLAG_DESCRIPTOR = 0x0008;
export const FLAG_PATCH = 0x0020;
export const FLAG_STRONG_ENCRYPTION = 0x0040;
export const FLAG_MASKED = 0x2000;

/** Compression methods that can be read, 4.4.5. */
export const STORED = 0;
export const DEFLATED = 8;

/** In a 32-bit field: the value is in the zip64 extra field. */
export const IN_ZIP64 = 0xffffffff;
const ZIP64_EXTRA = 0x0001;
/** Info-ZIP Unicode Path, 4.6.9. */
const UNICODE_PATH_EXTRA = 0x7075;

/** What central and local headers both say of a member. */
export interface MemberFields {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly name: string;
  /** The name as it stands, a character for each byte: the same text where all are ASCII. */
  readonly rawName: string;
  /** Name in the Info-ZIP Unicode Path field, where one is and it applies. */
  readonly unicodeName: string | undefined;
}

/** A record of the central directory. */
export interface CentralEntry extends MemberFields {
  /** Of this record. */
  readonly offset: number;
  /** Of the local header, in the source: the prefix before the archive is added. */
  readonly localOffset: number;
  /** High byte of "version made by": whose attributes these are, 3 for Unix. */
  readonly host: number;
  readonly attributes: number;
}

/** A local header. */
export interface LocalHeader extends MemberFields {
  readonly offset: number;
  /** Where the member's bytes begin. */
  readonly dataOffset: number;
}

/** End of central directory, plain or zip64. */
export interface EndRecord {
  /** Of this record. */
  readonly offset: number;
  readonly entries: number;
  readonly directorySize: number;
  readonly directoryOffset: number;
  readonly commentLength: number;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The 32-bit signature at `at`; 0 past the end. */
export function signatureAt(bytes: Uint8Array, at = 0): number {
  if (at < 0 || at + 4 > bytes.length) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at, true);
}

/**
 * A name as text: UTF-8 where it is valid, else one character a byte. Python and other readers take
 * code page 437 there; for a report the difference is nothing, and comparisons are made on bytes.
 */
function decodeName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

/** Both forms of a name. Only ASCII and one character a byte are as long decoded as they stand. */
function namesOf(bytes: Uint8Array): { name: string; rawName: string } {
  const name = decodeName(bytes);
  return { name, rawName: name.length === bytes.length ? name : latin1(bytes) };
}

/**
 * Reads a central directory record.
 *
 * @param bytes the complete record
 * @param offset of the record in the source
 * @param base bytes before the archive
 * @returns the entry and the record's length
 * @throws FormatError when it is cut off
 */
export function readCentralEntry(
  bytes: Uint8Array,
  offset: number,
  base: number,
): { entry: CentralEntry; length: number } {
  const cursor = new Cursor(bytes, offset);
  cursor.skip(5);
  const host = cursor.u8();
  cursor.skip(2);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.skip(4);
  const crc = cursor.u32();
  const compressed = cursor.u32();
  const plain = cursor.u32();
  const nameLength = cursor.u16();
  const extraLength = cursor.u16();
  const commentLength = cursor.u16();
  cursor.skip(4);
  const attributes = cursor.u32();
  const local = cursor.u32();
  const nameBytes = cursor.bytes(nameLength);
  const extra = cursor.bytes(extraLength);
  const [size, compressedSize, localOffset] = extraLength === 0
    ? [plain, compressed, local] as const
    : zip64Fields(extra, plain, compressed, local);
  return {
    entry: {
      offset,
      host,
      flags,
      method,
      crc,
      compressedSize,
      size,
      attributes,
      localOffset: base + localOffset,
      ...namesOf(nameBytes),
      unicodeName: extraLength === 0 ? undefined : unicodeName(extra, nameBytes),
    },
    length: CENTRAL_HEADER_BYTES + nameLength + extraLength + commentLength,
  };
}

/** Length of a central directory record from its fixed part. */
export function centralEntryLength(bytes: Uint8Array): number {
  const cursor = new Cursor(bytes);
  cursor.skip(28);
  return CENTRAL_HEADER_BYTES + cursor.u16() + cursor.u16() + cursor.u16();
}

/** Length of a local header from its fixed part. */
export function localHeaderLength(bytes: Uint8Array): number {
  const cursor = new Cursor(bytes);
  cursor.skip(26);
  return LOCAL_HEADER_BYTES + cursor.u16() + cursor.u16();
}

/**
 * Reads a local header.
 *
 * @param bytes the header; when the extra field is cut off, the 32-bit sizes hold
 * @param offset of the header in the source
 * @throws FormatError when the name is cut off
 */
export function readLocalHeader(bytes: Uint8Array, offset: number): LocalHeader {
  const cursor = new Cursor(bytes, offset);
  cursor.skip(6);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.skip(4);
  const crc = cursor.u32();
  const compressed = cursor.u32();
  const plain = cursor.u32();
  const nameLength = cursor.u16();
  const extraLength = cursor.u16();
  const nameBytes = cursor.bytes(nameLength);
  const extra = cursor.bytes(Math.min(extraLength, cursor.left));
  const [size, compressedSize] = zip64Fields(extra, plain, compressed, 0);
  return {
    offset,
    flags,
    method,
    crc,
    compressedSize,
    size,
    ...namesOf(nameBytes),
    unicodeName: unicodeName(extra, nameBytes),
    dataOffset: offset + LOCAL_HEADER_BYTES + nameLength + extraLength,
  };
}

/** Reads an end of central directory record from its 22 bytes. */
export function readEnd(bytes: Uint8Array, offset: number): EndRecord {
  const cursor = new Cursor(bytes, offset);
  cursor.skip(10);
  return {
    offset,
    entries: cursor.u16(),
    directorySize: cursor.u32(),
    directoryOffset: cursor.u32(),
    commentLength: cursor.u16(),
  };
}

/** Reads a zip64 end of central directory record from its 56 bytes. */
export function readZip64End(bytes: Uint8Array, offset: number): EndRecord {
  const cursor = new Cursor(bytes, offset);
  cursor.skip(32);
  return {
    offset,
    entries: cursor.u64(),
    directorySize: cursor.u64(),
    directoryOffset: cursor.u64(),
    commentLength: 0,
  };
}

/** The parts of an extra field: id and data, as far as the lengths make sense. */
function* extraFields(extra: Uint8Array): Iterable<readonly [number, Uint8Array]> {
  const cursor = new Cursor(extra);
  while (cursor.left >= 4) {
    const id = cursor.u16();
    const length = cursor.u16();
    if (length > cursor.left) return;
    yield [id, cursor.bytes(length)];
  }
}

/** Only those fields are in the zip64 field whose 32-bit place is all ones, in this order: 4.5.3. */
function zip64Fields(
  extra: Uint8Array,
  size: number,
  compressed: number,
  local: number,
): readonly [number, number, number] {
  const values = [size, compressed, local];
  if (!values.includes(IN_ZIP64)) return [size, compressed, local];
  for (const [id, data] of extraFields(extra)) {
    if (id !== ZIP64_EXTRA) continue;
    const cursor = new Cursor(data);
    const [a = size, b = compressed, c = local] = values.map((value) =>
      value === IN_ZIP64 && cursor.left >= 8 ? cursor.u64() : value
    );
    return [a, b, c];
  }
  return [size, compressed, local];
}

/** The Unicode name; it applies only while its checksum fits the plain name. */
function unicodeName(extra: Uint8Array, nameBytes: Uint8Array): string | undefined {
  for (const [id, data] of extraFields(extra)) {
    if (id !== UNICODE_PATH_EXTRA || data.length < 5 || data[0] !== 1) continue;
    const cursor = new Cursor(data);
    cursor.skip(1);
    if (cursor.u32() === crc32(nameBytes)) return decodeName(cursor.bytes(cursor.left));
  }
  return undefined;
}
