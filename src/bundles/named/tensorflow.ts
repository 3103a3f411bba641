/**
 * Shards of a TensorFlow checkpoint, named by its index.
 *
 * @module
 */

import { BUNDLE_INDEX_BYTES, readTensorBundle } from "../../parsers/tensor_bundle.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

const SHARD = /^([^/]+)\.data-\d{5}-of-\d{5}$/u;

/** TensorFlow's shards. */
export const tensorflowShards: IndexKind = {
  indices(file) {
    const stem = SHARD.exec(file)?.[1];
    return stem === undefined ? [] : [`${stem}.index`];
  },
  async read({ index }) {
    const bytes = await memberBytes(index, BUNDLE_INDEX_BYTES);
    if (bytes === undefined) return new Map();
    const { shards, ends } = readTensorBundle(bytes);
    const stem = index.name.replace(/\.index$/u, "");
    const five = (number: number): string => String(number).padStart(5, "0");
    const label = "a shard of a TensorFlow checkpoint";
    return new Map([...ends].map(([shard, end]) => [
      `${stem}.data-${five(shard)}-of-${five(shards)}`,
      { label, bytes: end, exact: true },
    ]));
  },
};
