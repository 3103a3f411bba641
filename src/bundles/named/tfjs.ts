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
import type { NamedData } from "../../core/format.ts";
import type { Member } from "../../core/types.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

const INDEX = /(?:^|\/)(?=[^/]*\.json$)[^/]*?(?:model|manifest)/iu;
/** The largest real index has 5 MiB. CWE-770. */
const INDEX_BYTES = 64 * 1024 * 1024;
/**
 * Bytes of a group with texts, which are walked in memory. No published model is known to have one. CWE-770.
 */
const TEXT_BYTES = 64 * 1024 * 1024;

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
    const named = new Map<string, Omit<NamedData, "index">>();
    if (document === undefined || document.error !== undefined) return named;
    for (const group of groupsOf(document.value)) {
      const paths = items(valuesOf(group, "paths")[0]).filter((path) => typeof path === "string");
      const shards = paths.map((path) => members.get(folder + path));
      const there = shards.reduce<number>((sum, shard) => sum + (shard?.size ?? NaN), 0);
      const groupBytes = await bytesOf(group, shards);
      const anomaly = groupBytes === undefined
        ? "what the weights of its group take could not be established"
        : there === groupBytes
        ? undefined
        : `the weights of its group take ${groupBytes} bytes, its shards have ${there}`;
      paths.forEach((path, at) => {
        const name = folder + path;
        // Sizes are those of the group: a shard has what the file has.
        named.set(name, {
          label: "a shard of a TensorFlow.js model",
          bytes: shards[at]?.size ?? 0,
          exact: true,
          // A shard of two groups has to fit both.
          anomaly: named.get(name)?.anomaly ?? anomaly,
        });
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

/**
 * Bytes of all weights of a group. Of texts each has its length before it, 32 bits, little-endian, so that
 * the shards are read for them: `decodeWeights` in tfjs-core/src/io/io_utils.ts.
 *
 * @returns undefined where they cannot be established
 */
async function bytesOf(
  group: JsonObject,
  shards: readonly (Member | undefined)[],
): Promise<number | undefined> {
  let bytes = 0;
  let data: Uint8Array | undefined;
  for (const weight of items(valuesOf(group, "weights")[0])) {
    if (!isObject(weight)) return undefined;
    const count = countOf(weight);
    const [quantized] = valuesOf(weight, "quantization");
    const [type] = isObject(quantized) ? valuesOf(quantized, "dtype") : valuesOf(weight, "dtype");
    if (count === undefined || typeof type !== "string") return undefined;
    if (type === "string") {
      data ??= await joined(shards);
      const end = data === undefined ? undefined : endOfTexts(data, bytes, count);
      if (end === undefined) return undefined;
      bytes = end;
    } else {
      const item = Object.hasOwn(ITEM_BYTES, type) ? ITEM_BYTES[type] : undefined;
      if (item === undefined) return undefined;
      bytes += count * item;
    }
  }
  return bytes;
}

/** Items of a weight; undefined where its shape is none. */
function countOf(weight: JsonObject): number | undefined {
  const [shape] = valuesOf(weight, "shape");
  if (!isArray(shape)) return undefined;
  let count = 1;
  for (const axis of shape.items) {
    if (typeof axis !== "number" || !Number.isSafeInteger(axis) || axis < 0) return undefined;
    count *= axis;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}

/** All bytes of the shards, in order; undefined where one cannot be had or they are too many. */
async function joined(shards: readonly (Member | undefined)[]): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const shard of shards) {
    const bytes = shard === undefined ? undefined : await memberBytes(shard, TEXT_BYTES - length);
    if (bytes === undefined) return undefined;
    parts.push(bytes);
    length += bytes.length;
  }
  const all = new Uint8Array(length);
  for (let at = 0, part = parts.shift(); part !== undefined; part = parts.shift()) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Where `count` texts end that begin at `start`; undefined where they do not fit. */
function endOfTexts(data: Uint8Array, start: number, count: number): number | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = start;
  for (let remaining = count; remaining > 0; remaining--) {
    if (at + 4 > data.length) return undefined;
    at += 4 + view.getUint32(at, true);
  }
  return at > data.length ? undefined : at;
}
