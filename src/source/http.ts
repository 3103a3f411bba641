/**
 * A file on a web server as a source: only the bytes that are asked for are fetched, by ranges, where
 * the server has these; else its bytes come as a stream.
 * https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 *
 * @module
 */

import { SourceError } from "../errors.ts";
import { forwardSource } from "./forward.ts";
import { type HttpClient, type HttpReply, PassingError } from "./http_client.ts";
import { counted, decoded, isEncoded } from "./http_stream.ts";
import { bytesSource, type Source } from "./source.ts";

/** A source that knows what it cost. */
export interface HttpSource extends Source {
  /** Bytes of bodies that came over the network. */
  readonly bytesFetched: number;
  /** Lets go of the connection, should there be one. */
  close(): void;
}

/** How a file is fetched. */
export interface HttpSourceOptions {
  /** For reports and messages. */
  readonly name: string;
  /** Bytes that the file has where somebody else said so; another size is an error. */
  readonly size?: number | undefined;
  /** Bytes of a stream at most; 64 GiB unless given. */
  readonly streamBytes?: number;
}

/** Bytes of the first range: what detection looks at. */
const FIRST_BYTES = 64 * 1024;
/** Bytes of a range somewhere in the file, and of one far along in a sequential read. */
const LEAST_BYTES = 4 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
/** Each range that follows on the one before is so many times as long. */
const GROWTH = 4;
/** Bytes of a file that are kept. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** A whole file of this size is kept in memory where there are no ranges. */
const WHOLE_BYTES = 8 * 1024 * 1024;
const STREAM_BYTES = 64 * 1024 ** 3;
/** A server may take this long for a range, however slowly its bytes come. */
const SLOWEST_BYTES_A_SECOND = 1024;
const PATIENCE_MILLISECONDS = 120_000;

/**
 * Opens a file: one request, whose bytes are kept.
 *
 * @throws SourceError when it cannot be had
 */
export async function openHttpSource(
  url: URL,
  client: HttpClient,
  options: HttpSourceOptions,
): Promise<HttpSource> {
  const { name } = options;
  const range = `bytes=0-${FIRST_BYTES - 1}`;
  const opened = await client.get(name, url, { range }, async (reply) => {
    if (reply.status === 416 && /^bytes \*\/0$/.test(reply.header("content-range") ?? "")) {
      reply.close();
      return fixedSource(name, new Uint8Array(0), 0);
    }
    if (reply.status !== 206) return await wholeSource(reply, client, options);
    const span = spanOf(reply);
    if (span?.start !== 0 || span.total === undefined || isEncoded(reply)) {
      reply.close();
      return undefined;
    }
    const head = await readSpan(reply, span.end + 1);
    return new RangeSource(url, client, options, reply, head, span.total);
  });
  const source = opened ??
    await client.get(name, url, {}, (reply) => wholeSource(reply, client, options));
  if (options.size !== undefined && source.size !== undefined && source.size !== options.size) {
    source.close();
    throw new SourceError(
      name,
      `Cannot fetch "${name}": the server has ${source.size} bytes where its listing says ` +
        `${options.size}`,
      { reason: "changed", remedy: "Scan again; should it stay so, do not trust this server." },
    );
  }
  return source;
}

/** A source over what answered without a range. */
async function wholeSource(
  reply: HttpReply,
  client: HttpClient,
  options: HttpSourceOptions,
): Promise<HttpSource> {
  const { name } = options;
  if (reply.status !== 200) {
    reply.close();
    throw statusError(name, reply, client.sendsToken(reply.url));
  }
  const length = Number(reply.header("content-length") ?? NaN);
  const known = Number.isSafeInteger(length) && length >= 0;
  if (known && length <= WHOLE_BYTES && !isEncoded(reply)) {
    const bytes = await readSpan(reply, length);
    return fixedSource(name, bytes, bytes.length);
  }
  const count = { fetched: 0 };
  const expected = known ? length : undefined;
  const raw = counted(name, reply, count, expected, options.streamBytes ?? STREAM_BYTES);
  const encoded = isEncoded(reply);
  const stream = encoded ? decoded(name, reply, raw, count) : raw;
  const source = forwardSource(name, stream, {
    ...(expected !== undefined && !encoded && { size: expected }),
  });
  return withCost(source, () => count.fetched, () => reply.close());
}

/** Adds what a source over HTTP knows; its size may become known later. */
function withCost(
  source: Source & { readonly fault?: Error | undefined },
  fetched: () => number,
  close: () => void,
): HttpSource {
  return {
    name: source.name,
    access: source.access,
    get size() {
      return source.size;
    },
    get fault() {
      return source.fault;
    },
    get bytesFetched() {
      return fetched();
    },
    read: (offset, length) => source.read(offset, length),
    ...(source.readSync && {
      readSync: (offset: number, length: number) =>
        source.readSync?.(offset, length) ?? new Uint8Array(0),
    }),
    close,
  } as HttpSource;
}

function fixedSource(name: string, bytes: Uint8Array, fetched: number): HttpSource {
  return withCost(bytesSource(name, bytes), () => fetched, () => {});
}

/** What an answer says of the range that it has. */
interface Span {
  readonly start: number;
  /** The last byte, as in the header. */
  readonly end: number;
  readonly total: number | undefined;
}

function spanOf(reply: HttpReply): Span | undefined {
  const parts = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(
    reply.header("content-range")?.trim() ?? "",
  );
  if (parts === null) return undefined;
  const [start, end, total] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (start > end || end >= total) return undefined;
  return { start, end, total: Number.isNaN(total) ? undefined : total };
}

/**
 * The whole body.
 *
 * @param length bytes that it must have
 * @throws PassingError when there are fewer or they take for ever
 */
async function readSpan(reply: HttpReply, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const began = performance.now();
  let filled = 0;
  for await (const chunk of reply.body) {
    if (filled + chunk.length > length) {
      throw new PassingError(`more than the ${length} bytes that were announced came`);
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
    const spent = performance.now() - began - PATIENCE_MILLISECONDS;
    if (filled < length && spent / 1000 * SLOWEST_BYTES_A_SECOND > filled) {
      throw new PassingError("its bytes come too slowly", { silent: true });
    }
  }
  if (filled < length) throw new PassingError(`${filled} of ${length} bytes came`);
  return bytes;
}

/** Bytes that are at hand. */
interface Extent {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Bytes to fetch when reading goes on at the end of this. */
  readonly next: number;
}

class RangeSource implements HttpSource {
  readonly access = "random";
  readonly name: string;
  readonly size: number;
  readonly #origin: URL;
  readonly #client: HttpClient;
  readonly #etag: string | undefined;
  readonly #modified: string | undefined;
  #url: URL;
  #fetched = 0;
  /** Least recently used first. */
  #extents: Extent[] = [];
  #busy: Promise<unknown> = Promise.resolve();

  constructor(
    url: URL,
    client: HttpClient,
    options: HttpSourceOptions,
    reply: HttpReply,
    head: Uint8Array,
    total: number,
  ) {
    this.name = options.name;
    this.size = total;
    this.#origin = url;
    this.#url = reply.url;
    this.#client = client;
    this.#etag = reply.header("etag");
    this.#modified = reply.header("last-modified");
    this.#keep({ start: 0, bytes: head, next: FIRST_BYTES * GROWTH });
    this.#fetched = head.length;
  }

  get bytesFetched(): number {
    return this.#fetched;
  }

  close(): void {
    this.#extents = [];
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    const answer = this.#busy.then(() => this.#answer(offset, length));
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
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(wanted);
    for (let filled = 0; filled < wanted;) {
      const at = offset + filled;
      const extent = this.#at(at) ?? await this.#fetch(at, wanted - filled);
      const part = extent.bytes.subarray(at - extent.start, at - extent.start + wanted - filled);
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
    let held = this.#extents.reduce((sum, { bytes }) => sum + bytes.length, 0);
    while (held > CACHE_BYTES && this.#extents.length > 1) {
      held -= this.#extents.shift()?.bytes.length ?? 0;
    }
  }

  /** Fetches what is asked for, and more where reading went on from what came before. */
  async #fetch(offset: number, wanted: number): Promise<Extent> {
    const before = this.#extents.find(({ start, bytes }) => start + bytes.length === offset);
    const window = before?.next ?? LEAST_BYTES;
    let end = offset + Math.min(Math.max(wanted, window), MOST_BYTES);
    end = Math.min(end, this.size);
    for (const { start } of this.#extents) {
      if (start > offset && start < end) end = start;
    }
    const bytes = await this.#range(offset, end - 1);
    this.#fetched += bytes.length;
    const next = Math.min(Math.max(window, bytes.length) * GROWTH, MOST_BYTES);
    const extent = { start: offset, bytes, next };
    this.#keep(extent);
    return extent;
  }

  async #range(start: number, end: number): Promise<Uint8Array> {
    const strong = this.#etag !== undefined && !this.#etag.startsWith("W/");
    const validator = strong ? this.#etag : this.#etag === undefined ? this.#modified : undefined;
    const headers = {
      range: `bytes=${start}-${end}`,
      ...(validator !== undefined && { "if-range": validator }),
    };
    const use = async (reply: HttpReply): Promise<Uint8Array | "gone"> => {
      const moved = this.#url.href !== this.#origin.href;
      if (moved && [400, 401, 403, 404, 410].includes(reply.status)) return "gone";
      const bytes = await this.#checked(reply, start, end);
      this.#url = reply.url;
      return bytes;
    };
    const first = await this.#client.get(this.name, this.#url, headers, use);
    if (first !== "gone") return first;
    // A signed address expires: the one that led there gives another.
    this.#url = this.#origin;
    const second = await this.#client.get(this.name, this.#origin, headers, use);
    if (second !== "gone") return second;
    throw this.#failed("its address is not valid any more", "Scan again.");
  }

  async #checked(reply: HttpReply, start: number, end: number): Promise<Uint8Array> {
    if (reply.status === 416) throw this.#changed("it is shorter than it was");
    if (reply.status !== 206 && reply.status !== 200) {
      throw statusError(this.name, reply, this.#client.sendsToken(reply.url));
    }
    const etag = reply.header("etag");
    const modified = reply.header("last-modified");
    const same = this.#etag === undefined
      ? this.#modified === undefined || this.#modified === modified
      : this.#etag === etag;
    if (!same) throw this.#changed("its validators changed");
    if (reply.status === 200) {
      throw this.#failed(
        "the server answers a range with the whole file, though it had ranges before",
        "Scan again, or download the file in another way.",
      );
    }
    const span = spanOf(reply);
    if (span === undefined || span.start !== start || span.end > end || isEncoded(reply)) {
      throw this.#failed(
        `the server answers bytes ${start} to ${end} with something else`,
        "Download the file in another way and scan it here.",
      );
    }
    if (span.total !== undefined && span.total !== this.size) {
      throw this.#changed(`it had ${this.size} bytes and now has ${span.total}`);
    }
    return await readSpan(reply, span.end - span.start + 1);
  }

  #changed(reason: string): SourceError {
    return new SourceError(this.name, `Cannot fetch "${this.name}": it changed (${reason})`, {
      reason: "changed",
      remedy: "Scan again.",
    });
  }

  #failed(reason: string, remedy: string): SourceError {
    return new SourceError(this.name, `Cannot fetch "${this.name}": ${reason}`, { remedy });
  }
}

/**
 * What a status that is no success means.
 *
 * @param withToken true when a token was sent
 */
export function statusError(name: string, reply: HttpReply, withToken: boolean): SourceError {
  const { status } = reply;
  const code = reply.header("x-error-code") ?? "";
  const [reason, remedy] = status === 401 || status === 403
    ? [
      /gated/i.test(code) ? "the repository is gated" : "the server does not allow it",
      withToken
        ? "The token in HF_TOKEN does not allow it: ask for access, or use another."
        : "Set HF_TOKEN if it is a private or gated repository; check the link else.",
    ]
    : status === 404 || status === 410
    ? ["there is no such file", "Check the address; a private repository needs HF_TOKEN."]
    : ["the server does not give the file", "Open the address in a browser to see what it says."];
  const text = `Cannot fetch "${name}" from ${reply.url.host}: ${reason} (HTTP ${status})`;
  return new SourceError(name, text, { remedy });
}
