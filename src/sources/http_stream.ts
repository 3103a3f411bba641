/**
 * The body of a response: in memory, or as a stream where a server has no ranges.
 *
 * @module
 */

import { LimitError, SourceError } from "../core/errors.ts";
import { type HttpReply, PassingError } from "./http_client.ts";

/** Decoded over received size; deflate cannot exceed 1,032. CWE-409. */
const RATIO = 1100;
/** Decoded bytes from which on the ratio is compared, as for members of archives. */
const RATIO_FROM_BYTES = 16 * 1024 * 1024;
/**
 * Bytes a second below which a server is too slow, once `PATIENCE_MILLISECONDS` are over. No slower one is
 * known to be in use. CWE-400.
 */
const SLOWEST_BYTES_A_SECOND = 1024;
const PATIENCE_MILLISECONDS = 120_000;

/**
 * The complete body. @param length bytes that it must have
 * @throws PassingError when there are fewer, or none arrive for too long
 */
export async function readSpan(reply: HttpReply, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const began = performance.now();
  let filled = 0;
  for await (const chunk of reply.body) {
    if (filled + chunk.length > length) {
      throw new PassingError(`more than the ${length} bytes that were announced came`);
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
    if (filled < length) checkPace(began, filled);
  }
  if (filled < length) throw new PassingError(`${filled} of ${length} bytes came`);
  return bytes;
}

/**
 * The complete body where its length is not known in advance.
 *
 * @param most bytes that it may have
 * @returns undefined when it has more; nothing further is read then
 * @throws PassingError when no bytes arrive for too long
 */
export async function readAtMost(reply: HttpReply, most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  const began = performance.now();
  let length = 0;
  for await (const chunk of reply.body) {
    length += chunk.length;
    if (length > most) return undefined;
    chunks.push(chunk);
    checkPace(began, length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function checkPace(began: number, bytes: number): void {
  const spent = performance.now() - began - PATIENCE_MILLISECONDS;
  if (spent / 1000 * SLOWEST_BYTES_A_SECOND > bytes) {
    throw new PassingError("its bytes come too slowly", { silent: true });
  }
}

/**
 * The bytes of a body as they come, compared with what was announced.
 *
 * @param count kept up to date
 * @param expected bytes that were announced
 * @param most bytes that are taken
 * @throws SourceError when there are more or fewer
 */
export async function* counted(
  name: string,
  reply: HttpReply,
  count: { fetched: number },
  expected: number | undefined,
  most: number,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of reply.body) {
      count.fetched += chunk.length;
      if (count.fetched > (expected ?? Infinity)) {
        throw new SourceError(name, `Cannot trust "${name}": more than ${expected} bytes came`, {
          remedy: "The server announces a wrong length; download the file in another way.",
        });
      }
      if (count.fetched > most) {
        throw new SourceError(name, `Cannot fetch "${name}": more than ${most} bytes came`, {
          remedy: "The server has no ranges; download the file in another way and scan it here.",
        });
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw brokenOff(name, `after ${count.fetched} bytes ${reason}`);
  }
  if (expected !== undefined && count.fetched < expected) {
    throw brokenOff(name, `${count.fetched} of ${expected} bytes came`);
  }
}

function brokenOff(name: string, reason: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}" to its end: ${reason}`, {
    remedy: "Scan again. This server has no ranges, so that nothing can be resumed.",
  });
}

/**
 * The bytes behind a content encoding that nothing had asked for.
 *
 * @param raw the body as it came
 * @throws SourceError when they cannot be decoded, LimitError when they expand beyond reason
 */
export async function* decoded(
  name: string,
  reply: HttpReply,
  raw: AsyncIterable<Uint8Array>,
  count: { readonly fetched: number },
): AsyncGenerator<Uint8Array> {
  const encoding = encodingOf(reply);
  if (encoding !== "gzip" && encoding !== "deflate") {
    reply.close();
    throw new SourceError(name, `Cannot fetch "${name}": it comes encoded as "${encoding}"`, {
      remedy: "Download the file in another way and scan it here.",
    });
  }
  const decoder = new DecompressionStream(encoding);
  const writer = decoder.writable.getWriter();
  let failure: unknown;
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of raw) await writer.write(chunk.slice());
      await writer.close();
    } catch (error) {
      failure = error;
      await writer.abort(error).catch(() => {});
    }
  };
  const feeding = feed();
  const reader = decoder.readable.getReader();
  let produced = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      produced += value.length;
      if (produced > RATIO_FROM_BYTES && produced > count.fetched * RATIO) {
        throw new LimitError("ratio", `The encoding of "${name}" expands more than ${RATIO} times`);
      }
      yield value;
    }
  } catch (error) {
    if (error instanceof LimitError) throw error;
    if (failure instanceof SourceError) throw failure;
    throw brokenOff(name, `its ${encoding} encoding is broken`);
  } finally {
    reply.close();
    await reader.cancel().catch(() => {});
    await feeding;
  }
  if (failure !== undefined) throw failure;
}

function encodingOf(reply: HttpReply): string {
  return (reply.header("content-encoding") ?? "").trim().toLowerCase().replace(/^x-/, "");
}

/** True when the bytes that come are not those of the file. */
export function isEncoded(reply: HttpReply): boolean {
  return !/^(?:|identity)$/.test(encodingOf(reply));
}
