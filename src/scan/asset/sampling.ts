/**
 * Takes the bytes that detection sees: little at first, more where that decides nothing.
 *
 * @module
 */

import { claimOf } from "./claims.ts";
import { type Sample, SAMPLE_BYTES, TAIL_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { MeteredSource } from "./metered.ts";

/**
 * Bytes of the head of a member before more is read: enough for every magic number, a tar header
 * and the first opcodes of a pickle, so that a checkpoint with hundreds of members stays cheap.
 */
export const FIRST_LOOK_BYTES = 4096;

/**
 * Bytes of a member that its archive knows to be the raw storage of a tensor. Loaders read it as
 * numbers with any content; it is searched for magic numbers all the same.
 */
export const STORAGE_LOOK_BYTES = 64;

/**
 * Head and, where there is random access, tail of a source.
 *
 * @param name of the file or member
 * @param headBytes bytes of the head
 * @param withTail false to leave the tail unread
 */
export async function takeSample(
  source: Source,
  name: string,
  hint: string | undefined,
  headBytes: number,
  withTail: boolean,
): Promise<Sample> {
  const head = await readForSample(source, 0, Math.min(headBytes, SAMPLE_BYTES));
  const size = source.size;
  const complete = head.length < Math.min(headBytes, SAMPLE_BYTES) || head.length === size;
  return {
    name,
    size: complete ? head.length : size,
    head,
    tail: complete ? head : withTail ? await tailOf(source) : undefined,
    hint,
    claim: claimOf(name),
  };
}

/** Bytes that the sample keeps; read without waiting and without a copy where the source can do that. */
function readForSample(
  source: Source | MeteredSource,
  offset: number,
  length: number,
): Uint8Array | Promise<Uint8Array> {
  const { size } = source;
  if ("readKept" in source && source.readKept !== undefined && size !== undefined) {
    const kept = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    const filled = source.readKept(offset, kept);
    return filled === kept.length ? kept : kept.slice(0, filled);
  }
  return source.read(offset, length).then(copy);
}

async function tailOf(source: Source): Promise<Uint8Array | undefined> {
  if (source.access !== "random" || source.size === undefined) return undefined;
  const offset = Math.max(0, source.size - TAIL_BYTES);
  return await readForSample(source, offset, source.size - offset);
}

/**
 * The tail of a stream that was read to its end, from what it still holds.
 *
 * @returns undefined when it has not ended or let those bytes go
 */
export function tailOfStream(source: Source): Uint8Array | undefined {
  if (source.access !== "forward" || source.size === undefined) return undefined;
  const offset = Math.max(0, source.size - TAIL_BYTES);
  try {
    return source.readSync?.(offset, source.size - offset);
  } catch {
    return undefined;
  }
}

/** Bytes of a stream that are read on at a time. */
const DRAIN_BYTES = 256 * 1024;

/**
 * Reads a stream to its end, so that its tail can be looked at.
 *
 * @param at where to go on
 * @param check called now and then; throws once time is spent
 * @throws what the source throws
 */
export async function drain(source: Source, at: number, check: () => void): Promise<void> {
  for (let from = at;;) {
    check();
    const { length } = await source.read(from, DRAIN_BYTES);
    from += length;
    if (length < DRAIN_BYTES) return;
  }
}

/** A source may overwrite its view on the next read; a sample outlives it. */
function copy(bytes: Uint8Array): Uint8Array {
  return bytes.slice();
}
