/**
 * Shards of TensorFlow.js: `weightsManifest` of `model.json`, or a manifest of its own, has groups of
 * weights and the paths over which the bytes of each group are spread.
 * https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts
 *
 * @module
 */

import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

const INDEX = /model[^/]*\.json$|manifest[^/]*\.json$/iu;
/** The largest real index has 5 MiB. CWE-770. */
const INDEX_BYTES = 64 * 1024 * 1024;

/** Bytes of an item: `DTYPE_VALUE_SIZE_MAP` of tfjs-core. */
const ITEM_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
  complex64: 8,
};

/** TensorFlow.js's shards. */
export const tfjsShards: IndexKind = {
  indices: INDEX,
  async read({ index, folder, members }) {
    const bytes = await memberBytes(index, INDEX_BYTES);
    const document = bytes === undefined ? undefined : parseJson(bytes);
    const named = new Map();
    if (document === undefined || document.error !== undefined) return named;
    for (const group of groupsOf(document.value)) {
      const paths = items(valuesOf(group, "paths")[0]).filter((path) => typeof path === "string");
      const wanted = bytesOf(group);
      const sizes = paths.map((path) => members.get(folder + path)?.size);
      const there = sizes.reduce<number>((sum, size) => sum + (size ?? NaN), 0);
      const fault = wanted === undefined || there === wanted
        ? undefined
        : `the weights of its group take ${wanted} bytes, its shards have ${there}`;
      paths.forEach((path, at) => {
        // Sizes are those of the group: a shard has what the file has.
        const label = "a shard of a TensorFlow.js model";
        named.set(folder + path, { label, bytes: sizes[at] ?? 0, exact: true, fault });
      });
    }
    return named;
  },
};

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return isArray(value) ? value.items : [];
}

function groupsOf(value: JsonValue | undefined): readonly JsonObject[] {
  const groups = isObject(value) ? valuesOf(value, "weightsManifest")[0] : value;
  return items(groups).filter(isObject);
}

/** Bytes of all weights of a group; undefined for texts, whose sizes stand in the shards. */
function bytesOf(group: JsonObject): number | undefined {
  let bytes = 0;
  for (const weight of items(valuesOf(group, "weights")[0])) {
    if (!isObject(weight)) return undefined;
    const [quantized] = valuesOf(weight, "quantization");
    const [type] = isObject(quantized) ? valuesOf(quantized, "dtype") : valuesOf(weight, "dtype");
    const item = typeof type === "string" ? ITEM_BYTES[type] : undefined;
    const shape = items(valuesOf(weight, "shape")[0]);
    if (item === undefined || !shape.every((axis) => typeof axis === "number")) return undefined;
    bytes += shape.reduce<number>((count, axis) => count * Number(axis), item);
  }
  return bytes;
}
