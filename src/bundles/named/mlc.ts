/**
 * Shards of MLC and TVM: `ndarray-cache.json`, since 2025 `tensor-cache.json`, has their names and sizes.
 * `python/tvm/contrib/tvmjs.py`.
 *
 * @module
 */

import type { NamedData } from "../../core/format.ts";
import { isArray, isObject, type JsonValue, parseJson, valuesOf } from "../../parsers/json.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

const INDEX = /^(?:ndarray|tensor)-cache(?:-b16)?\.json$/u;
/** The largest real index has 1 MiB. CWE-770. */
const INDEX_BYTES = 64 * 1024 * 1024;

/** MLC's shards. */
export const mlcShards: IndexKind = {
  indices: INDEX,
  async read({ index, folder }) {
    const bytes = await memberBytes(index, INDEX_BYTES);
    const { value, error } = bytes === undefined
      ? { value: undefined, error: undefined }
      : parseJson(bytes);
    const named = new Map<string, Omit<NamedData, "index">>();
    if (error !== undefined || !isObject(value)) return named;
    for (const record of items(valuesOf(value, "records")[0])) {
      if (!isObject(record)) continue;
      const [path] = valuesOf(record, "dataPath");
      const [size] = valuesOf(record, "nbytes");
      if (typeof path !== "string" || typeof size !== "number" || !(size >= 0)) continue;
      const label = "a shard of an MLC model";
      named.set(folder + path, {
        label,
        bytes: size,
        exact: true,
        anomaly: anomalyOf(record, size),
      });
    }
    return named;
  },
};

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return isArray(value) ? value.items : [];
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Tensors lie within their shard. */
function anomalyOf(record: JsonValue, size: number): string | undefined {
  if (!isObject(record)) return undefined;
  for (const tensor of items(valuesOf(record, "records")[0])) {
    if (!isObject(tensor)) continue;
    const [name] = valuesOf(tensor, "name");
    const [offset] = valuesOf(tensor, "byteOffset");
    const [bytes] = valuesOf(tensor, "nbytes");
    const label = `"${typeof name === "string" ? name : "a tensor"}"`;
    if (!isCount(offset) || !isCount(bytes)) return `where ${label} lies is no number`;
    if (offset + bytes > size) {
      return `${label} ends at ${offset + bytes} of a shard of ${size} bytes`;
    }
  }
  return undefined;
}
