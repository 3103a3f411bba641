/**
 * The body of a response: in memory, or as a stream where a server has no ranges.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { CutOff, type HttpReply, PassingError } from "./http_client.ts";

/**
 * The complete body. @param length bytes that it must have
 * @throws PassingError when there are fewer, or none arrive for too long
 */
export async function readSpan(reply: HttpReply, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  try {
    for await (const chunk of reply.body) {
      if (filled + chunk.length > length) {
        throw new PassingError(`more than the ${length} bytes that were announced came`);
      }
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    if (filled === 0 || !(error instanceof PassingError)) throw error;
    throw new CutOff(error.message, { silent: error.silent });
  }
  if (filled < length) throw new CutOff(`${filled} of ${length} bytes came`);
  return bytes;
}

/**
 * The first bytes of a body, however many more come; the connection is let go.
 *
 * @throws PassingError when there are fewer
 */
export async function readStart(reply: HttpReply, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of reply.body) {
    const part = chunk.subarray(0, length - filled);
    bytes.set(part, filled);
    filled += part.length;
    if (filled === length) break;
  }
  reply.close();
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
  let length = 0;
  for await (const chunk of reply.body) {
    length += chunk.length;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
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
    failure: { kind: "unavailable", passing: true },
  });
}

/**
 * Content encodings that clients undo: those of IANA's registry. What else stands in the header (`aws-chunked`, `utf-8`)
 * is of an uploader, and clients pass over it.
 * https://www.iana.org/assignments/http-parameters/http-parameters.xhtml#content-coding
 */
const CODINGS = [
  ...["gzip", "deflate", "br", "zstd", "compress", "dcb", "dcz", "exi", "aes128gcm"],
  "pack200-gzip",
];

/** The content encodings of a body, the first that was made first, `x-gzip` as `gzip`. */
export function codingsOf(reply: HttpReply): readonly string[] {
  return (reply.header("content-encoding") ?? "").toLowerCase().split(",")
    .map((it) => it.trim().replace(/^x-/, "")).filter((it) => CODINGS.includes(it));
}
