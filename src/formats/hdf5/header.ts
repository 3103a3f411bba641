/**
 * What the HDF5 library does not tell: which other files hold the data of a dataset. The object
 * header's message 0x0007 names them.
 *
 * HDF5 File Format Specification 3.0: II (superblock), III.D (local heap), IV.A.1 (object headers),
 * IV.A.2.h (external data files), https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";

/** `\211HDF\r\n\032\n`. */
const HDF5_SIGNATURE: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** What of the superblock is needed to follow addresses. */
export interface Superblock {
  /** Where it begins; addresses count from there. */
  readonly at: number;
  /** Bytes of an address and of a length. */
  readonly offsets: number;
  readonly lengths: number;
  /** Behind the last byte of the file, as it was written; undefined when that is not stated. */
  readonly end: number | undefined;
}

/** Bytes of an HDF5 file, and how they are addressed. */
export interface HeaderReader {
  readonly superblock: Superblock;
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Where the sizes of addresses stand, by the superblock's version. */
const SIZES_AT: readonly number[] = [13, 13, 9, 9];

/**
 * The superblock among the first bytes of a file: at 0, 512, 1024, 2048 and so on.
 *
 * @returns undefined when there is none
 */
export function findSuperblock(head: Uint8Array): Superblock | undefined {
  for (let at = 0; at + HDF5_SIGNATURE.length <= head.length; at = at === 0 ? 512 : at * 2) {
    if (!HDF5_SIGNATURE.every((byte, index) => head[at + index] === byte)) continue;
    const sizes = SIZES_AT[head[at + 8] ?? 255];
    const width = (index: number) => {
      const size = head[at + (sizes ?? 0) + index] ?? 0;
      return sizes !== undefined && [2, 4, 8].includes(size) ? size : 8;
    };
    const offsets = width(0);
    return { at, offsets, lengths: width(1), end: endOfFile(head, at, offsets) };
  }
  return undefined;
}

/** Where the base address stands, and how many addresses behind it the end of file, by version. */
const BASE_AT: readonly (readonly [base: number, addresses: number])[] = [
  [24, 2],
  [28, 2],
  [12, 2],
  [12, 2],
];

/** The end of file address of a superblock, II.A; all bits set where it is undefined. */
function endOfFile(head: Uint8Array, at: number, width: number): number | undefined {
  const [base, addresses] = BASE_AT[head[at + 8] ?? 255] ?? [];
  if (base === undefined || addresses === undefined) return undefined;
  const from = at + base + addresses * width;
  if (from + width > head.length) return undefined;
  let end = 0n;
  for (let index = width - 1; index >= 0; index--) {
    end = end << 8n | BigInt(head[from + index] ?? 0);
  }
  return end > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(end);
}

/** Bytes of one chunk of an object header. The longest seen has 384. CWE-770. */
const CHUNK_BYTES = 256 * 1024;
/** Bytes of a file's name. No model is known to name one. CWE-770. */
const NAME_BYTES = 4096;
/** Chunks of one object header. The most seen are 2. CWE-834. */
const MOST_CHUNKS = 256;
/** Files of one dataset. No model is known to have one. CWE-770. */
const MOST_FILES = 1000;

const EXTERNAL_FILES = 0x07;
const CONTINUATION = 0x10;
/** A shared message: only a reference to it is stored here. */
const SHARED_FLAG = 0x02;

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/** How the messages of a header are written. */
interface Style {
  readonly version: 1 | 2;
  /** Version 2: messages carry the order in which they were made. */
  readonly ordered: boolean;
}

/**
 * The files that a dataset takes its data from, by the names that its header gives.
 *
 * @param address of the object header, counted from the superblock
 * @throws FormatError when the header is not one
 */
export async function externalFiles(reader: HeaderReader, address: number): Promise<string[]> {
  const fileNames: string[] = [];
  for await (const message of messagesOf(reader, address)) {
    if (message.type !== EXTERNAL_FILES) continue;
    if ((message.flags & SHARED_FLAG) !== 0) fileNames.push("a file named elsewhere");
    else fileNames.push(...await namesIn(reader, message.data));
  }
  return fileNames;
}

/** The messages of an object header, those of its continuations included. */
export async function* messagesOf(reader: HeaderReader, address: number): AsyncIterable<Message> {
  const { at: base, offsets, lengths } = reader.superblock;
  const start = await reader.read(base + address, 40);
  const style: Style = isSigned(start, "OHDR")
    ? { version: 2, ordered: ((start[5] ?? 0) & 0x04) !== 0 }
    : { version: 1, ordered: false };
  const waiting = [firstChunk(start, address, style)];
  for (let chunks = 0; chunks < MOST_CHUNKS; chunks++) {
    const chunk = waiting.shift();
    if (chunk === undefined) return;
    const length = Math.min(chunk.length, CHUNK_BYTES);
    const bytes = await reader.read(base + chunk.at, length);
    for (const message of messagesIn(bytes, style)) {
      yield message;
      if (message.type !== CONTINUATION) continue;
      const signed = style.version === 2 ? 4 : 0;
      const at = numberAt(message.data, 0, offsets);
      const size = numberAt(message.data, offsets, lengths);
      // "OCHK" before it and a checksum behind it.
      waiting.push({ at: at + signed, length: Math.max(0, size - 2 * signed) });
    }
  }
  throw new FormatError(`Cannot read the object at ${address}: its header does not end`);
}

function firstChunk(start: Uint8Array, address: number, style: Style) {
  if (style.version === 1) {
    if (start[0] !== 1) throw new FormatError(`Cannot read the object at ${address}: no header`);
    return { at: address + 16, length: numberAt(start, 8, 4) };
  }
  const flags = start[5] ?? 0;
  const before = 6 + ((flags & 0x20) !== 0 ? 16 : 0) + ((flags & 0x10) !== 0 ? 4 : 0);
  const width = 1 << (flags & 3);
  return { at: address + before + width, length: numberAt(start, before, width) };
}

function* messagesIn(bytes: Uint8Array, style: Style): Iterable<Message> {
  const head = style.version === 1 ? 8 : style.ordered ? 6 : 4;
  for (let at = 0; at + head <= bytes.length;) {
    const old = style.version === 1;
    const type = numberAt(bytes, at, old ? 2 : 1);
    const size = numberAt(bytes, at + (old ? 2 : 1), 2);
    const flags = bytes[at + (old ? 4 : 3)] ?? 0;
    yield { type, flags, data: bytes.subarray(at + head, at + head + size) };
    at += head + size;
  }
}

async function namesIn(reader: HeaderReader, data: Uint8Array): Promise<string[]> {
  const { at: base, offsets, lengths } = reader.superblock;
  const used = numberAt(data, 6, 2);
  const heap = numberAt(data, 8, offsets);
  const head = await reader.read(base + heap, 8 + 2 * lengths + offsets);
  if (!isSigned(head, "HEAP")) return ["a file whose name cannot be read"];
  const segment = numberAt(head, 8 + 2 * lengths, offsets);
  const fileNames: string[] = [];
  for (let index = 0; index < Math.min(used, MOST_FILES); index++) {
    const slot = 8 + offsets + index * 3 * lengths;
    if (slot + lengths > data.length) break;
    const bytes = await reader.read(base + segment + numberAt(data, slot, lengths), NAME_BYTES);
    const end = bytes.indexOf(0);
    fileNames.push(new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)));
  }
  return fileNames.length > 0 ? fileNames : ["a file whose name cannot be read"];
}

/** True when bytes begin with a signature. */
export function isSigned(bytes: Uint8Array, signature: string): boolean {
  return Array.from(signature, (letter) => letter.charCodeAt(0)).every((byte, index) =>
    bytes[index] === byte
  );
}

/** A little-endian number; beyond 2^53 it is too large for any file, and reading there fails. */
export function numberAt(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = width - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0);
  if (!Number.isSafeInteger(value) || value > 2 ** 52) {
    throw new FormatError("Cannot read an object header: an address lies beyond any file");
  }
  return value;
}
