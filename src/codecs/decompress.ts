/**
 * Compressed streams as forward sources, decoded under a budget. What was decoded before an error can
 * be read. Deflate, zlib (RFC 1950) and gzip (RFC 1952) are read here; the decoders of the others are
 * loaded on first use.
 *
 * @module
 */

import { raisedBy } from "../core/limits.ts";
import { formatBytes } from "../core/numbers.ts";
import { FormatError, LimitError } from "../core/errors.ts";
import { type ForwardSource, forwardSource, LOOK_BACK_BYTES } from "../sources/forward.ts";
import type { Source } from "../core/source.ts";
import { ByteReader } from "./streaming/byte_reader.ts";
import { adler32, crc32 } from "./checksums/crc32.ts";
import { Inflater } from "./inflate.ts";
import type { DecodeStream } from "./streaming/stream_decoder.ts";

/** Input read at a time; with deflate's 1032:1 that bounds a step to 16 MiB of output. */
const INPUT_BYTES = 16 * 1024;
/** A member is only suspected of being a bomb beyond this much output. */
const RATIO_FLOOR_BYTES = 16 * 1024 * 1024;
/**
 * The same for coders that have no ratio which they cannot exceed: they make zeros of an array into
 * next to nothing, and such arrays exist.
 */
const UNBOUNDED_RATIO_FLOOR_BYTES = 128 * 1024 * 1024;
/**
 * Beyond this much output a part of the ratio is enough. Sparse matrices of linear programs that numpy
 * compresses reach ratios of 814 and hundreds of megabytes.
 */
const LARGE_BYTES = 1024 * 1024 * 1024;
const LARGE_PART = 4;
/**
 * Bytes of memory for the dictionary of one stream: what `xz -9` and `zstd --ultra -22` need. No writer's
 * preset asks for more. CWE-789.
 */
const DICTIONARY_BYTES = 128 * 1024 * 1024;
/**
 * Zero bytes that may pad a gzip file, as tape drives do, without being called trailing data. None of 1,216
 * files in use has any. CWE-770.
 */
const PADDING_BYTES = 64 * 1024;
/**
 * Bytes of a gzip header: extra field, name and comment together. The longest of 1,216 files in use has 83.
 * CWE-770.
 */
const GZIP_HEADER_BYTES = 256 * 1024;

/** What wraps a deflate stream. */
type DeflateCodec = "deflate" | "zlib" | "gzip";

/** The decoders that are modules of their own. */
const DECODERS = {
  bzip2: async () => (await import("./bzip2.ts")).decodeBzip2,
  xz: async () => (await import("./lzma/concatenated.ts")).decodeXzFile,
  lzma: async () => (await import("./lzma/concatenated.ts")).decodeLzmaFile,
  "lzma-zip": async () => (await import("./lzma/streams.ts")).decodeLzmaZip,
  "lzma-bare": async () => (await import("./lzma/streams.ts")).decodeBareLzma,
  lzma2: async () => (await import("./lzma/xz.ts")).decodeLzma2,
  lzip: async () => (await import("./lzma/concatenated.ts")).decodeLzipFile,
  lz4: async () => (await import("./lz4.ts")).decodeLz4,
  zstandard: async () => (await import("./zstd/zstd.ts")).decodeZstd,
} satisfies Record<string, () => Promise<DecodeStream>>;

/** A compression that can be decoded. */
export type Codec = DeflateCodec | keyof typeof DECODERS;

/** Where the compressed bytes are, and what decoding may cost. */
export interface DecompressOptions {
  /** Start in the source, 0 unless given. */
  readonly offset?: number;
  /** Compressed bytes at most; to the end of the source unless given. */
  readonly length?: number;
  /** Output over input at most, looked at beyond 16 MiB of output, or more where none is natural. */
  readonly ratio: number;
  /** Decoded size in bytes, where the container states it and the stream need not. */
  readonly size?: number;
  /**
   * Called for every byte that is produced, before a reader sees it, and now and then of none; throws
   * LimitError when the budget is spent.
   */
  readonly spend: (bytes: number) => void;
  /** See `ForwardOptions`. */
  readonly lookBack?: number;
}

/** How far a stream was decoded. */
export interface Progress {
  /** Compressed bytes used; at the end, headers and trailers included. */
  readonly consumed: number;
  /** Bytes that came out. */
  readonly produced: number;
  /** True when the stream came to its proper end. */
  readonly ended: boolean;
  /** True when the input was over before the stream was. */
  readonly cutOff: boolean;
  /** CRC-32 of the output so far. */
  readonly crc: number;
  /** A checksum or length that does not match what was decoded. */
  readonly mismatch: string | undefined;
  /** Where data begins that follows the end and is not decoded; undefined when there is none. */
  readonly trailing: number | undefined;
}

/** A forward source over decoded bytes. */
export interface DecodedSource extends ForwardSource {
  /** How far it has come. */
  progress(): Progress;
}

/**
 * The decoded bytes of a stream.
 *
 * A read that reaches corrupt or missing input returns the bytes before it; the next one throws
 * FormatError, its offset counted from the start of the compressed bytes. Past a ratio or a budget it
 * is LimitError in the same way.
 *
 * @param name what the decoded source is called
 */
export function decompress(
  name: string,
  source: Source,
  codec: Codec,
  options: DecompressOptions,
): DecodedSource {
  const decoder = isDeflate(codec)
    ? new Decoder(source, codec, options)
    : new LoadedDecoder(source, codec, options);
  const forward = forwardSource(name, () => decoder.pull(), {
    lookBack: options.lookBack ?? LOOK_BACK_BYTES,
  });
  const packed = source.access === "random" ? () => source : source.again;
  return Object.defineProperties(forward, {
    progress: { value: () => decoder.progress() },
    ...(packed !== undefined && {
      again: { value: () => decompress(name, packed(), codec, options) },
    }),
  }) as DecodedSource;
}

function isDeflate(codec: Codec): codec is DeflateCodec {
  return !(codec in DECODERS);
}

/**
 * Decodes the start of a deflate stream until it ends, breaks, or `limit` bytes came out: a trial
 * for detection.
 *
 * @returns what came out, whether the stream is corrupt (being cut off is not), whether it ended, and the
 * bytes that it took
 */
export function tryInflate(
  bytes: Uint8Array,
  limit: number,
): { output: Uint8Array; failed: boolean; ended: boolean; consumed: number } {
  const inflater = new Inflater();
  inflater.push(bytes, true);
  const chunks: Uint8Array[] = [];
  let total = 0;
  let failed = false;
  try {
    while (total < limit) {
      const chunk = inflater.take();
      if (chunk === undefined) break;
      chunks.push(chunk);
      total += chunk.length;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    failed = !inflater.starved;
  }
  const output = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return { output, failed, ended: inflater.ended, consumed: inflater.consumed };
}

class Decoder {
  readonly #source: Source;
  readonly #codec: DeflateCodec;
  readonly #options: DecompressOptions;
  #position: number;
  readonly #start: number;
  readonly #end: number;
  #inflater: Inflater | undefined;
  /** Where the present deflate stream began. */
  #streamStart = 0;
  #produced = 0;
  #memberProduced = 0;
  #crc = 0;
  #check = 0;
  #ended = false;
  #cutOff = false;
  #mismatch: string | undefined;
  #trailing: number | undefined;

  constructor(source: Source, codec: DeflateCodec, options: DecompressOptions) {
    this.#source = source;
    this.#codec = codec;
    this.#options = options;
    this.#start = options.offset ?? 0;
    this.#position = this.#start;
    this.#end = options.length === undefined ? Infinity : this.#start + options.length;
  }

  progress(): Progress {
    const consumed = this.#inflater === undefined
      ? this.#position - this.#start
      : this.#streamStart + this.#inflater.consumed - this.#start;
    return {
      consumed,
      produced: this.#produced,
      ended: this.#ended,
      cutOff: this.#cutOff,
      crc: this.#crc,
      mismatch: this.#mismatch,
      trailing: this.#trailing,
    };
  }

  async pull(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const inflater = this.#inflater ?? await this.#begin();
      const chunk = this.#takeFrom(inflater);
      if (chunk !== undefined) return this.#count(chunk);
      if (inflater.ended) {
        this.#position = this.#streamStart + inflater.consumed;
        this.#inflater = undefined;
        // Of streams without output there may be any number.
        this.#options.spend(0);
        await this.#finish();
      } else {
        const input = await this.#read(this.#position, INPUT_BYTES);
        this.#position += input.length;
        inflater.push(input, input.length < INPUT_BYTES);
      }
    }
    return undefined;
  }

  #takeFrom(inflater: Inflater): Uint8Array | undefined {
    try {
      return inflater.take();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#cutOff = inflater.starved;
      const at = this.#streamStart - this.#start + (error.offset ?? 0);
      throw new FormatError(error.message, at, { cause: error });
    }
  }

  #count(chunk: Uint8Array): Uint8Array {
    this.#options.spend(chunk.length);
    this.#produced += chunk.length;
    this.#memberProduced += chunk.length;
    const { consumed } = this.progress();
    checkRatio(consumed, this.#produced, this.#options.ratio, RATIO_FLOOR_BYTES);
    this.#crc = crc32(chunk, this.#crc);
    if (this.#codec === "zlib") this.#check = adler32(chunk, this.#check);
    else if (this.#codec === "gzip") this.#check = crc32(chunk, this.#check);
    return chunk;
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    return await this.#source.read(offset, Math.max(0, Math.min(length, this.#end - offset)));
  }

  /** Reads the header, if any, and starts a deflate stream. */
  async #begin(): Promise<Inflater> {
    if (this.#codec === "zlib") {
      const header = await this.#read(this.#position, 2);
      this.#cutOff = header.length < 2;
      this.#position += zlibHeaderLength(header);
    } else if (this.#codec === "gzip") {
      this.#position += await this.#gzipHeader();
    }
    this.#check = this.#codec === "zlib" ? 1 : 0;
    this.#memberProduced = 0;
    this.#streamStart = this.#position;
    this.#inflater = new Inflater();
    return this.#inflater;
  }

  async #gzipHeader(): Promise<number> {
    const at = this.#position - this.#start;
    for (let size = 1024;; size *= 16) {
      const bytes = await this.#read(this.#position, size);
      const length = gzipHeaderLength(bytes, at);
      if (length !== undefined) return length;
      if (bytes.length < size || size >= GZIP_HEADER_BYTES) {
        this.#cutOff = bytes.length < size;
        throw new FormatError("Cannot read the gzip header: it has no end", at);
      }
    }
  }

  /** Reads the trailer and what follows it. */
  async #finish(): Promise<void> {
    if (this.#codec === "deflate") {
      this.#ended = true;
      return;
    }
    const size = this.#codec === "zlib" ? 4 : 8;
    const trailer = (await this.#read(this.#position, size)).slice();
    this.#checkTrailer(trailer, size);
    this.#position += trailer.length;
    await this.#follow();
  }

  #checkTrailer(trailer: Uint8Array, size: number): void {
    if (trailer.length < size) {
      this.#mismatch = `its checksum is cut off after ${trailer.length} of ${size} bytes`;
      this.#cutOff = true;
      return;
    }
    const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length);
    const zlib = this.#codec === "zlib";
    if (view.getUint32(0, !zlib) !== this.#check) {
      this.#mismatch = "its checksum does not match what was decoded";
    } else if (!zlib && view.getUint32(4, true) !== this.#memberProduced % 2 ** 32) {
      this.#mismatch = "its length does not match what was decoded";
    }
  }

  /** After a stream: another gzip member, padding, or something else. */
  async #follow(): Promise<void> {
    let next = await this.#read(this.#position, PADDING_BYTES);
    if (this.#codec === "gzip") {
      const start = next.findIndex((byte) => byte !== 0);
      const skipped = start < 0 ? next.length : start;
      if (next[skipped] === 0x1f && next[skipped + 1] === 0x8b) {
        this.#position += skipped;
        return;
      }
      if (start < 0) next = new Uint8Array(0);
    }
    if (next.length > 0) this.#trailing = this.#position - this.#start;
    this.#ended = true;
  }
}

/** A stream whose decoder is a module of its own. */
class LoadedDecoder {
  readonly #input: ByteReader;
  readonly #codec: keyof typeof DECODERS;
  readonly #options: DecompressOptions;
  #pieces: AsyncGenerator<Uint8Array, void, void> | undefined;
  #produced = 0;
  #crc = 0;
  #ended = false;
  #mismatch: string | undefined;
  #trailing: number | undefined;

  constructor(source: Source, codec: keyof typeof DECODERS, options: DecompressOptions) {
    this.#input = new ByteReader(source, options.offset ?? 0, options.length ?? Infinity);
    this.#codec = codec;
    this.#options = options;
  }

  progress(): Progress {
    return {
      consumed: this.#input.offset,
      produced: this.#produced,
      ended: this.#ended,
      cutOff: this.#input.starved,
      crc: this.#crc,
      mismatch: this.#mismatch,
      trailing: this.#trailing,
    };
  }

  async pull(): Promise<Uint8Array | undefined> {
    this.#pieces ??= (await this.#load())(this.#input, {
      memory: DICTIONARY_BYTES,
      mismatch: (what) => void (this.#mismatch ??= what),
      ...(this.#options.size !== undefined && { size: this.#options.size }),
    });
    let next = await this.#pieces.next();
    for (; !next.done && next.value.length === 0; next = await this.#pieces.next()) {
      this.#options.spend(0);
    }
    if (next.done) {
      this.#ended = true;
      if (await this.#input.ensure(1)) this.#trailing = this.#input.offset;
      return undefined;
    }
    const { value } = next;
    this.#options.spend(value.length);
    this.#produced += value.length;
    const { ratio } = this.#options;
    checkRatio(this.#input.offset, this.#produced, ratio, UNBOUNDED_RATIO_FLOOR_BYTES);
    this.#crc = crc32(value, this.#crc);
    return value;
  }

  async #load(): Promise<DecodeStream> {
    return await DECODERS[this.#codec]();
  }
}

/**
 * True when so little becomes so much that it must be a bomb.
 *
 * @param ratio output over input at most
 * @param floor output that is never suspicious
 */
export function isBomb(
  consumed: number,
  produced: number,
  ratio: number,
  floor = UNBOUNDED_RATIO_FLOOR_BYTES,
): boolean {
  return produced > floor && produced > consumed * ratio ||
    produced > Math.max(floor, LARGE_BYTES) && produced > consumed * ratio / LARGE_PART;
}

/** @throws LimitError when so little became so much that it must be a bomb */
function checkRatio(consumed: number, produced: number, ratio: number, floor: number): void {
  if (!isBomb(consumed, produced, ratio, floor)) return;
  throw new LimitError(
    "ratio",
    `Cannot go on decompressing: ${formatBytes(consumed)} have become ${formatBytes(produced)}, ` +
      `which is more than any model needs${raisedBy("ratio")}`,
  );
}

function zlibHeaderLength(bytes: Uint8Array): number {
  const [method = 0, flags = 0] = bytes;
  if (bytes.length < 2 || (method & 0x0f) !== 8 || (method * 256 + flags) % 31 !== 0) {
    throw new FormatError("Cannot read the zlib header: it is none", 0);
  }
  if (flags & 0x20) throw new FormatError("Cannot inflate: it needs a preset dictionary", 0);
  return 2;
}

/** Length of the header, RFC 1952 section 2.3; undefined when `bytes` end before it does. */
function gzipHeaderLength(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length < 10) return undefined;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw new FormatError("Cannot read the gzip header: it is none", offset);
  }
  if (bytes[2] !== 8) {
    throw new FormatError(`Cannot inflate: gzip method ${bytes[2]} does not exist`, offset);
  }
  const flags = bytes[3] as number;
  let at = 10;
  if (flags & 4) {
    if (at + 2 > bytes.length) return undefined;
    at += 2 + (bytes[at] as number) + (bytes[at + 1] as number) * 256;
  }
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  if (flags & 2) at += 2;
  return at <= bytes.length ? at : undefined;
}
