/**
 * Files that are one compressed stream: zlib (RFC 1950), gzip (RFC 1952), bzip2, xz, lzma, lzip, lz4 and
 * zstandard. joblib writes most of them; its oldest files have a header of their own before a zlib
 * stream.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { type Codec, type DecodedSource, decompress, tryInflate } from "../../codecs/decompress.ts";
import { isLzmaAlone } from "../../codecs/lzma/streams.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";

/** Compressed input that decides whether bytes are a zlib stream. */
const DETECTION_BYTES = 4096;
/** Output of text that happens to look like a header breaks off long before. */
const DETECTION_OUTPUT_BYTES = 64 * 1024;
/** A stream that is cut off says nothing before it has this much. */
const CUT_STREAM_BYTES = 10;
/** Output after which it is clear whether a stream is nearly empty. */
const PROBE_BYTES = 4 * 1024 * 1024;
/** What part of the ratio makes one suspicious. */
const BOMB_PART = 4;
/** Suffixes that compressors append to a name. */
const SUFFIX = /\.(?:gz|gzip|z|zlib|bz2|bz|xz|lzma|lz|lz4|zst|zstd)$/iu;
/** Suffixes that stand for two. */
const TAR_SUFFIX = /\.(?:tgz|tbz|tbz2|txz|tlz|tzst)$/iu;

/**
 * `read_zfile` in joblib's `numpy_pickle_compat.py`: "ZF", then 19 characters for Python's `int(…, 16)`,
 * which takes a sign, blanks, underscores and a prefix of either case.
 */
const ZFILE_HEADER_BYTES = 21;

/** What a head is, and where its stream begins. */
type Kind =
  | { readonly codec: Codec; readonly offset: number }
  | { readonly unsupported: string };

/** Magic numbers, each by its specification. */
const MAGIC: readonly (readonly [codec: Codec, test: (head: Uint8Array) => boolean])[] = [
  ["gzip", (head) => begins(head, [0x1f, 0x8b, 8])],
  ["bzip2", isBzip2],
  ["xz", (head) => begins(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ["lzip", (head) => begins(head, [0x4c, 0x5a, 0x49, 0x50]) && (head[4] ?? 9) <= 1],
  ["lz4", (head) => begins(head, [0x04, 0x22, 0x4d, 0x18])],
  ["lz4", (head) => begins(head, [0x02, 0x21, 0x4c, 0x18]) && fitsLegacyLz4(head)],
  ["zstandard", (head) => begins(head, [0x28, 0xb5, 0x2f, 0xfd])],
  ["lzma", (head) => isLzmaAlone(head.subarray(0, DETECTION_BYTES))],
];

/** Single compressed streams. */
export const compressedFormat: Format = {
  id: "compressed",
  random: false,
  detect: (sample) => kindOf(sample) !== undefined,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const kind = kindOf(context.sample);
  if (kind === undefined) {
    throw new FormatError(`Cannot decompress "${source.name}": no such format`, 0);
  }
  if ("unsupported" in kind) {
    yield [{
      type: "anomaly",
      rule: "compression-unsupported",
      detail: `The file is compressed with ${kind.unsupported}, which cannot be decompressed yet`,
      offset: 0,
      unread: true,
    }];
    return;
  }
  const part = partName(context.sample.name, kind.codec);
  const decoded = decompress(part, source, kind.codec, {
    offset: kind.offset,
    ratio: context.limits.ratio,
    spend: (bytes) => {
      context.checkDeadline();
      context.spendExpanded(bytes);
    },
  });
  const pickled = unpickles(context.sample);
  yield [{ type: "entry", source: decoded, part, ...(pickled && { hint: HINT.pickle }) }];
  await goOn(decoded, context.limits.ratio);
  const after = await verify(source, decoded, kind.offset);
  if (after.length > 0) yield after;
}

/** `a.pkl.gz` holds `a.pkl`; a name without such a suffix says nothing about the content. */
function partName(name: string, codec: Codec): string {
  const stripped = name.replace(TAR_SUFFIX, ".tar").replace(SUFFIX, "");
  return stripped === name || stripped === "" ? `(${codec})` : stripped;
}

/**
 * Whether loaders of such files, above all joblib, unpickle the decompressed bytes without checking
 * them.
 */
function unpickles({ claim }: Sample): boolean {
  return claim !== undefined && !claim.weak && claim.formats.includes("compressed") &&
    claim.formats.includes("pickle");
}

/**
 * Decodes on where no reader asked for more, as long as it looks like a bomb, so that one is reported.
 */
async function goOn(decoded: DecodedSource, ratio: number): Promise<void> {
  for (;;) {
    const { consumed, produced, ended } = decoded.progress();
    const empty = produced > consumed * ratio / BOMB_PART;
    if (ended || decoded.error !== undefined || produced > PROBE_BYTES && !empty) return;
    // The error of a stream is asked for by `verify`.
    await decoded.read(produced, 1).catch(() => undefined);
  }
}

/** What decoding brought to light. */
async function verify(
  source: Source,
  decoded: DecodedSource,
  offset: number,
): Promise<Observation[]> {
  const { error } = decoded;
  const { produced, cutOff, mismatch, trailing } = decoded.progress();
  if (error instanceof LimitError && error.limit === "ratio") {
    return [{ type: "anomaly", rule: "compression-bomb", detail: error.message, unread: true }];
  }
  if (error instanceof FormatError) {
    return [{
      type: "anomaly",
      rule: cutOff ? "compression-truncated" : "compression-malformed",
      detail: `${error.message}, after ${produced} bytes came out`,
      ...(error.offset !== undefined && { offset: offset + error.offset }),
      unread: true,
    }];
  }
  if (error !== undefined) throw error;
  const observations: Observation[] = [];
  if (mismatch !== undefined) {
    const rule = cutOff ? "compression-truncated" : "compression-crc";
    observations.push({ type: "anomaly", rule, detail: `The stream: ${mismatch}`, offset });
  }
  if (trailing !== undefined) {
    const at = offset + trailing;
    observations.push(
      {
        type: "anomaly",
        rule: "compression-trailing-data",
        detail: "Data follows the end of the compressed stream, which loaders do not decode",
        offset: at,
      },
      await hiddenEntry(source, "(data behind the stream)", at),
    );
  }
  return observations;
}

function kindOf(sample: Sample): Kind | undefined {
  const { head } = sample;
  const behind = behindSkippableFrames(head);
  const known = MAGIC.find(([, test]) => test(behind));
  if (known !== undefined) return { codec: known[0], offset: 0 };
  // Frames to be skipped fill the head: which of the two formats it is makes no difference to them.
  if (behind.length === 0 && head.length > 0) return { codec: "zstandard", offset: 0 };
  const zfile = zfileOffset(sample);
  if (zfile !== undefined) return { codec: "zlib", offset: zfile };
  if (isZlib(sample)) return { codec: "zlib", offset: 0 };
  return begins(head, [0x1f, 0x9d]) && ((head[2] ?? 0) & 0x60) === 0
    ? { unsupported: "compress" }
    : undefined;
}

/** lz4 and zstandard may begin with frames that every reader steps over. */
function behindSkippableFrames(head: Uint8Array): Uint8Array {
  let rest = head;
  while (rest.length >= 8 && rest[1] === 0x2a && rest[2] === 0x4d && rest[3] === 0x18) {
    if (((rest[0] ?? 0) & 0xf0) !== 0x50) break;
    const length = new DataView(rest.buffer, rest.byteOffset + 4, 4).getUint32(0, true);
    rest = rest.subarray(Math.min(rest.length, 8 + length));
  }
  return rest;
}

/** A block of the legacy format is at most 8 MiB and a little more. */
function fitsLegacyLz4(head: Uint8Array): boolean {
  return head.length < 8 || (head[7] === 0 && (head[6] ?? 0) <= 0x80);
}

function begins(head: Uint8Array, magic: readonly number[]): boolean {
  for (let at = 0; at < magic.length; at++) {
    if (head[at] !== magic[at]) return false;
  }
  return true;
}

/** The header has two bytes only, which text can begin with too: the stream must inflate. */
function isZlib({ head, size }: Sample): boolean {
  const [method = 0, flags = 0] = head;
  // Windows are up to 32 KiB; a preset dictionary could not be had.
  if ((method & 0x0f) !== 8 || method > 0x78 || (flags & 0x20) !== 0) return false;
  if ((method * 256 + flags) % 31 !== 0) return false;
  const input = head.subarray(2, DETECTION_BYTES);
  const { output, failed, ended } = tryInflate(input, DETECTION_OUTPUT_BYTES);
  if (failed) return output.length >= DETECTION_OUTPUT_BYTES;
  if (ended) return true;
  // All of the file and no end: a stream that is cut off, or a few words that begin like one.
  if (size !== undefined && size <= DETECTION_BYTES) {
    return method === 0x78 && size >= CUT_STREAM_BYTES && !isText(head);
  }
  return output.length > 0;
}

function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32 && byte < 127);
}

/** Where the stream behind the oldest header of joblib begins; undefined where there is no such header. */
function zfileOffset({ head, size, ...sample }: Sample): number | undefined {
  if (!begins(head, [0x5a, 0x46])) return undefined;
  const text = latin1(head, ZFILE_HEADER_BYTES);
  if (!/^ZF[\s+\-0-9a-fA-FxXL_]{19}$/u.test(text)) return undefined;
  // Some versions put a blank between header and stream.
  const at = head[ZFILE_HEADER_BYTES] === 0x20 ? ZFILE_HEADER_BYTES + 1 : ZFILE_HEADER_BYTES;
  const written = /^ZF0x[0-9a-fA-F]{1,16}L?\s*$/u.test(text);
  const left = size === undefined ? undefined : size - at;
  return written || isZlib({ ...sample, head: head.subarray(at), size: left }) ? at : undefined;
}

/** "BZh", the block size, then pi or, for an empty stream, its square root. */
function isBzip2(head: Uint8Array): boolean {
  const level = head[3] ?? 0;
  return begins(head, [0x42, 0x5a, 0x68]) && level >= 0x31 && level <= 0x39 &&
    (begins(head.subarray(4), [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) ||
      begins(head.subarray(4), [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]));
}
