/**
 * xz, `.lzma` and lzip streams one behind the other, of whichever kind each is: Python's
 * `lzma.LZMAFile`, by which joblib reads its files, begins anew behind the end of a stream and lets
 * liblzma tell by the first bytes what comes (`lzma_auto_decoder`; `_compression.DecompressReader`).
 *
 * @module
 */

import { decodeLzip, decodeLzmaAlone, isLzmaAlone } from "./lzma_streams.ts";
import type { DecodeStream } from "./stream_decoder.ts";
import { decodeXz } from "./xz.ts";

/** Bytes that a stream is known by. */
const HEAD_BYTES = 4096;
const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const LZIP_MAGIC = [0x4c, 0x5a, 0x49, 0x50];

/** Decodes a stream of the kind that is given, and those that follow it. */
function inARow(first: DecodeStream): DecodeStream {
  return async function* (input, options) {
    for (let next: DecodeStream | undefined = first; next !== undefined;) {
      yield* next(input, options);
      await input.ensure(HEAD_BYTES);
      next = kindOf(input.bytes.subarray(input.at, Math.min(input.end, input.at + HEAD_BYTES)));
    }
  };
}

function kindOf(head: Uint8Array): DecodeStream | undefined {
  const begins = (magic: readonly number[]) => magic.every((byte, at) => head[at] === byte);
  if (begins(XZ_MAGIC)) return decodeXz;
  if (begins(LZIP_MAGIC)) return decodeLzip;
  return isLzmaAlone(head) ? decodeLzmaAlone : undefined;
}

/** A file that begins as xz. */
export const decodeXzFile: DecodeStream = inARow(decodeXz);
/** A file that begins as LZMA-alone. */
export const decodeLzmaFile: DecodeStream = inARow(decodeLzmaAlone);
/** A file that begins as lzip. */
export const decodeLzipFile: DecodeStream = inARow(decodeLzip);
