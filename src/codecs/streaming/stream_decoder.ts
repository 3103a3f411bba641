/**
 * The contract of the decoders of single streams: bzip2, LZMA, xz, lz4, zstandard.
 *
 * They are written here and not taken from a package because a loader runs what was decoded before a
 * stream breaks. So each yields all output before its error, is pulled by its consumer within a budget,
 * keeps no more than the window that its stream uses, and reports where its data ended. The existing
 * packages decode complete buffers, allocate the size that a header claims, or drop the output before
 * an error; 7-Zip's WASM pushes its output and cannot be paused.
 *
 * @module
 */

import type { ByteReader } from "./byte_reader.ts";
import type { History } from "./history.ts";

/** What a decoder may use, and whom it tells. */
export interface DecoderOptions {
  /** Bytes of memory for a dictionary. */
  readonly memory: number;
  /** Called on a checksum or length mismatch; decoding continues. */
  readonly mismatch: (what: string) => void;
  /** Decoded size in bytes, where the container states it. */
  readonly size?: number;
}

/**
 * Decodes a stream piece by piece and stops behind its end, with what follows unused in `input`.
 * Concatenated streams are one where loaders read them as one.
 *
 * @throws FormatError after the last piece when the stream is broken or cut off
 * @throws LimitError when it needs too much memory
 */
export type DecodeStream = (
  input: ByteReader,
  options: DecoderOptions,
) => AsyncGenerator<Uint8Array, void, void>;

/**
 * Yielded between concatenated streams, which may have no output at all, so that the caller can check
 * its deadline.
 */
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
  let failure: unknown;
  try {
    step();
  } catch (error) {
    failure = error;
  }
  if (history.pending > 0) yield history.take();
  if (failure !== undefined) throw failure;
}
