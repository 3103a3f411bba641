/**
 * Builds zip archives for tests, honest and otherwise: every field can be made to lie.
 *
 * @module
 */

import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../codecs/checksums/crc32.ts";

/** One member to be. */
export interface Entry {
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly deflate?: boolean;
  /** The bytes as they shall lie in the archive, instead of what `deflate` makes of the data. */
  readonly packed?: Uint8Array;
  /** Fields in which the headers differ from the truth, by header. */
  readonly local?: Partial<Fields>;
  readonly central?: Partial<Fields>;
  /** Leaves the member out of the directory. */
  readonly hidden?: boolean;
  /** Writes sizes and checksum into a data descriptor, as PyTorch does. */
  readonly descriptor?: boolean;
  readonly attributes?: number;
  readonly localExtra?: Uint8Array;
  readonly centralExtra?: Uint8Array;
  /** Bytes between this member and the next. */
  readonly gap?: Uint8Array;
}

/** Fields of a header. */
export interface Fields {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** Fields of the end record in which it differs from the truth. */
export interface End {
  readonly entries: number;
  readonly directorySize: number;
  readonly directoryOffset: number;
  readonly comment: Uint8Array;
  readonly commentLength: number;
  readonly zip64: boolean;
  /** Bytes between directory and end record. */
  readonly gap: Uint8Array;
}

const encoder = new TextEncoder();

/** Bytes from text; bytes as they are. */
export function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Little-endian numbers as bytes: pairs of width and value. */
export function numbers(...pairs: readonly (readonly [width: 1 | 2 | 4 | 8, value: number])[]) {
  const bytes = new Uint8Array(pairs.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of pairs) {
    let rest = value;
    for (let i = 0; i < width; i++) {
      bytes[at++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }
  return bytes;
}

/** Bytes one after the other. */
export function join(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return joinAll(parts);
}

function joinAll(parts: readonly (Uint8Array | string)[]): Uint8Array {
  const all = parts.map(bytesOf);
  const joined = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A zip archive. */
export function buildZip(entries: readonly Entry[], end: Partial<End> = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const records: Uint8Array[] = [];
  let at = 0;
  const push = (bytes: Uint8Array): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const entry of entries) {
    const truth = truthOf(entry, at);
    push(localHeader(entry, truth.fields));
    push(truth.packed);
    if (entry.descriptor) {
      const { crc, compressedSize, size } = truth.fields;
      push(numbers([4, 0x08074b50], [4, crc], [4, compressedSize], [4, size]));
    }
    if (entry.gap) push(entry.gap);
    if (!entry.hidden) records.push(centralHeader(entry, truth.fields));
  }
  const directory = joinAll(records);
  const start = at;
  push(directory);
  if (end.gap) push(end.gap);
  parts.push(endRecord(records.length, start, directory.length, at, end));
  return joinAll(parts);
}

function truthOf(entry: Entry, offset: number): { fields: Fields; packed: Uint8Array } {
  const data = bytesOf(entry.data);
  const packed = entry.packed ?? (entry.deflate ? new Uint8Array(deflateRawSync(data)) : data);
  return {
    packed,
    fields: {
      name: entry.name,
      flags: entry.descriptor ? 8 : 0,
      method: entry.deflate ? 8 : 0,
      crc: crc32(data),
      compressedSize: packed.length,
      size: data.length,
      offset,
    },
  };
}

function localHeader(entry: Entry, truth: Fields): Uint8Array {
  const zeros = entry.descriptor ? { crc: 0, compressedSize: 0, size: 0 } : {};
  const fields = { ...truth, ...zeros, ...entry.local };
  const name = bytesOf(fields.name);
  const extra = entry.localExtra ?? new Uint8Array(0);
  const bytes = new Uint8Array(30 + name.length + extra.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x04034b50, true);
  view.setUint16(4, 20, true);
  view.setUint16(6, fields.flags, true);
  view.setUint16(8, fields.method, true);
  setSizes(view, 14, fields);
  view.setUint16(26, name.length, true);
  view.setUint16(28, extra.length, true);
  bytes.set(name, 30);
  bytes.set(extra, 30 + name.length);
  return bytes;
}

/** Checksum and sizes of either header; an archive may have too many members for a table of fields. */
function setSizes(view: DataView, at: number, fields: Fields): void {
  view.setUint32(at, fields.crc, true);
  view.setUint32(at + 4, fields.compressedSize, true);
  view.setUint32(at + 8, fields.size, true);
}

function centralHeader(entry: Entry, truth: Fields): Uint8Array {
  const fields = { ...truth, ...entry.central };
  const name = bytesOf(fields.name);
  const extra = entry.centralExtra ?? new Uint8Array(0);
  const bytes = new Uint8Array(46 + name.length + extra.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 0x0314, true);
  view.setUint16(6, 20, true);
  view.setUint16(8, fields.flags, true);
  view.setUint16(10, fields.method, true);
  setSizes(view, 16, fields);
  view.setUint16(28, name.length, true);
  view.setUint16(30, extra.length, true);
  view.setUint32(38, entry.attributes ?? 0, true);
  view.setUint32(42, fields.offset, true);
  bytes.set(name, 46);
  bytes.set(extra, 46 + name.length);
  return bytes;
}

function endRecord(
  count: number,
  start: number,
  length: number,
  position: number,
  end: Partial<End>,
): Uint8Array {
  const entries = end.entries ?? count;
  const size = end.directorySize ?? length;
  const offset = end.directoryOffset ?? start;
  const comment = end.comment ?? new Uint8Array(0);
  const fields: readonly (readonly [2 | 4, number])[] = end.zip64
    ? [[2, 0xffff], [2, 0xffff], [4, 0xffffffff], [4, 0xffffffff]]
    : [[2, entries], [2, entries], [4, size], [4, offset]];
  const zip64 = end.zip64
    ? join(
      numbers([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, entries]),
      numbers([8, entries], [8, size], [8, offset]),
      numbers([4, 0x07064b50], [4, 0], [8, position], [4, 1]),
    )
    : new Uint8Array(0);
  return join(
    zip64,
    numbers([4, 0x06054b50], [2, 0], [2, 0], ...fields),
    numbers([2, end.commentLength ?? comment.length]),
    comment,
  );
}
