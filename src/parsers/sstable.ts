/**
 * Tables of sorted keys as LevelDB writes them and TensorFlow has them in checkpoints: blocks of entries
 * whose keys share beginnings, an index of the blocks, a footer.
 * https://github.com/google/leveldb/blob/main/doc/table_format.md, tensorflow `core/lib/io/table.cc`.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** Bytes of the footer: two handles, padding and the magic number. */
const FOOTER_BYTES = 48;
/** `kTableMagicNumber`, little-endian. */
export const TABLE_MAGIC: readonly number[] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

/** Type of compression and checksum behind each block. */
const TRAILER_BYTES = 5;
/** Bytes of a key, which is kept. The longest seen has 63. CWE-770. */
const KEY_BYTES = 65_536;

/** One entry; views of the table's bytes. */
interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * All entries of a table in order.
 *
 * @param bytes of the table
 * @throws FormatError when a handle, a block or an entry is out of bounds, or a block is compressed
 */
export function* tableEntries(bytes: Uint8Array): Generator<TableEntry> {
  const footer = bytes.length - FOOTER_BYTES;
  const magic = bytes.subarray(bytes.length - TABLE_MAGIC.length);
  if (footer < 0 || !TABLE_MAGIC.every((byte, at) => magic[at] === byte)) {
    throw new FormatError("Cannot read table: it has no footer", Math.max(0, footer));
  }
  // The handle of the meta index comes first.
  const [, next] = handleAt(bytes, footer);
  const [index] = handleAt(bytes, next);
  let end = 0;
  for (const { value } of blockEntries(bytes, index, footer)) {
    const [block] = handleAt(value, 0);
    if (block.offset < end) {
      throw new FormatError("Cannot read table: blocks overlap", block.offset);
    }
    end = block.offset + block.size;
    yield* blockEntries(bytes, block, footer);
  }
}

function handleAt(bytes: Uint8Array, at: number): [Handle, number] {
  const [offset, next] = varint(bytes, at);
  const [size, end] = varint(bytes, next);
  return [{ offset, size }, end];
}

function varint(bytes: Uint8Array, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; shift < 10; shift++) {
    const byte = bytes[at + shift];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * shift);
    if (byte < 0x80) return [value, at + shift + 1];
  }
  throw new FormatError(`Cannot read table: a number at ${at} has no end`, at);
}

function* blockEntries(
  bytes: Uint8Array,
  { offset, size }: Handle,
  most: number,
): Generator<TableEntry> {
  const end = offset + size;
  if (size < 4 || end + TRAILER_BYTES > most) {
    throw new FormatError(`Cannot read table: a block of ${size} bytes lies outside`, offset);
  }
  if (bytes[end] !== 0) throw new FormatError("Cannot read table: a block is compressed", end);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const restarts = view.getUint32(end - 4, true);
  const entries = end - 4 - 4 * restarts;
  if (entries < offset) throw new FormatError("Cannot read table: too many restarts", end - 4);
  let key: Uint8Array = new Uint8Array(0);
  for (let at = offset; at < entries;) {
    const [shared, afterShared] = varint(bytes, at);
    const [own, afterOwn] = varint(bytes, afterShared);
    const [length, start] = varint(bytes, afterOwn);
    const next = start + own + length;
    if (shared > key.length || shared + own > KEY_BYTES || next > entries) {
      throw new FormatError(`Cannot read table: an entry at ${at} lies outside`, at);
    }
    const joinedKey = new Uint8Array(shared + own);
    joinedKey.set(key.subarray(0, shared));
    joinedKey.set(bytes.subarray(start, start + own), shared);
    key = joinedKey;
    yield { key, value: bytes.subarray(start + own, next) };
    at = next;
  }
}
