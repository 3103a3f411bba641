/**
 * OCDBT, the store of key-value pairs that Orbax keeps arrays in: a manifest and nodes, each with a table of the
 * files that they refer to. https://google.github.io/tensorstore/kvstore/ocdbt/index.html#storage-format
 *
 * A header has a magic number, the length, a version and a compression; a CRC-32C of all before ends the file.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { decompress } from "../../codecs/decompress.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { Cursor } from "../../parsers/cursor.ts";
import { leavesStore } from "../../parsers/tensorstore.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readAll, readUpTo } from "../../sources/read_all.ts";
import { mayBeOcdbt } from "./names.ts";

/** Bytes of a manifest or node. TensorStore's own nodes have 8 MiB, manifests up to some megabytes. CWE-770. */
const NODE_BYTES = 64 * 1024 * 1024;
/** Bytes before the length, and with it. */
const HEADER_BYTES = 12;
/** Behind the header. */
const CRC_BYTES = 4;
/** Files in a table. CWE-770. */
const FILES = 1_000_000;
/** Second bytes of the magic numbers that distinguish a manifest, and nodes of versions and of keys. */
const KIND = { manifest: 0x3a, versions: 0x12, keys: 0x20 } as const;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;

/** Manifests and nodes of OCDBT. */
export const ocdbtFormat: Format = {
  id: "ocdbt",
  random: true,
  // The magic number is all there is, and the descriptor has looked at it.
  detect: mayBeOcdbt,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const head = (await source.read(0, HEADER_BYTES)).slice();
  if (head.length < HEADER_BYTES) throw new FormatError("Cannot read header: it is cut off", 0);
  const length = Number(new DataView(head.buffer).getBigUint64(4, true));
  const { size = Infinity } = source;
  if (length > size || length < HEADER_BYTES + CRC_BYTES + 2) {
    throw new FormatError(`Cannot read OCDBT: it says ${length} bytes, the file has ${size}`, 4);
  }
  if (length > NODE_BYTES) throw new FormatError(`Cannot read OCDBT of ${length} bytes`, 4);
  const bytes = await readUpTo(source, 0, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const crc = view.getUint32(length - CRC_BYTES, true);
  if (crc !== crc32c(bytes.subarray(0, length - CRC_BYTES))) {
    yield [{ type: "anomaly", rule: "orbax-crc", detail: "The CRC-32C is another one", offset: 0 }];
  }
  const kind = head[2];
  const body = await decoded(bytes.subarray(HEADER_BYTES, length - CRC_BYTES), context);
  const cursor = new Cursor(body);
  skipOptions(cursor, kind);
  // A manifest of several files has its table elsewhere.
  if (cursor.left > 0) yield pathAnomalies(filesOf(cursor));
  // Values and other nodes follow the first node of a file of data.
  if (kind === KIND.manifest && length < size) {
    const detail = `${size - length} bytes follow the manifest`;
    yield [{ type: "anomaly", rule: "orbax-malformed", detail, offset: length, unread: true }];
  }
}

/** What follows the length: a version, a compression, and the body that it applies to. */
async function decoded(bytes: Uint8Array, context: FormatContext): Promise<Uint8Array> {
  const cursor = new Cursor(bytes, HEADER_BYTES);
  const version = varint(cursor);
  const compression = varint(cursor);
  const body = cursor.bytes(cursor.left);
  if (version !== 0 || compression > 1) {
    throw new FormatError(`Cannot read OCDBT: version ${version}, compression ${compression}`);
  }
  if (compression === 0) return body;
  const options = { ratio: context.limits.ratio, spend: context.spendExpanded };
  const source = decompress("body", bytesSource("body", body), "zstandard", options);
  const check = (): void => context.checkDeadline();
  const complete = await readAll(source, NODE_BYTES, "an OCDBT node", check);
  if (!source.progress().ended) throw new FormatError("Cannot read OCDBT: its body is cut off");
  return complete;
}

/** What stands before the table of files. */
function skipOptions(cursor: Cursor, kind: number | undefined): void {
  if (kind === KIND.keys) {
    cursor.skip(1);
    return;
  }
  if (kind === KIND.versions) {
    // Number of children and height, as powers of two and levels.
    cursor.skip(2);
    return;
  }
  // An identifier, the kind of manifest, sizes of values and nodes, number of children, compression.
  cursor.skip(16);
  const numbered = varint(cursor) !== 0;
  varint(cursor);
  varint(cursor);
  cursor.skip(1);
  if (varint(cursor) === 1) cursor.skip(4);
  if (numbered) cursor.skip(cursor.left);
}

/** Paths of a table of files: parts that repeat the path before, rests, and how much of each is its base. */
function filesOf(cursor: Cursor): string[] {
  const count = varint(cursor);
  if (count > FILES || count > cursor.left) {
    throw new FormatError(`Cannot read table of ${count} files`, cursor.offset);
  }
  const prefixes = [0];
  for (let index = 1; index < count; index++) prefixes.push(varint(cursor));
  const suffixes = Array.from({ length: count }, () => varint(cursor));
  for (let index = 0; index < count; index++) varint(cursor);
  const paths: string[] = [];
  let before = new Uint8Array(0);
  for (const [index, length] of suffixes.entries()) {
    const prefix = prefixes[index] ?? 0;
    if (prefix > before.length) throw new FormatError("Cannot read table of files", cursor.offset);
    const path = new Uint8Array(prefix + length);
    path.set(before.subarray(0, prefix));
    path.set(cursor.bytes(length), prefix);
    before = path;
    paths.push(new TextDecoder().decode(path));
  }
  return paths;
}

function pathAnomalies(paths: readonly string[]): Observation[] {
  return paths.filter(leavesStore).slice(0, REPORTED).map((path) => ({
    ...{ type: "anomaly", rule: "orbax-outside" } as const,
    detail: `Data lie in "${path.slice(0, 200)}"`,
  }));
}

function varint(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; scale < 2 ** 49; scale *= 128) {
    const byte = cursor.u8();
    value += byte % 128 * scale;
    if (byte < 128) return value;
  }
  throw new FormatError("Cannot read number: it does not end", cursor.offset);
}

/** Castagnoli's polynomial, reversed. RFC 3720, 12.1 */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  return crc;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 255] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
