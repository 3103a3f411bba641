/**
 * Files of a page as sources. Workers can read a Blob without waiting, as decoders in WebAssembly need it.
 * https://w3c.github.io/FileAPI/#FileReaderSync
 *
 * @module
 */

/// <reference lib="dom" />

import { SourceError } from "../../src/core/errors.ts";
import type { Source } from "../../src/core/source.ts";
import { HttpClient, type HttpTransport } from "../../src/sources/http_client.ts";
import { type HttpSource, openHttpSource } from "../../src/sources/http.ts";
import { blobSource } from "../../src/sources/memory.ts";
import type { Bytes } from "./messages.ts";

/** What reads Blobs in workers; the types of workers and pages cannot be had together. */
interface SyncReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

const { FileReaderSync } = globalThis as {
  readonly FileReaderSync?: new () => SyncReader;
};

/**
 * A file as a source; nothing is read before the scan asks.
 *
 * @param name for messages
 * @param transport fetches what is on the page's server
 */
export function sourceOf(
  name: string,
  bytes: Bytes,
  transport: HttpTransport,
): Source | Promise<HttpSource> {
  if (bytes.kind === "served") {
    const { url, size } = bytes;
    return openHttpSource(new URL(url), new HttpClient({ transport }), {
      name,
      expected: { size },
    });
  }
  return readableBlob(name, bytes.blob);
}

function readableBlob(name: string, blob: Blob): Source {
  const source = blobSource(name, blob);
  const failed = (cause: unknown): SourceError =>
    cause instanceof SourceError
      ? cause
      : new SourceError(name, `Cannot read "${name}": the browser does not give its bytes`, {
        cause,
        remedy: "It may have changed since it was chosen, or needs permission: choose it again.",
      });
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    try {
      return await source.read(offset, length);
    } catch (cause) {
      throw failed(cause);
    }
  };
  if (FileReaderSync === undefined) return { ...source, read };
  const reader = new FileReaderSync();
  const readSync = (offset: number, length: number): Uint8Array => {
    try {
      return new Uint8Array(reader.readAsArrayBuffer(blob.slice(offset, offset + length)));
    } catch (cause) {
      throw failed(cause);
    }
  };
  return { ...source, read, readSync };
}
