/**
 * The bytes behind content encodings. Servers send them though nothing had asked for any: of files that were stored
 * with one. What curl, wget and Python's urllib save is the body as it came; browsers, requests and the hub's own
 * client undo the encoding.
 * https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding
 *
 * @module
 */

import { LimitError, SourceError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";
import { type Codec, decompress, tryInflate } from "../codecs/decompress.ts";
import { forwardSource } from "../sources/forward.ts";
import type { HttpSource } from "../sources/http.ts";

/** Decoded over received size; deflate cannot exceed 1,032. CWE-409. */
const RATIO = 1100;
/** Bytes that are decoded in all. The hub takes files of up to 50 GB. CWE-409. */
const DECODED_BYTES = 64 * 1024 ** 3;
/** Encodings undone one after the other; nothing is known to have two. CWE-674. */
const CODINGS = 4;
/** Bytes that show which of its two forms a deflate encoding has. */
const FIRST_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;

/**
 * A file as clients save it that undo its content encodings. What was decoded before an error can be read.
 *
 * @param source as it came; closed with what is given back
 */
export async function decodedSource(source: HttpSource): Promise<HttpSource> {
  let bytes: Source = source;
  const { codings } = source;
  if (codings.length > CODINGS) bytes = broken(source.name, `has ${codings.length} encodings`);
  else for (const coding of codings.toReversed()) bytes = await undone(bytes, coding);
  return Object.defineProperties({}, {
    name: { value: source.name },
    access: { value: bytes.access },
    codings: { value: [] },
    size: { get: () => bytes.size },
    error: { get: () => "error" in bytes ? bytes.error : undefined },
    bytesFetched: { get: () => source.bytesFetched },
    read: { value: (offset: number, length: number) => bytes.read(offset, length) },
    close: { value: () => source.close() },
  }) as HttpSource;
}

async function undone(source: Source, coding: string): Promise<Source> {
  const codec = await codecOf(source, coding);
  if (codec === undefined) {
    return broken(source.name, `comes encoded as "${coding}", which is not undone here`);
  }
  return forwardSource(source.name, decodedBytes(source, codec, coding));
}

async function codecOf(source: Source, coding: string): Promise<Codec | undefined> {
  if (coding === "gzip") return "gzip";
  if (coding === "zstd") return "zstandard";
  if (coding !== "deflate") return undefined;
  // RFC 9110 means zlib's form; clients take the bare one, too, where that fails.
  const head = await source.read(0, FIRST_BYTES);
  const [method = 0, flags = 0] = head;
  if ((method & 0xf) !== 8 || (method * 256 + flags) % 31 !== 0) return "deflate";
  return tryInflate(head.subarray(2), FIRST_BYTES).failed ? "deflate" : "zlib";
}

/** @throws SourceError where the encoding breaks or something follows it, LimitError when it expands beyond reason */
async function* decodedBytes(
  source: Source,
  codec: Codec,
  coding: string,
): AsyncGenerator<Uint8Array> {
  const { name } = source;
  let total = 0;
  const spend = (bytes: number): void => {
    total += bytes;
    if (total <= DECODED_BYTES) return;
    throw new LimitError("expandedBytes", `The encoding of "${name}" has more than ${total} bytes`);
  };
  const decoded = decompress(name, source, codec, { ratio: RATIO, spend });
  try {
    for (let at = 0;;) {
      const chunk = await decoded.read(at, CHUNK_BYTES);
      if (chunk.length === 0) break;
      at += chunk.length;
      yield chunk.slice();
    }
  } catch (error) {
    if (error instanceof LimitError || error instanceof SourceError) throw error;
    throw brokenError(name, `comes in a ${coding} encoding that is broken`);
  }
  const { error } = decoded;
  if (error instanceof LimitError || error instanceof SourceError) throw error;
  if (error !== undefined) throw brokenError(name, `comes in a ${coding} encoding that is broken`);
  if (decoded.progress().trailing !== undefined) {
    throw brokenError(name, `has something behind its ${coding} encoding`);
  }
}

function broken(name: string, reason: string): Source {
  return forwardSource(name, () => Promise.reject(brokenError(name, reason)));
}

function brokenError(name: string, reason: string): SourceError {
  return new SourceError(name, `Cannot decode "${name}": it ${reason}`, {
    remedy:
      "Clients save it in different forms: download the file as you will load it and scan that.",
  });
}
