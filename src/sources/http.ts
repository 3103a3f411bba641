/**
 * A file on a web server as a source: only the bytes that are asked for are fetched, by ranges, where
 * the server has these; else its bytes come as a stream.
 * https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { forwardSource } from "./forward.ts";
import { CutOff, type HttpClient, type HttpReply, statusError } from "./http_client.ts";
import { RangeSource } from "./http_range_source.ts";
import { parseContentRange } from "./http_ranges.ts";
import { codingsOf, counted, readSpan, readStart } from "./http_stream.ts";
import { bytesSource } from "./memory.ts";
import type { Source } from "../core/source.ts";

/** A source that knows what it cost. */
export interface HttpSource extends Source {
  /** Bytes of bodies that came over the network. */
  readonly bytesFetched: number;
  /** Content encodings of these bytes, in the order in which they were made. Some clients undo them. */
  readonly codings: readonly string[];
  /** Lets go of the connection, should there be one. */
  close(): void;
}

/** What a listing says of a file. */
interface Expected {
  readonly size?: number | undefined;
  /** Lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  /** The commit that answers must be of, where they name one. */
  readonly commit?: string | undefined;
  /** The entity tag that answers must have, where they have one; quotes do not count. */
  readonly etag?: string | undefined;
  /** True when an answer without an entity tag is an error, too. */
  readonly etagNeeded?: boolean;
  /** The hub's id of the blob: an answer whose ETag is one must have it. */
  readonly blob?: string | undefined;
}

/** How a file is fetched. */
interface HttpSourceOptions {
  /** For reports and messages. */
  readonly name: string;
  /** What another party said of the file; what comes is compared with it. */
  readonly expected?: Expected;
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
  const { name, expected = {} } = options;
  const range = `bytes=0-${FIRST_BYTES - 1}`;
  const opened = await client.get(name, url, { range }, async (reply) => {
    if (reply.status === 416 && /^bytes \*\/0$/.test(reply.header("content-range") ?? "")) {
      reply.close();
      return fixedSource(name, new Uint8Array(0), 0, []);
    }
    checkHeaders(name, reply, expected);
    if (reply.status !== 206) return await fullSource(reply, client, options);
    const span = parseContentRange(reply.header("content-range"));
    if (span?.start !== 0 || span.total === undefined) {
      reply.close();
      return undefined;
    }
    const head = span.end < FIRST_BYTES
      ? await readSpan(reply, span.end + 1)
      : await readStart(reply, FIRST_BYTES);
    if (head.length === span.total) await checkBytes(name, head, expected);
    const codings = codingsOf(reply);
    const thorough = options.thorough === true || isNamedOtherwise(url, reply);
    const size = span.total;
    return new RangeSource(url, client, { ...options, reply, head, size, codings, thorough });
  }).catch(givenUp);
  const source = opened ?? await client.get(name, url, {}, async (reply) => {
    checkHeaders(name, reply, expected);
    return await fullSource(reply, client, { ...options, asItComes: true });
  });
  const { size } = source;
  if (expected.size !== undefined && size !== undefined && size !== expected.size) {
    source.close();
    throw untrue(name, `the server has ${size} bytes where its listing says ${expected.size}`);
  }
  return source;
}

/**
 * True when clients may save the file under a name of another ending than that of its address: what it is for is then
 * not known from that. Names stand in Content-Disposition, in queries, and where redirects lead.
 */
function isNamedOtherwise(url: URL, reply: HttpReply): boolean {
  const names = [
    reply.headerOnTheWay("content-disposition") ?? "",
    ...[url, reply.url].flatMap(({ searchParams }) => [...searchParams.values()]),
    reply.url.pathname,
  ];
  const own = endingsIn(url.pathname).at(-1);
  return names.flatMap(endingsIn).some((it) => it !== own);
}

/** Endings of what may be names of files in a text, in lower case. */
function endingsIn(text: string): readonly string[] {
  return [...text.matchAll(/[^\s/\\"';=]\.([a-z]\w{0,9})(?=["';\s]|$)/giu)]
    .map((it) => (it[1] ?? "").toLowerCase());
}

/** Goes on where a body broke off as often as it was tried: what comes of it is judged. */
function givenUp(error: unknown): undefined {
  if (error instanceof SourceError && error.cause instanceof CutOff) return undefined;
  throw error;
}

/** @throws SourceError when an answer is of another commit or of another file than the listing has */
function checkHeaders(name: string, reply: HttpReply, expected: Expected): void {
  const { size, sha256, commit, blob, etagNeeded = false } = expected;
  const tag = reply.header("etag");
  const isSuccess = reply.status === 200 || reply.status === 206;
  if (
    isSuccess && expected.etag !== undefined && (tag !== undefined || etagNeeded) &&
    bare(tag ?? "") !== bare(expected.etag)
  ) {
    throw untrue(name, "the server has another version of it than its listing");
  }
  const ownBlob = /^"([0-9a-f]{40})"$/.exec(reply.headerOnTheWay("etag")?.trim() ?? "")?.[1];
  if (blob !== undefined && ownBlob !== undefined && ownBlob !== blob) {
    throw untrue(name, `the server has other bytes (${ownBlob}) than its listing says (${blob})`);
  }
  const said = reply.headerOnTheWay("x-repo-commit")?.trim().toLowerCase();
  if (commit !== undefined && said !== undefined && said !== commit.toLowerCase()) {
    throw untrue(
      name,
      `the server gives it at the commit "${said.slice(0, 64)}", not at ${commit}`,
    );
  }
  const linkedSize = reply.headerOnTheWay("x-linked-size")?.trim();
  if (size !== undefined && linkedSize !== undefined && linkedSize !== String(size)) {
    throw untrue(
      name,
      `the server has ${linkedSize.slice(0, 20)} bytes where its listing says ${size}`,
    );
  }
  const etag = reply.headerOnTheWay("x-linked-etag")?.replace(/^W\/|"/g, "").trim().toLowerCase();
  if (
    sha256 !== undefined && etag !== undefined && /^[0-9a-f]{64}$/.test(etag) && etag !== sha256
  ) {
    throw untrue(name, `the server has other bytes (${etag}) than its listing says (${sha256})`);
  }
}

function bare(tag: string): string {
  return tag.trim().replace(/^W\//, "").replace(/^"|"$/g, "");
}

/** @throws SourceError when the bytes are not those that a listing names */
async function checkBytes(name: string, bytes: Uint8Array, { sha256 }: Expected): Promise<void> {
  if (sha256 === undefined) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  const is = Array.from(digest, (it) => it.toString(16).padStart(2, "0")).join("");
  if (is !== sha256) {
    throw untrue(name, `the server has other bytes (${is}) than its listing says (${sha256})`);
  }
}

function untrue(name: string, reason: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}": ${reason}`, {
    reason: "changed",
    remedy: "Scan again; should it stay so, do not trust this server.",
    failure: { kind: "changed", passing: false },
  });
}

/** A source over what answered without a range. @param options.asItComes true to keep nothing back */
async function fullSource(
  reply: HttpReply,
  client: HttpClient,
  options: HttpSourceOptions & { readonly asItComes?: boolean },
): Promise<HttpSource> {
  const { name, expected = {} } = options;
  if (reply.status !== 200) {
    reply.close();
    throw statusError(name, reply, client);
  }
  const codings = codingsOf(reply);
  const length = Number(reply.header("content-length") ?? NaN);
  const known = Number.isSafeInteger(length) && length >= 0;
  if (known && length <= MEMORY_BYTES && options.asItComes !== true) {
    const bytes = await readSpan(reply, length);
    await checkBytes(name, bytes, expected);
    return fixedSource(name, bytes, bytes.length, codings);
  }
  const count = { fetched: 0 };
  const bytes = known ? length : expected.size;
  const stream = counted(name, reply, count, bytes, options.streamBytes ?? STREAM_BYTES);
  const source = forwardSource(name, stream, { ...(bytes !== undefined && { size: bytes }) });
  return withCost(source, () => count.fetched, () => reply.close(), codings);
}

/** Adds what a source over HTTP knows; its size may become known later. */
function withCost(
  source: Source & { readonly error?: Error | undefined },
  fetched: () => number,
  close: () => void,
  codings: readonly string[],
): HttpSource {
  return {
    name: source.name,
    access: source.access,
    codings,
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

function fixedSource(
  name: string,
  bytes: Uint8Array,
  fetched: number,
  codings: readonly string[],
): HttpSource {
  return withCost(bytesSource(name, bytes), () => fetched, () => {}, codings);
}
