/**
 * The contract of the decoders of single streams: bzip2, LZMA, xz, lz4, zstandard.
 *
 * They are written here and not taken from a package because a loader runs what was decoded before a
 * stream breaks. So each gives all output before its error, goes forward under a budget with the
 * consumer setting the pace, keeps no more than the window that its stream really uses, and says
 * where its data ended. The packages at hand decode whole buffers, allocate what a header asks for,
 * or drop what came before an error; 7-Zip's WASM pushes its output and cannot be paused.
 *
 * @module
 */

import type { ByteReader } from "./byte_reader.ts";
import type { History } from "./history.ts";

/** What a decoder may use, and whom it tells. */
export interface DecoderOptions {
  /** Bytes of memory for a dictionary. */
  readonly memory: number;
  /** Called for a checksum or length that does not match; decoding goes on. */
  readonly mismatch: (what: string) => void;
  /** Bytes that come out, where the container knows. */
  readonly size?: number;
}

/**
 * Decodes a stream piece by piece and stops behind its end, with what follows unused in `input`.
 * Streams in a row are one where loaders take them so.
 *
 * @throws FormatError after the last piece when the stream is broken or cut off
 * @throws LimitError when it needs too much memory
 */
export type DecodeStream = (
  input: ByteReader,
  options: DecoderOptions,
) => AsyncGenerator<Uint8Array, void, void>;

/** Given out between streams in a row, which may have no output at all: the caller that pulls looks at the time. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/** Output decoded in one step. */
export const STEP_BYTES = 64 * 1024;

/**
 * Runs one synchronous step and hands on what it wrote, also when it fails.
 *
 * @yields at most one piece
 */
export function* stepping(
  history: History,
  room: number,
  step: () => void,
): Generator<Uint8Array, void, void> {
  history.reserve(room);
  let fault: unknown;
  try {
    step();
  } catch (error) {
    fault = error;
  }
  if (history.pending > 0) yield history.take();
  if (fault !== undefined) throw fault;
}
