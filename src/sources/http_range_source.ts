/**
 * A file on a web server with range requests: a source with random access of which each read may cost a
 * round trip. So responses are cached, sequential reads fetch ranges of growing length, and ranges
 * known in advance are fetched together.
 *
 * Some servers support several ranges in one request (RFC 9110, 14.2): nginx, Apache, CloudFront. S3
 * answers them with the complete file, OSS and MinIO with an error, others with the first range alone.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html,
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { type HttpClient, type HttpReply, statusError } from "./http_client.ts";
import {
  boundaryOf,
  joinRanges,
  parseContentRange,
  PART_OVERHEAD_BYTES,
  type RangePart,
  readParts,
} from "./http_ranges.ts";
import { codingsOf, readAtMost, readSpan, readStart } from "./http_stream.ts";
import type { ByteRange, Source } from "../core/source.ts";

/** What is known of a file after its first range. */
interface RangeSourceOptions {
  readonly name: string;
  readonly reply: HttpReply;
  /** The first bytes of the file. */
  readonly head: Uint8Array;
  /** Bytes of the file. */
  readonly size: number;
  /** Content encodings of its bytes. */
  readonly codings: readonly string[];
  /** True to prefetch all that is asked for, several ranges a request where the server has that. */
  readonly thorough?: boolean;
}

/** Bytes of a range somewhere in the file, and of one far along in a sequential read. */
const LEAST_BYTES = 4 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
/**
 * A read that is longer, or that went on so long that the next range would be, is fetched by several ranges at a time,
 * each at least so long.
 */
const AHEAD_BYTES = 512 * 1024;
/** Such ranges at a time; together they are no longer than one would be. */
const AHEAD_AT_ONCE = 8;
/** Each range that follows on the one before is so many times as long. */
const GROWTH = 4;
/**
 * Bytes of a file that are cached. The longest headers known, of GGUF, have some twenty megabytes. CWE-770.
 */
const CACHE_BYTES = 32 * 1024 * 1024;
/** Extents cached, which are searched one by one. No scan is known to need a thousand. CWE-407. */
const CACHE_EXTENTS = 4096;
/** What "cheap" means, at most: a checkpoint is to cost less than twenty requests and a megabyte. */
const CHEAP_REQUESTS = 6;
const CHEAP_BYTES = 384 * 1024;
/** Ranges in one request: nginx takes headers of 8 KiB, Apache 200 ranges (`MaxRanges`). */
const RANGES_A_REQUEST = 128;
/** Requests for one file at a time. */
const AT_ONCE = 6;
/** Statuses of an address that is not valid any more. */
const EXPIRED_STATUS = [400, 401, 403, 404, 410];

/** Bytes that are at hand. */
interface Extent {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Bytes to fetch when the next read continues at the end of this range. */
  readonly next: number;
}

/** Bytes that are on their way. */
interface Flying {
  readonly start: number;
  readonly end: number;
  /** May be fewer than up to the end. */
  readonly bytes: Promise<Uint8Array>;
  /** Bytes to have on their way when reading goes on behind them. */
  readonly next: number;
}

/** A source over ranges. */
export class RangeSource implements Source {
  readonly access = "random";
  readonly name: string;
  readonly size: number;
  readonly codings: readonly string[];
  readonly #origin: URL;
  readonly #client: HttpClient;
  readonly #etag: string | undefined;
  readonly #modified: string | undefined;
  readonly #thorough: boolean;
  #url: URL;
  #fetched: number;
  /** Least recently used first. */
  #extents: Extent[] = [];
  #held = 0;
  /** In order. */
  #ahead: readonly Flying[] = [];
  /** False once the server has shown that it does not answer several ranges. */
  #severalRanges = true;
  #busy: Promise<unknown> = Promise.resolve();

  /** @param url where the file was asked for; redirects led from there to the reply's */
  constructor(url: URL, client: HttpClient, options: RangeSourceOptions) {
    const { name, reply, head, size } = options;
    this.name = name;
    this.size = size;
    this.codings = options.codings;
    this.#origin = url;
    this.#url = reply.url;
    this.#client = client;
    this.#etag = reply.header("etag");
    this.#modified = reply.header("last-modified");
    this.#thorough = options.thorough ?? false;
    this.#keep({ start: 0, bytes: head, next: head.length * GROWTH });
    this.#fetched = head.length;
  }

  /** Bytes of bodies that came over the network. */
  get bytesFetched(): number {
    return this.#fetched;
  }

  /** Forgets what it keeps. */
  close(): void {
    this.#ahead = [];
    this.#extents = [];
    this.#held = 0;
  }

  /** As `Source` has it. */
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#queue(() => this.#answer(offset, length));
  }

  /** As `Source` has it. */
  prefetch(ranges: readonly ByteRange[], need: "cheap" | "all"): Promise<boolean> {
    return this.#queue(() => this.#gather(ranges, need));
  }

  #queue<T>(request: () => Promise<T>): Promise<T> {
    const answer = this.#busy.then(request);
    this.#busy = answer.catch(() => undefined);
    return answer;
  }

  async #answer(offset: number, length: number): Promise<Uint8Array> {
    if (
      !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
    ) {
      throw new SourceError(
        this.name,
        `Cannot read ${length} bytes at ${offset} of "${this.name}": not a range`,
      );
    }
    const requested = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(requested);
    for (let filled = 0; filled < requested;) {
      const at = offset + filled;
      const extent = this.#at(at) ?? await this.#fetch(at, requested - filled);
      const part = extent.bytes.subarray(at - extent.start, at - extent.start + requested - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  #at(offset: number): Extent | undefined {
    const index = this.#extents.findLastIndex(({ start, bytes }) =>
      start <= offset && offset < start + bytes.length
    );
    const found = this.#extents[index];
    if (found !== undefined && index < this.#extents.length - 1) {
      this.#extents.splice(index, 1);
      this.#extents.push(found);
    }
    return found;
  }

  #keep(extent: Extent): void {
    this.#extents.push(extent);
    this.#held += extent.bytes.length;
    while (
      this.#extents.length > 1 &&
      (this.#held > CACHE_BYTES || this.#extents.length > CACHE_EXTENTS)
    ) {
      this.#held -= this.#extents.shift()?.bytes.length ?? 0;
    }
  }

  /** Fetches what is asked for, and more where reading went on from what came before. */
  async #fetch(offset: number, requested: number): Promise<Extent> {
    const before = this.#extents.find(({ start, bytes }) => start + bytes.length === offset);
    const window = before?.next ?? LEAST_BYTES;
    const flying = this.#ahead.find(({ start, end }) => start <= offset && offset < end);
    if (flying !== undefined || Math.max(requested, window) > AHEAD_BYTES) {
      const onward = flying?.next ?? (before === undefined ? 0 : window);
      this.#readAhead(offset, requested, onward);
      const landed = await this.#landed(offset);
      if (landed !== undefined) return landed;
    }
    let end = offset + Math.min(Math.max(requested, window), MOST_BYTES);
    end = Math.min(end, this.size);
    for (const { start } of this.#extents) {
      if (start > offset && start < end) end = start;
    }
    const bytes = await this.#range({ start: offset, end });
    const next = Math.min(Math.max(window, bytes.length) * GROWTH, MOST_BYTES);
    const extent = { start: offset, bytes, next };
    this.#keep(extent);
    return extent;
  }

  // --- reading ahead ------------------------------------------------------------------

  /** What is at an offset and on its way, once it is there. */
  async #landed(offset: number): Promise<Extent | undefined> {
    const flying = this.#ahead.find(({ start, end }) => start <= offset && offset < end);
    if (flying === undefined) return undefined;
    this.#ahead = this.#ahead.filter((it) => it !== flying);
    const { start, next } = flying;
    const bytes = await flying.bytes;
    const extent = { start, bytes, next: Math.max(next, LEAST_BYTES) };
    this.#keep(extent);
    return offset < start + bytes.length ? extent : undefined;
  }

  /**
   * Sends for several ranges at a time, up to where something is at hand already.
   *
   * @param requested bytes that are read now
   * @param onward bytes that a sequential read will want from there on; 0 for any other
   */
  #readAhead(from: number, requested: number, onward: number): void {
    const to = from + Math.max(requested, onward);
    const step = Math.max(AHEAD_BYTES, Math.ceil(Math.min(to - from, MOST_BYTES) / AHEAD_AT_ONCE));
    const next = onward === 0 ? 0 : Math.min(onward * GROWTH, MOST_BYTES);
    const known = this.#extents.map(({ start }) => start).filter((start) => start >= from);
    const last = Math.min(to, this.size, ...known);
    const ahead = this.#ahead.filter(({ start, end }) => end > from && start < last);
    let at = ahead.reduce(
      (next, { start, end }) => start <= next ? Math.max(next, end) : next,
      from,
    );
    while (at < last && ahead.length < AHEAD_AT_ONCE) {
      const end = Math.min(
        at + step,
        last,
        ...ahead.map(({ start }) => start > at ? start : last),
      );
      const range = { start: at, end };
      const bytes = ahead.length === 0
        ? this.#range(range)
        : this.#client.spare(() => this.#range(range));
      if (bytes === undefined) break;
      // Who reads it learns of it.
      bytes.catch(() => {});
      ahead.push({ start: at, end, bytes, next });
      at = end;
    }
    this.#ahead = ahead.sort((a, b) => a.start - b.start);
  }

  // --- what will be wanted ------------------------------------------------------------

  async #gather(ranges: readonly ByteRange[], need: "cheap" | "all"): Promise<boolean> {
    const missing = this.#missing(ranges);
    const total = missing.reduce((sum, { start, end }) => sum + end - start, 0);
    const cheap = missing.length <= CHEAP_REQUESTS && total <= CHEAP_BYTES;
    if (!cheap && !this.#thorough && need === "cheap") return false;
    // A server may answer several ranges with all of the file, of which some is on its way before it
    // learns that nothing wants it. So this is for who asked for everything.
    if (!cheap && this.#thorough) await this.#together(missing);
    await this.#oneByOne(this.#missing(missing));
    return true;
  }

  #missing(ranges: readonly ByteRange[]): ByteRange[] {
    return joinRanges(ranges, this.size).filter(({ start, end }) =>
      !this.#extents.some((it) => it.start <= start && end <= it.start + it.bytes.length)
    );
  }

  /** Several ranges a request, as far as the server answers these. */
  async #together(ranges: readonly ByteRange[]): Promise<void> {
    for (let at = 0; at < ranges.length && this.#severalRanges; at += RANGES_A_REQUEST) {
      const some = ranges.slice(at, at + RANGES_A_REQUEST);
      this.#severalRanges = await this.#several(some);
    }
  }

  async #several(ranges: readonly ByteRange[]): Promise<boolean> {
    const rangeHeader = ranges.map(({ start, end }) => `${start}-${end - 1}`).join(",");
    const most = ranges.reduce((sum, { start, end }) => sum + end - start + PART_OVERHEAD_BYTES, 0);
    let parts: readonly RangePart[] | undefined;
    try {
      parts = await this.#request(rangeHeader, (reply) => this.#partsOf(reply, most));
    } catch (error) {
      // What it does not understand a server may answer with any failure; one range at a time shows.
      if (!(error instanceof SourceError) || error.reason === "changed") throw error;
      return false;
    }
    for (const { start, bytes } of parts ?? []) {
      this.#keep({ start, bytes, next: LEAST_BYTES });
    }
    return parts !== undefined && this.#missing(ranges).length === 0;
  }

  async #partsOf(reply: HttpReply, most: number): Promise<readonly RangePart[] | undefined> {
    if (reply.status === 206 || reply.status === 200) this.#checkSame(reply);
    const boundary = boundaryOf(reply.header("content-type"));
    if (reply.status !== 206 || boundary === undefined || !this.#isEncodedAsBefore(reply)) {
      reply.close();
      return undefined;
    }
    const body = await readAtMost(reply, most);
    this.#fetched += body?.length ?? most;
    reply.close();
    return body && readParts(body, boundary, this.size);
  }

  async #oneByOne(ranges: readonly ByteRange[]): Promise<void> {
    const remaining = [...ranges].reverse();
    const requestNext = async (): Promise<void> => {
      for (let range = remaining.pop(); range !== undefined; range = remaining.pop()) {
        const bytes = await this.#range(range);
        this.#keep({ start: range.start, bytes, next: LEAST_BYTES });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, requestNext));
  }

  // --- requests -----------------------------------------------------------------------

  async #range({ start, end }: ByteRange): Promise<Uint8Array> {
    const bytes = await this.#request(
      `${start}-${end - 1}`,
      (reply) => this.#checked(reply, start, end - 1),
    );
    this.#fetched += bytes.length;
    return bytes;
  }

  /** Asks where the redirects ended last time, and where they began once that is not valid any more. */
  async #request<T>(range: string, use: (reply: HttpReply) => Promise<T>): Promise<T> {
    const strong = this.#etag !== undefined && !this.#etag.startsWith("W/");
    const validator = strong ? this.#etag : this.#etag === undefined ? this.#modified : undefined;
    const headers = {
      range: `bytes=${range}`,
      ...(validator !== undefined && { "if-range": validator }),
    };
    let expired = false;
    const once = (url: URL): Promise<T | undefined> =>
      this.#client.get(this.name, url, headers, async (reply) => {
        expired = url.href !== this.#origin.href && EXPIRED_STATUS.includes(reply.status);
        if (expired) {
          reply.close();
          return undefined;
        }
        const result = await use(reply);
        this.#url = reply.url;
        return result;
      });
    const first = await once(this.#url);
    if (!expired) return first as T;
    // A signed address expires: the one that led there gives another.
    this.#url = this.#origin;
    return await once(this.#origin) as T;
  }

  async #checked(reply: HttpReply, start: number, end: number): Promise<Uint8Array> {
    if (reply.status === 416) throw this.#changed("it is shorter than it was");
    if (reply.status !== 206 && reply.status !== 200) {
      throw statusError(this.name, reply, this.#client);
    }
    this.#checkSame(reply);
    if (reply.status === 200) {
      throw this.#failed(
        "the server answers a range with the whole file, though it had ranges before",
        "Scan again, or download the file in another way.",
      );
    }
    const span = parseContentRange(reply.header("content-range"));
    if (span === undefined || span.start !== start || !this.#isEncodedAsBefore(reply)) {
      throw this.#failed(
        `the server answers bytes ${start} to ${end} with something else`,
        "Download the file in another way and scan it here.",
      );
    }
    if (span.total !== undefined && span.total !== this.size) {
      throw this.#changed(`it had ${this.size} bytes and now has ${span.total}`);
    }
    // More than was asked for is left where it is.
    return span.end > end
      ? await readStart(reply, end - start + 1)
      : await readSpan(reply, span.end - span.start + 1);
  }

  #isEncodedAsBefore(reply: HttpReply): boolean {
    return codingsOf(reply).join() === this.codings.join();
  }

  /** @throws SourceError when the answer is of another version of the file */
  #checkSame(reply: HttpReply): void {
    const same = this.#etag === undefined
      ? this.#modified === undefined || this.#modified === reply.header("last-modified")
      : this.#etag === reply.header("etag");
    if (!same) throw this.#changed("its validators changed");
  }

  #changed(reason: string): SourceError {
    return new SourceError(this.name, `Cannot fetch "${this.name}": it changed (${reason})`, {
      reason: "changed",
      remedy: "Scan again.",
      failure: { kind: "changed", passing: true },
    });
  }

  #failed(reason: string, remedy: string): SourceError {
    return new SourceError(this.name, `Cannot fetch "${this.name}": ${reason}`, { remedy });
  }
}
