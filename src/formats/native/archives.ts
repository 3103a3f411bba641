/**
 * Self-extracting archives: a program, and behind it an archive of 7-Zip, RAR or cabinet files, which
 * their programs find by its signature. 7-Zip's console looks for it in the first 4 MiB
 * (`kMaxCheckStartPosition`), UnRAR in as many (`MAXSFXSIZE`). Zip archives are found from their end.
 *
 * @module
 */

import { crc32 } from "../../codecs/checksums/crc32.ts";
import { forwardSource } from "../../sources/forward.ts";
import { sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** Bytes of a program that are searched for an archive. No longer stub is known. CWE-834. */
const STUB_BYTES = 4 * 1024 * 1024;
const STEP_BYTES = 256 * 1024;
/** What is looked at behind a signature, itself included. */
const HEADER_BYTES = 36;
/** Archives of one program that are opened; a stub has one. CWE-834. */
export const EMBEDDED_ARCHIVES = 8;

/** An archive in a program. */
interface EmbeddedArchive {
  /** Bytes from the program's start. */
  readonly offset: number;
  /** From there to the program's end. */
  readonly source: Source;
}

interface Signature {
  readonly magic: readonly number[];
  /** Whether an archive begins there, and not a program's own copy of the signature. */
  begins(bytes: Uint8Array): boolean;
}

const SIGNATURES: readonly Signature[] = [
  { magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], begins: beginsSevenZip },
  { magic: ascii("Rar!\x1a\x07"), begins: beginsRar },
  { magic: [...ascii("MSCF"), 0, 0, 0, 0], begins: beginsCabinet },
];

/** 7zFormat.txt: version 0, and the checksum of the twenty bytes that say where the directory is. */
function beginsSevenZip(bytes: Uint8Array): boolean {
  if (bytes.length < 32 || bytes[6] !== 0) return false;
  return viewOf(bytes).getUint32(8, true) === crc32(bytes.subarray(12, 32));
}

/** RAR 4: an archive's header follows the marker; RAR 5: one, or that of encryption, by its type. */
function beginsRar(bytes: Uint8Array): boolean {
  if (bytes[6] === 0) return bytes[9] === 0x73;
  if (bytes[6] !== 1 || bytes[7] !== 0) return false;
  // The size of the header has one to three bytes of seven bits each.
  const last = bytes.subarray(12, 15).findIndex((byte) => byte < 0x80);
  const type = bytes[13 + last];
  return last >= 0 && (type === 1 || type === 4);
}

/** [MS-CAB] 2.1, CFHEADER: two more reserved fields of zeros, version 1.3. */
function beginsCabinet(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const view = viewOf(bytes);
  const reserved = view.getUint32(12, true) === 0 && view.getUint32(20, true) === 0;
  return reserved && bytes[24] === 3 && bytes[25] === 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * The archives that begin within a program, in order.
 *
 * @param check called now and then; may throw
 * @throws SourceError when the bytes cannot be had
 */
export async function* embeddedArchives(
  source: Source,
  check: () => void,
): AsyncIterable<EmbeddedArchive> {
  let found = 0;
  // Neighbouring steps share a header, so that none is missed between them.
  for (let from = 0; from < STUB_BYTES; from += STEP_BYTES) {
    check();
    const bytes = await source.read(from, STEP_BYTES + HEADER_BYTES);
    for (const at of beginnings(bytes)) {
      if (at >= STEP_BYTES || from + at === 0) continue;
      const offset = from + at;
      yield { offset, source: behind(source, offset) };
      // What is read on from a stream is not there a second time.
      if (++found >= EMBEDDED_ARCHIVES || source.access === "forward") return;
    }
    if (bytes.length < STEP_BYTES + HEADER_BYTES) return;
  }
}

/** Where archives begin in bytes, in order. */
function beginnings(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (const { magic, begins } of SIGNATURES) {
    const [first = 0] = magic;
    for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
      const header = bytes.subarray(at, at + HEADER_BYTES);
      if (startsWith(header, magic) && begins(header)) found.push(at);
    }
  }
  return found.sort((one, other) => one - other);
}

function behind(source: Source, offset: number): Source {
  const { name, size } = source;
  if (source.access === "random" && size !== undefined) {
    return sliceSource(name, source, offset, size - offset);
  }
  let at = offset;
  return forwardSource(name, async () => {
    const bytes = (await source.read(at, STEP_BYTES)).slice();
    at += bytes.length;
    return bytes.length === 0 ? undefined : bytes;
  });
}
