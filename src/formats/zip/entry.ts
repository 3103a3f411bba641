/**
 * Opens members of a zip archive: stored ones as a part of the archive, compressed ones as a stream.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatBytes } from "../../core/numbers.ts";
import { crc32 } from "../../codecs/checksums/crc32.ts";
import {
  type Codec,
  type DecodedSource,
  decompress,
  isBomb,
  tryInflate,
} from "../../codecs/decompress.ts";
import { isZipMethod, type ZipMethodReader } from "../../codecs/zip_methods.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { prefetchOf, sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Anomaly } from "./directory.ts";
import type { ZipMember } from "./members.ts";
import {
  DEFLATED,
  FLAG_ENCRYPTED,
  FLAG_MASKED,
  FLAG_PATCH,
  FLAG_STRONG_ENCRYPTION,
  STORED,
} from "./records.ts";

/** Checksums are compared for members up to this size: no tensor is read for its checksum. */
const CRC_BYTES = 1024 * 1024;
/** Noise does not inflate to this much without an error. */
const DETECTION_OUTPUT_BYTES = 64 * 1024;
const DETECTION_INPUT_BYTES = 16 * 1024;
const ENDED_OUTPUT_BYTES = 32;
/** The other methods begin with a header, which noise does not have. */
const DETECTION_CODED_BYTES = 64;

/** Flags that tell a reader to keep off, and which loaders ignore. */
const ENCRYPTING_FLAGS = FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION;
const UNSUPPORTED_FLAGS = ENCRYPTING_FLAGS | FLAG_PATCH | FLAG_MASKED;

/** What decoding may cost. */
export interface OpenOptions {
  readonly ratio: number;
  readonly spend: (bytes: number) => void;
  /** Reads the methods that only 7-Zip knows. */
  readonly others: ZipMethodReader;
  /** Bytes of memory for a model or a dictionary. */
  readonly memory: number;
  /** Bytes of output that may be kept at a time, where decoding cannot be paused. */
  readonly keep: number;
}

/** A member to be read. */
interface OpenMember {
  readonly source: Source;
  /** What reading brought to light; to be asked when reading is over. */
  verify(): readonly Anomaly[];
}

/** The names of methods that cannot be read, APPNOTE 4.4.5. */
const METHOD_NAMES: Readonly<Record<number, string>> = {
  2: "reduced",
  3: "reduced",
  4: "reduced",
  5: "reduced",
  10: "imploded by PKWARE's library",
  18: "IBM's TERSE",
  19: "LZ77 of IBM",
  94: "MP3",
  96: "JPEG",
  97: "WavPack",
  99: "AES encryption",
};

/** The methods that can be read: Python's `zipfile` knows all of these, in one version or another. */
const CODECS: ReadonlyMap<number, Codec> = new Map([
  [DEFLATED, "deflate"],
  [12, "bzip2"],
  [14, "lzma-zip"],
  // The number that zstandard had at first.
  [20, "zstandard"],
  [93, "zstandard"],
  [95, "xz"],
]);

/** True when a member's method can be read. */
export function isReadable(member: ZipMember): boolean {
  return member.method === STORED || CODECS.has(member.method) || isZipMethod(member.method);
}

/** The anomaly for a member with an unsupported compression method. */
export function unreadable(member: ZipMember): Anomaly {
  const { method, name } = member;
  const called = METHOD_NAMES[method];
  return {
    type: "anomaly",
    rule: method === 99 ? "zip-encrypted" : "zip-method-unknown",
    detail: `"${name}" is compressed by method ${method}${called ? ` (${called})` : ""}, ` +
      `which cannot be read`,
    offset: member.headerOffset,
    unread: true,
  };
}

/** Opens a member whose method can be read. */
export function openMember(archive: Source, member: ZipMember, options: OpenOptions): OpenMember {
  if (member.method === STORED) return openStored(archive, member);
  const source = decode(archive, member, options);
  return { source, verify: () => verifyCompressed(member, source, options.ratio) };
}

function openStored(archive: Source, member: ZipMember): OpenMember {
  const length = Math.min(member.compressedSize, Number.MAX_SAFE_INTEGER);
  const slice = sliceSource(member.name, archive, member.dataOffset, length);
  const { crc, size } = member;
  const anomalies: Anomaly[] = [];
  const suspect = (member.flags & UNSUPPORTED_FLAGS) !== 0 || member.secondary;
  if (size !== undefined && size !== member.compressedSize && !suspect) {
    anomalies.push(memberAnomaly(
      "zip-header-mismatch",
      member,
      `is stored in ${member.compressedSize} bytes and should have ${size}`,
    ));
  }
  if (crc === undefined || slice.size === undefined || slice.size > CRC_BYTES) {
    return { source: slice, verify: () => anomalies };
  }
  const { source, sum } = summing(slice, slice.size);
  return {
    source,
    verify: () => {
      const actual = sum();
      return actual === undefined || actual === crc || member.secondary
        ? anomalies
        : [...anomalies, badCrc(member)];
    },
  };
}

/** A source that adds up the CRC-32 of what is read from start to end, however it is read. */
function summing(
  source: Source,
  size: number,
): { source: Source; sum: () => number | undefined } {
  let next = 0;
  let crc = 0;
  const see = (offset: number, bytes: Uint8Array): Uint8Array => {
    if (offset <= next && offset + bytes.length > next) {
      crc = crc32(bytes.subarray(next - offset), crc);
      next = offset + bytes.length;
    }
    return bytes;
  };
  const { readSync } = source;
  return {
    source: {
      name: source.name,
      size: source.size,
      access: source.access,
      read: async (offset, length) => see(offset, await source.read(offset, length)),
      ...(readSync && {
        readSync: (offset: number, length: number) =>
          see(offset, readSync.call(source, offset, length)),
      }),
      ...prefetchOf(source),
    },
    sum: () => next === size ? crc : undefined,
  };
}

function decode(archive: Source, member: ZipMember, options: OpenOptions): DecodedSource {
  const { name, method, flags, crc, size, dataOffset: offset, compressedSize: length } = member;
  const { ratio, spend, others } = options;
  const codec = CODECS.get(method);
  if (codec === undefined) {
    return others.open(name, archive, { ...options, method, flags, offset, length, crc, size });
  }
  return decompress(name, archive, codec, {
    offset,
    length,
    ...(codec === "lzma-zip" && size !== undefined && { size }),
    ratio,
    spend,
  });
}

function verifyCompressed(
  member: ZipMember,
  source: DecodedSource,
  ratio: number,
): Anomaly[] {
  const { error } = source;
  const { consumed, produced, ended, crc } = source.progress();
  if (error instanceof LimitError && error.limit === "ratio") {
    return [{
      ...memberAnomaly("zip-bomb", member, `expands too far: ${error.message}`),
      unread: true,
    }];
  }
  if (error instanceof FormatError) {
    if (member.secondary) return [];
    const detail = `is broken after ${produced} bytes: ${error.message}`;
    return [{ ...memberAnomaly("zip-malformed", member, detail), unread: true }];
  }
  if (error instanceof LimitError && error.limit === "spoolBytes") {
    // What one member needs says nothing of the others.
    return [{
      ...memberAnomaly("scan-limit", member, `was not read: ${error.message}`),
      unread: true,
    }];
  }
  if (error !== undefined) throw error;
  if (!ended && isBomb(member.compressedSize, member.size ?? 0, ratio)) {
    const detail =
      `would expand to ${formatBytes(member.size ?? 0)}, which is more than any model needs` +
      raisedBy("ratio");
    return [{ ...memberAnomaly("zip-bomb", member, detail), unread: true }];
  }
  if (!ended || member.secondary) return [];
  const anomalies: Anomaly[] = [];
  if (member.size !== undefined && member.size !== produced) {
    const detail = `should have ${member.size} bytes and has ${produced}`;
    anomalies.push(memberAnomaly("zip-header-mismatch", member, detail));
  }
  if (member.size !== undefined && consumed < member.compressedSize) {
    const detail = `ends ${member.compressedSize - consumed} bytes before its compressed size`;
    anomalies.push(memberAnomaly("zip-header-mismatch", member, detail));
  }
  if (member.crc !== undefined && member.crc !== crc && produced <= CRC_BYTES) {
    anomalies.push(badCrc(member));
  }
  return anomalies;
}

function badCrc(member: ZipMember): Anomaly {
  return memberAnomaly("zip-crc", member, "does not have the checksum that its header states");
}

function memberAnomaly(rule: string, member: ZipMember, detail: string): Anomaly {
  return {
    type: "anomaly",
    rule,
    detail: `"${member.name}" ${detail}`,
    offset: member.headerOffset,
  };
}

/**
 * True when every header of a member says that it is encrypted. Where only one does, some loader uses
 * the other: Python's `zipfile` and PyTorch's the directory, streaming ones the local header.
 */
export function isMarkedEncrypted({ agreedFlags }: ZipMember): boolean {
  return (agreedFlags & ENCRYPTING_FLAGS) !== 0;
}

/**
 * The anomaly for the flag bits of a member: none, a false flag (the data can be read all the same), or
 * encryption.
 *
 * @throws SourceError when the bytes cannot be had
 */
export async function checkFlags(
  archive: Source,
  member: ZipMember,
  options: OpenOptions,
): Promise<Anomaly | undefined> {
  const unsupported = member.flags & UNSUPPORTED_FLAGS;
  if (unsupported === 0) return undefined;
  const bits = `0x${unsupported.toString(16)}`;
  const encrypting = unsupported & ENCRYPTING_FLAGS;
  if (encrypting === 0 || await isPlain(archive, member, options)) {
    return memberAnomaly(
      "zip-flags",
      member,
      `has flag bits ${bits} set although its data is plain: some readers refuse it, loaders do not`,
    );
  }
  return { ...memberAnomaly("zip-encrypted", member, "is encrypted"), unread: true };
}

/** True when a member said to be encrypted is not. */
async function isPlain(
  archive: Source,
  member: ZipMember,
  options: OpenOptions,
): Promise<boolean> {
  if (member.method === STORED) {
    if (member.size === undefined) return false;
    // Encryption puts a header before the data: equal sizes leave no room for it.
    const roomless = member.compressedSize === member.size;
    if (member.compressedSize > CRC_BYTES) return roomless;
    const bytes = await archive.read(member.dataOffset, member.compressedSize);
    return crc32(bytes) === member.crc;
  }
  if (member.method !== DEFLATED) return await decodes(archive, member, options);
  const length = Math.min(member.compressedSize, DETECTION_INPUT_BYTES);
  const input = await archive.read(member.dataOffset, length);
  const { output, failed, ended } = tryInflate(input, DETECTION_OUTPUT_BYTES);
  if (failed) return false;
  // Noise can end at once by chance, so a short output must have the length that was said.
  if (ended) return output.length >= ENDED_OUTPUT_BYTES || output.length === member.size;
  return output.length >= DETECTION_OUTPUT_BYTES || length === DETECTION_INPUT_BYTES;
}

/** True when a member of another method gives something before it breaks. */
async function decodes(
  archive: Source,
  member: ZipMember,
  options: OpenOptions,
): Promise<boolean> {
  // These make something of any noise: only what has the right checksum is plain.
  const blind = isZipMethod(member.method);
  const opened = decode(archive, member, { ...options, ratio: Infinity });
  try {
    const bytes = await opened.read(0, blind ? CRC_BYTES : DETECTION_CODED_BYTES);
    return blind ? crc32(bytes) === member.crc : bytes.length > 0;
  } catch (error) {
    if (error instanceof FormatError || error instanceof LimitError) return false;
    throw error;
  }
}
