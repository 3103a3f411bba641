/**
 * TensorFlow's checkpoints: the index of a TensorBundle, and the single file of version 1.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { startsWith } from "../../parsers/bytes.ts";
import { TABLE_MAGIC } from "../../parsers/sstable.ts";

/** TensorFlow's checkpoints. */
export const tfCheckpointDescriptor: FormatDescriptor = {
  id: "tf-checkpoint",
  title: "TensorFlow checkpoints",
  role: "data",
  claims: [],
  readers: [
    {
      id: "tf-checkpoint",
      malformedRule: "tf-checkpoint-malformed",
      label: "a TensorFlow checkpoint",
      under: "index ckpt",
      mayMatch,
      load: once(async () => (await import("./mod.ts")).tfCheckpointFormat),
      samples: {
        harmful: "tf-checkpoint/malformed/shard.index",
        harmless: "tf-checkpoint/safe/model.ckpt.index",
      },
    },
  ],
  coverage: [
    ["TensorFlow checkpoints", "every variable of `.index`: where it lies in which shard"],
  ],
};

/** The magic number at the end; at the beginning an entry with an empty key, the header. */
function mayMatch({ head, tail, name }: Sample): boolean {
  const footer = tail !== undefined && startsWith(tail.subarray(-TABLE_MAGIC.length), TABLE_MAGIC);
  return footer || (/\.index$/iu.test(name) && head[0] === 0 && head[1] === 0 && head[3] === 8);
}
