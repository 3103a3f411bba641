/**
 * xz, `.lzma` and lzip streams one behind the other, of whichever kind each is: Python's
 * `lzma.LZMAFile`, by which joblib reads its files, begins anew behind the end of a stream and lets
 * liblzma tell by the first bytes what comes (`lzma_auto_decoder`; `_compression.DecompressReader`).
 *
 * @module
 */

import type { ByteReader } from "../streaming/byte_reader.ts";
import { decodeLzip, decodeLzmaAlone, streamKind } from "./streams.ts";
import { type DecodeStream, NOTHING } from "../streaming/stream_decoder.ts";
import { decodeXz } from "./xz.ts";

/** Bytes that a stream is known by. */
const HEAD_BYTES = 4096;
const DECODERS = { xz: decodeXz, lzip: decodeLzip, lzma: decodeLzmaAlone } as const;

/** Zeros that are looked at four by four: more of them hold no stream of another kind. */
const ZEROS_LOOKED_AT = 64;

/** Decodes a stream of the kind that is given, and those that follow it. */
function inARow(first: DecodeStream): DecodeStream {
  return async function* (input, options) {
    for (let next: DecodeStream | undefined = first; next !== undefined;) {
      yield* next(input, options);
      yield NOTHING;
      const padded = next === decodeXz;
      next = await following(input);
      // Padding of xz in groups of four zeros, which `.lzma` files may begin with as well.
      while (padded && next === undefined && input.available >= 4 && input.peek32() === 0) {
        input.at += Math.max(4, leadingZeros(input) - ZEROS_LOOKED_AT & ~3);
        next = await following(input);
      }
    }
  };
}

async function following(input: ByteReader): Promise<DecodeStream | undefined> {
  await input.ensure(HEAD_BYTES);
  const end = Math.min(input.end, input.at + HEAD_BYTES);
  const kind = streamKind(input.bytes.subarray(input.at, end));
  return kind && DECODERS[kind];
}

function leadingZeros({ bytes, at, end }: ByteReader): number {
  let zeros = at;
  while (zeros < end && bytes[zeros] === 0) zeros++;
  return zeros - at;
}

/** A file that begins as xz. */
export const decodeXzFile: DecodeStream = inARow(decodeXz);
/** A file that begins as LZMA-alone. */
export const decodeLzmaFile: DecodeStream = inARow(decodeLzmaAlone);
/** A file that begins as lzip. */
export const decodeLzipFile: DecodeStream = inARow(decodeLzip);
