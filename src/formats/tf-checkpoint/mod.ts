/**
 * The index of a TensorFlow checkpoint (`parsers/tensor_bundle.ts`), and checkpoints of version 1, which
 * are one such table with the numbers inside. They hold no code; their shards are read by size alone
 * (`bundles/named/tensorflow.ts`).
 *
 * @module
 */

import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { startsWith } from "../../parsers/bytes.ts";
import { TABLE_MAGIC, tableEntries } from "../../parsers/sstable.ts";
import { BUNDLE_INDEX_BYTES, readTensorBundle } from "../../parsers/tensor_bundle.ts";
import { readAll } from "../../sources/read_all.ts";

/** TensorFlow checkpoints. */
export const tfCheckpointFormat: Format = { id: "tf-checkpoint", random: true, detect, scan };

function detect({ head, tail, name }: Sample): boolean {
  const footer = tail !== undefined && startsWith(tail.subarray(-TABLE_MAGIC.length), TABLE_MAGIC);
  return footer || (/\.index$/iu.test(name) && startsWithHeader(head));
}

/** An entry without a key, whose value begins with the number of shards. */
function startsWithHeader(head: Uint8Array): boolean {
  const length = head[2];
  return head[0] === 0 && head[1] === 0 && length !== undefined && length >= 2 && length < 64 &&
    head[3] === 0x08;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, BUNDLE_INDEX_BYTES, "a checkpoint's table", check);
  yield [];
  if (startsWithHeader(bytes)) readTensorBundle(bytes);
  // Version 1 keeps each variable under its name, and what there is under the empty name.
  else for (const _ of tableEntries(bytes));
}
