/**
 * Members of zip archives whose method only 7-Zip reads: deflate64, PPMd, and those of the 1990s. It
 * is shown an archive of that one member, put together around the compressed bytes, which stay where
 * they are.
 *
 * @module
 */

import { raisedBy } from "../core/limits.ts";
import { formatBytes } from "../core/numbers.ts";
import { FormatError, LimitError } from "../core/errors.ts";
import { forwardSource, spool } from "../sources/forward.ts";
import { bytesSource, sliceSource } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import { crc32 } from "./checksums/crc32.ts";
import { type DecodedSource, isBomb, type Progress } from "./decompress.ts";
import type { RunInput, SevenZipRunner } from "./sevenzip.ts";

/** APPNOTE.TXT 4.4.5. */
const PPMD = 98;
const METHODS: ReadonlySet<number> = new Set([1, 6, 9, PPMD]);
/** Those that do not know where they end: all depends on what the header says. */
const SIZED: ReadonlySet<number> = new Set([1, 6]);
/** Bits that say how a member was imploded, APPNOTE 4.4.4. */
const IMPLODE_FLAGS = 0x0006;
/** The size that a member of the others is said to have, since its own header may lie. */
const ENDLESS = 0xffff_fff0;
/** Compressed bytes of a member without zip64; more would decode to more than any budget. CWE-409. */
const LARGEST_BYTES = 0xffff_0000;
const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const MEMBER = "m";
/** Output kept in the first pass, and doubled from pass to pass. */
const FIRST_KEEP_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;
/** Members of one archive: each costs a run of 7-Zip, half a millisecond, and no model has any. CWE-834. */
export const ZIP_METHOD_MEMBERS = 10_000;

/** Where a member's bytes are, and what decoding may cost. */
interface ZipMethodOptions {
  readonly method: number;
  /** General purpose bits. */
  readonly flags: number;
  /** Start of the compressed bytes in the archive. */
  readonly offset: number;
  readonly length: number;
  /** Decoded size in bytes from the header; undefined when it has none. */
  readonly size: number | undefined;
  /** CRC-32 of them; undefined when the header does not say. */
  readonly crc: number | undefined;
  /** Bytes of memory for the method's model, and for compressed bytes that have to be waited for. */
  readonly memory: number;
  /** Bytes of output that may be kept at a time. */
  readonly keep: number;
  /** Output over input at most. */
  readonly ratio: number;
  /** Called for every byte that is produced; throws LimitError when the budget is spent. */
  readonly spend: (bytes: number) => void;
}

/** True when 7-Zip reads a method, by its number in the header. */
export function isZipMethod(method: number): boolean {
  return METHODS.has(method);
}

/** Reads members of one archive: one instance of 7-Zip serves them all. */
export class ZipMethodReader {
  readonly #check: () => void;
  #runner: SevenZipRunner | undefined;
  #opened = 0;

  /** @param check called now and then; throws when time is spent */
  constructor(check: () => void) {
    this.#check = check;
  }

  /** True once as many members were opened as are read of one archive. */
  get full(): boolean {
    return this.#opened >= ZIP_METHOD_MEMBERS;
  }

  /**
   * A member's bytes as a forward source, in as many passes as `keep` demands.
   *
   * A read that reaches an error returns the bytes before it; the next one throws FormatError or
   * LimitError.
   */
  open(name: string, archive: Source, options: ZipMethodOptions): DecodedSource {
    this.#opened++;
    const member = new MemberDecoder(name, archive, options, () => this.#start());
    const source = forwardSource(name, () => member.pull());
    return Object.defineProperty(source, "progress", {
      value: () => member.progress(),
    }) as DecodedSource;
  }

  async #start(): Promise<SevenZipRunner> {
    const { SevenZipRunner } = await import("./sevenzip.ts");
    this.#runner ??= new SevenZipRunner(bytesSource("", new Uint8Array(0)), 0, this.#check);
    return this.#runner;
  }
}

/** Thrown, and caught here, when a pass has enough. */
class Enough extends Error {}

class MemberDecoder {
  readonly #name: string;
  readonly #archive: Source;
  readonly #options: ZipMethodOptions;
  readonly #start: () => Promise<SevenZipRunner>;
  #input: RunInput | undefined;
  #chunks: Uint8Array[] = [];
  /** Bytes that passes brought, those handed out among them. */
  #had = 0;
  #produced = 0;
  #crc = 0;
  #done = false;
  #error: FormatError | LimitError | undefined;

  constructor(
    name: string,
    archive: Source,
    options: ZipMethodOptions,
    start: () => Promise<SevenZipRunner>,
  ) {
    this.#name = name;
    this.#archive = archive;
    this.#options = options;
    this.#start = start;
  }

  progress(): Progress {
    const ended = this.#done && this.#error === undefined && this.#chunks.length === 0;
    return {
      consumed: this.#options.length,
      produced: this.#produced,
      ended,
      cutOff: false,
      crc: this.#crc,
      mismatch: undefined,
      trailing: undefined,
    };
  }

  async pull(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#done) return undefined;
      await this.#pass();
    }
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#produced += chunk.length;
    this.#crc = crc32(chunk, this.#crc);
    return chunk;
  }

  /** Decodes from the start, lets go of what was had, and keeps the next part. */
  async #pass(): Promise<void> {
    const runner = await this.#start();
    const input = this.#input ??= await this.#present();
    const skip = this.#had;
    const keep = Math.min(Math.max(FIRST_KEEP_BYTES, skip), this.#options.keep);
    const diagnostics: string[] = [];
    let total = 0;
    const data = (bytes: Uint8Array): void => {
      total += bytes.length;
      this.#spend(bytes.length, total);
      if (total <= this.#had) return;
      this.#chunks.push(bytes.subarray(Math.max(0, bytes.length - (total - this.#had))));
      this.#had = total;
      if (this.#had - skip >= keep) throw new Enough();
    };
    const line = (text: string): void => {
      if (text.startsWith("ERROR: ") && diagnostics.length < 4) diagnostics.push(text.slice(7));
    };
    try {
      await runner.run(["x", "-so", "-bb1", "-tzip"], { line, data }, [], input);
      this.#end(diagnostics);
    } catch (error) {
      if (error instanceof Enough) return;
      if (!(error instanceof FormatError || error instanceof LimitError)) throw error;
      this.#error = error;
    }
    this.#done = true;
  }

  /** @throws LimitError when a budget is spent, or so little became so much that it is a bomb */
  #spend(count: number, total: number): void {
    const { spend, length, ratio } = this.#options;
    spend(count);
    if (!isBomb(length, total, ratio)) return;
    throw new LimitError(
      "ratio",
      `Cannot go on decompressing: ${formatBytes(length)} have become ${formatBytes(total)}, ` +
        `which is more than any model needs${raisedBy("ratio")}`,
    );
  }

  /** 7-Zip has come to the end of what it can decode. */
  #end(diagnostics: readonly string[]): void {
    const { size, method } = this.#options;
    // Said of every endless member.
    const knownDiagnostic = /^(?:Unexpected end of data|CRC Failed)/u;
    const other = diagnostics.find((text) => SIZED.has(method) || !knownDiagnostic.test(text));
    if (other !== undefined) {
      const [why = other] = other.split(" : ");
      this.#error = new FormatError(`Cannot decompress: 7-Zip says "${why}"`, this.#had);
    } else if (size === undefined || this.#had < size) {
      this.#error = new FormatError("Cannot decompress: the data is cut off", this.#had);
    }
  }

  async #present(): Promise<RunInput> {
    const { offset, length, method, memory } = this.#options;
    const slice = sliceSource(this.#name, this.#archive, offset, length);
    if (method === PPMD) await checkModel(slice, memory);
    // 7-Zip cannot wait for bytes.
    const data = slice.readSync === undefined
      ? await spool({ ...slice, access: "forward" }, memory)
      : slice;
    return oneMember(data, this.#options);
  }
}

/**
 * The first two bytes state the model's memory: four bits of order, eight bits of mebibytes less one,
 * APPNOTE 5.10.
 *
 * @throws LimitError when it needs more than is allowed
 */
async function checkModel(slice: Source, memory: number): Promise<void> {
  const [low = 0, high = 0] = await slice.read(0, 2);
  const needed = ((((high << 8) | low) >>> 4 & 0xff) + 1) * MIB;
  if (needed <= memory) return;
  throw new LimitError(
    "spoolBytes",
    `Cannot decompress: it needs ${formatBytes(needed)} of memory, ${formatBytes(memory)} are ` +
      `allowed${raisedBy("spoolBytes")}`,
  );
}

/** An archive around compressed bytes, without copying them: APPNOTE 4.3.7, 4.3.12, 4.3.16. */
function oneMember(
  packed: Source,
  { method, flags, crc = 0, size = ENDLESS }: ZipMethodOptions,
): RunInput {
  const length = Math.min(packed.size ?? 0, LARGEST_BYTES);
  // Version, flags, method, time, checksum, sizes, lengths of name and extra field.
  const fields: Field[] = [
    ...[[2, 20], [2, flags & IMPLODE_FLAGS], [2, method], [4, 0], [4, crc]] as const,
    ...[
      [4, length],
      [4, SIZED.has(method) ? Math.min(size, ENDLESS) : ENDLESS],
      [2, MEMBER.length],
      [2, 0],
    ] as const,
  ];
  const name: Field = [1, MEMBER.charCodeAt(0)];
  const head = numbers([4, LOCAL_HEADER], ...fields, name);
  // Comment, disk, attributes, and offset of the local header: zeros.
  const directory = numbers([4, CENTRAL_HEADER], [2, 20], ...fields, [8, 0], [6, 0], name);
  const end = numbers(
    ...[[4, END_OF_DIRECTORY], [4, 0], [2, 1], [2, 1], [4, directory.length]] as const,
    ...[[4, head.length + length], [2, 0]] as const,
  );
  const parts = [
    bytesSource("", head),
    sliceSource("", packed, 0, length),
    bytesSource("", directory),
    bytesSource("", end),
  ];
  return joined(packed.name, parts);
}

/** A number, and the bytes that it takes, little-endian. */
type Field = readonly [bytes: number, value: number];

function numbers(...fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [count, value] of fields) {
    for (let at = 0; at < count; at++) bytes.push(Math.floor(value / 256 ** at) % 256);
  }
  return Uint8Array.from(bytes);
}

/** Concatenated sources; a read ends at the end of the source in which it begins. */
function joined(name: string, parts: readonly Source[]): RunInput {
  const size = parts.reduce((sum, part) => sum + (part.size ?? 0), 0);
  const readSync = (offset: number, length: number): Uint8Array => {
    let at = offset;
    for (const part of parts) {
      const own = part.size ?? 0;
      if (at < own) return part.readSync?.(at, Math.min(length, own - at)) ?? new Uint8Array(0);
      at -= own;
    }
    return new Uint8Array(0);
  };
  const read = (offset: number, length: number) => Promise.resolve(readSync(offset, length));
  return { source: { name, size, access: "random", read, readSync }, size };
}
