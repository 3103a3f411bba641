/**
 * TensorFlow's checkpoints, version 2: a table of the variables, `X.index`, and their numbers in shards,
 * `X.data-00000-of-00001`. `core/protobuf/tensor_bundle.proto` and
 * `core/util/tensor_bundle/tensor_bundle.cc` of TensorFlow.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { fieldsOf, WIRE } from "./protobuf.ts";
import { tableEntries } from "./sstable.ts";

/** Bytes of a table that are read into memory. The largest real one has 5 MiB. CWE-770. */
export const BUNDLE_INDEX_BYTES = 256 * 1024 * 1024;

/** What an index says. */
interface TensorBundle {
  readonly shards: number;
  /** Variables, slices included. */
  readonly tensors: number;
  /** The furthest byte of each shard that a variable takes, by the shard's number. */
  readonly ends: ReadonlyMap<number, number>;
}

/** Fields of `BundleHeaderProto` and `BundleEntryProto`. */
const HEADER_SHARDS = 1;
const ENTRY = { shard: 3, offset: 4, size: 5 } as const;

/**
 * Reads an index.
 *
 * @param bytes of the file
 * @throws FormatError when the table or a message in it is malformed, or a shard does not exist
 */
export function readTensorBundle(bytes: Uint8Array): TensorBundle {
  const ends = new Map<number, number>();
  let shards: number | undefined;
  let tensors = 0;
  for (const { key, value } of tableEntries(bytes)) {
    if (key.length === 0) {
      shards = numbersOf(value).get(HEADER_SHARDS);
      continue;
    }
    tensors++;
    const entry = numbersOf(value);
    // Protobuf leaves out what is 0.
    const [shard = 0, offset = 0, size = 0] = [ENTRY.shard, ENTRY.offset, ENTRY.size]
      .map((field) => entry.get(field));
    if (shards === undefined || shard < 0 || shard >= shards || offset < 0 || size < 0) {
      throw new FormatError(`Cannot read variable: it lies at ${offset} of shard ${shard}`);
    }
    ends.set(shard, Math.max(ends.get(shard) ?? 0, offset + size));
  }
  if (shards === undefined) throw new FormatError("Cannot read checkpoint: it has no header");
  return { shards, tensors, ends };
}

function numbersOf(bytes: Uint8Array): ReadonlyMap<number, number> {
  const numbers = new Map<number, number>();
  for (const { number, type, value, cut } of fieldsOf(bytes)) {
    if (cut) throw new FormatError("Cannot read variable: its entry is cut off");
    if (type === WIRE.varint) numbers.set(number, value);
  }
  return numbers;
}
