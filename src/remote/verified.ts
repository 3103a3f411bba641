/**
 * Compares what is read of a file with the digest that names it, where all of it is read.
 *
 * @module
 */

import { Sha256 } from "../codecs/checksums/sha256.ts";
import { SourceError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";
import type { HttpSource } from "../sources/http.ts";

/** Whether a digest was left unchecked. */
export interface Check {
  /** True from the opening of the file until all of it was read. */
  unchecked: boolean;
}

/** Bytes behind a gap that are kept until it closes: what detection reads of a file's end. CWE-770. */
const WAITING_BYTES = 1024 * 1024;

/**
 * A source that hashes what is read of it from its beginning on; what is read before its turn is kept, where it is
 * little. The read that closes the last gap fails where the bytes are others.
 *
 * @param sha256 lower-case hexadecimal
 * @param check kept up to date
 */
export function verifiedSource(source: HttpSource, sha256: string, check: Check): HttpSource {
  const hash = new Sha256();
  let hashed = 0;
  let ended = false;
  check.unchecked = true;
  let waiting: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let waitingBytes = 0;
  const next = (offset: number, bytes: Uint8Array): void => {
    if (offset + bytes.length <= hashed) return;
    hash.update(bytes.subarray(hashed - offset));
    hashed = offset + bytes.length;
  };
  const add = (offset: number, bytes: Uint8Array): void => {
    if (ended) return;
    if (offset > hashed) {
      if (waitingBytes + bytes.length > WAITING_BYTES) return;
      // A view may be overwritten by the next read.
      waiting.push({ offset, bytes: bytes.slice() });
      waitingBytes += bytes.length;
      return;
    }
    next(offset, bytes);
    waiting.sort((a, b) => a.offset - b.offset);
    for (const it of waiting) if (it.offset <= hashed) next(it.offset, it.bytes);
    waiting = waiting.filter((it) => it.offset > hashed);
    waitingBytes = waiting.reduce((sum, it) => sum + it.bytes.length, 0);
    if (source.size === undefined || hashed < source.size) return;
    ended = true;
    check.unchecked = false;
    const is = hash.digest();
    if (is !== sha256) throw otherBytes(source.name, is, sha256);
  };
  const { readSync, prefetch } = source;
  return Object.defineProperties(
    {},
    {
      name: { value: source.name },
      access: { value: source.access },
      codings: { value: source.codings },
      size: { get: () => source.size },
      error: { get: () => "error" in source ? source.error : undefined },
      bytesFetched: { get: () => source.bytesFetched },
      read: {
        async value(offset: number, length: number) {
          const bytes = await source.read(offset, length);
          add(offset, bytes);
          return bytes;
        },
      },
      ...(readSync && {
        readSync: {
          value(offset: number, length: number) {
            const bytes = readSync.call(source, offset, length);
            add(offset, bytes);
            return bytes;
          },
        },
      }),
      ...(prefetch && { prefetch: { value: prefetch.bind(source) } }),
      close: { value: () => source.close() },
    } satisfies Partial<Record<keyof Source | keyof HttpSource | "error", PropertyDescriptor>>,
  ) as HttpSource;
}

function otherBytes(name: string, is: string, sha256: string): SourceError {
  const message = `Cannot trust "${name}": its bytes have the digest ${is}, not ${sha256}`;
  return new SourceError(name, message, {
    reason: "changed",
    remedy: "Do not trust this registry.",
  });
}
