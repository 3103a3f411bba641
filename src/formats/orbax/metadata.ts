/**
 * Descriptions of Orbax checkpoints: keys of a tree, of which the names of folders are made where arrays do not
 * lie in OCDBT, types of values and names of handlers.
 * `orbax/checkpoint/_src/metadata/tree.py`, `_src/tree/types.py` of https://github.com/google/orbax
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { fromJson } from "../../parsers/config_node.ts";
import {
  isArray,
  isObject,
  jsonLetters,
  type JsonObject,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { leavesStore, storeAnomalies } from "../../parsers/tensorstore.ts";
import { readAll } from "../../sources/read_all.ts";
import { mayBeMetadata } from "./names.ts";

/** Bytes of a description. Trees of the largest models have some megabytes. CWE-770. */
const METADATA_BYTES = 256 * 1024 * 1024;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Keys that tell such a file from other JSON. */
const KEYS =
  /"(?:tree_metadata|item_handlers|init_timestamp_nsecs|array_metadatas)\\?"|sharding_type/u;

/** Descriptions of Orbax checkpoints. */
export const orbaxMetadataFormat: Format = { id: "orbax-metadata", random: false, detect, scan };

function detect(sample: Sample): boolean {
  const { name, head } = sample;
  return mayBeMetadata(sample) &&
    (/(?:^|\/)_(?:CHECKPOINT_)?METADATA$/u.test(name) || KEYS.test(jsonLetters(head)));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, METADATA_BYTES, "a description", check);
  const { value, error } = parseJson(bytes, 32_000_000);
  if (isObject(value)) {
    yield keyAnomalies(value);
    yield storeAnomalies([fromJson(value)]);
  }
  if (error !== undefined) throw new FormatError(error.message, error.offset);
  if (!isObject(value)) throw new FormatError("Cannot read description: it is no object", 0);
}

/** Keys that, joined with points, are paths elsewhere. */
function keyAnomalies(root: JsonObject): Observation[] {
  const found: Observation[] = [];
  const anomaly = (name: string, at: number): void => {
    if (!leavesStore(name) || found.length >= REPORTED) return;
    const detail = `A key is "${name.slice(0, 200)}"`;
    found.push({ type: "anomaly", rule: "orbax-outside", detail, offset: at });
  };
  for (const tree of valuesOf(root, "tree_metadata").filter(isObject)) {
    for (const [, entry] of tree.members) {
      if (!isObject(entry)) continue;
      for (const list of valuesOf(entry, "key_metadata").filter(isArray)) {
        const keys = list.items.filter(isObject).map((item) => {
          const [key] = valuesOf(item, "key");
          return typeof key === "string" ? key : String(key);
        });
        // Each key for itself, too: `/` within one is a folder.
        anomaly(keys.join("."), entry.at);
        for (const key of keys) if (key.split(/[\\/]/u).includes("..")) anomaly(key, entry.at);
      }
    }
  }
  for (const list of valuesOf(root, "array_metadatas").filter(isArray)) {
    for (const item of list.items.filter(isObject)) {
      for (const array of valuesOf(item, "array_metadata").filter(isObject)) {
        for (const name of valuesOf(array, "param_name")) {
          if (typeof name === "string") anomaly(name, array.at);
        }
      }
    }
  }
  return found;
}
