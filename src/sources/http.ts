/**
 * A file on a web server as a source: only the bytes that are asked for are fetched, by ranges, where
 * the server has these; else its bytes come as a stream.
 * https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { forwardSource } from "./forward.ts";
import { type HttpClient, type HttpReply, statusError } from "./http_client.ts";
import { RangeSource } from "./http_range_source.ts";
import { parseContentRange } from "./http_ranges.ts";
import { counted, decoded, isEncoded, readSpan } from "./http_stream.ts";
import { bytesSource } from "./memory.ts";
import type { Source } from "../core/source.ts";

/** A source that knows what it cost. */
export interface HttpSource extends Source {
  /** Bytes of bodies that came over the network. */
  readonly bytesFetched: number;
  /** Lets go of the connection, should there be one. */
  close(): void;
}

/** How a file is fetched. */
interface HttpSourceOptions {
  /** For reports and messages. */
  readonly name: string;
  /** Bytes that the file has where another party said so; another size is an error. */
  readonly size?: number | undefined;
  /** Bytes of a stream at most; 64 GiB unless given. */
  readonly streamBytes?: number;
  /** Fetch all that is asked for ahead, however many requests it takes. */
  readonly thorough?: boolean;
}

/** Bytes of the first range: the sample for detection. */
const FIRST_BYTES = 64 * 1024;
/** Bytes of a file that is kept in memory where the server has no ranges. CWE-770. */
const MEMORY_BYTES = 8 * 1024 * 1024;
/**
 * Bytes of a file that is read as a stream where the server has no ranges. The hub takes files of up to 50
 * GB. CWE-400.
 */
const STREAM_BYTES = 64 * 1024 ** 3;

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
    if (reply.status !== 206) return await fullSource(reply, client, options);
    const span = parseContentRange(reply.header("content-range"));
    if (span?.start !== 0 || span.total === undefined || isEncoded(reply)) {
      reply.close();
      return undefined;
    }
    const head = await readSpan(reply, span.end + 1);
    return new RangeSource(url, client, { ...options, reply, head, size: span.total });
  });
  const source = opened ??
    await client.get(name, url, {}, (reply) => fullSource(reply, client, options));
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
async function fullSource(
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
  if (known && length <= MEMORY_BYTES && !isEncoded(reply)) {
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
  source: Source & { readonly error?: Error | undefined },
  fetched: () => number,
  close: () => void,
): HttpSource {
  return {
    name: source.name,
    access: source.access,
    get size() {
      return source.size;
    },
    get error() {
      return source.error;
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
