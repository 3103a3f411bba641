/**
 * zarr's descriptions of arrays: shapes, types, compressors and filters by name. The filter `pickle` of numcodecs
 * unpickles the chunks. https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html,
 * https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html, https://numcodecs.readthedocs.io/
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { fromJson } from "../../parsers/config_node.ts";
import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { baseName } from "../../parsers/base_name.ts";
import { storeAnomalies } from "../../parsers/tensorstore.ts";
import { readAll } from "../../sources/read_all.ts";
import { mayBeZarr } from "./names.ts";

/** Bytes of a description; those of whole groups (`.zmetadata`) have some megabytes. CWE-770. */
const METADATA_BYTES = 64 * 1024 * 1024;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Dimensions of an array; NumPy has 64 at most. */
const DIMENSIONS = 64;
/** Codecs of numcodecs and of zarr 3: they compress, check or arrange bytes. */
const CODECS = new Set([
  ...[
    "blosc",
    "zlib",
    "gzip",
    "bz2",
    "lzma",
    "zstd",
    "lz4",
    "delta",
    "fixedscaleoffset",
    "quantize",
    "astype",
  ],
  ...[
    "packbits",
    "categorize",
    "vlen-utf8",
    "vlen-bytes",
    "vlen-array",
    "json2",
    "msgpack2",
    "shuffle",
    "crc32",
  ],
  ...[
    "crc32c",
    "adler32",
    "jenkins_lookup3",
    "fletcher32",
    "bitround",
    "base64",
    "zfpy",
    "pcodec",
    "bytes",
  ],
  ...[
    "transpose",
    "sharding_indexed",
    "endian",
    "snappy",
    "zstandard",
    "cast_value",
    "scale_offset",
    "utf8",
  ],
]);
/** Where codecs stand: of version 2, and of version 3 with codecs of shards. */
const PLACES = ["compressor", "filters", "codecs", "index_codecs", "object_codec"];

/** zarr's descriptions. */
export const zarrFormat: Format = { id: "zarr", random: false, detect: mayBeZarr, scan };

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, METADATA_BYTES, "a description", check);
  const { value, error } = parseJson(bytes);
  if (isObject(value)) {
    // Attributes are the user's own.
    if (!isAttributes(source.name)) yield arrayAnomalies(value);
    yield storeAnomalies([fromJson(value)]);
  }
  if (error !== undefined) throw new FormatError(error.message, error.offset);
  if (!isObject(value)) throw new FormatError("Cannot read description: it is no object", 0);
}

/** Codecs and shapes of all arrays in a description. */
function arrayAnomalies(root: JsonObject): Observation[] {
  const found: Observation[] = [];
  const anomaly = (rule: string, detail: string, offset: number, unread = false): void => {
    if (found.length >= REPORTED) return;
    found.push({ type: "anomaly", rule, detail, offset, ...(unread && { unread }) });
  };
  const waiting: JsonValue[] = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isArray(next)) waiting.push(...next.items);
    if (!isObject(next)) continue;
    for (const [key, value] of next.members) {
      // So are those of a node, and those of a group that has all of its arrays in one description.
      if (isAttributes(key) || (key === "attributes" && isNode(next))) continue;
      if (typeof value === "object" && value !== null) waiting.push(value);
      if (!PLACES.includes(key)) continue;
      for (const codec of isArray(value) ? value.items : [value]) {
        for (const name of namesOf(codec)) {
          const known = name.replace(/^numcodecs\./u, "").toLowerCase();
          if (known === "pickle") {
            const detail = "Its chunks are unpickled, and were not scanned";
            anomaly("orbax-pickle", detail, next.at, true);
          } else if (!CODECS.has(known)) {
            anomaly("orbax-codec", `"${key}" is "${name.slice(0, 100)}"`, next.at);
          }
        }
      }
    }
    for (const key of ["shape", "chunks", "chunk_shape"]) {
      for (const shape of valuesOf(next, key).filter(isArray)) {
        const wrong = shape.items.length > DIMENSIONS ||
          shape.items.some((size) => !Number.isSafeInteger(size) || Number(size) < 0);
        if (wrong) anomaly("orbax-malformed", `"${key}" is no shape`, next.at, true);
      }
    }
  }
  return found;
}

/** True for the key or name of a file with attributes alone, in version 2. */
function isAttributes(name: string): boolean {
  return baseName(name) === ".zattrs";
}

/** True for an array or group of version 3, whose key `attributes` is none of its members. */
function isNode(object: JsonObject): boolean {
  return object.members.some(([key]) => key === "zarr_format");
}

/** The name of a codec: `id` of version 2, `name` of version 3. */
function namesOf(codec: JsonValue): string[] {
  if (typeof codec === "string") return [codec];
  if (!isObject(codec)) return [];
  return ["id", "name"].flatMap((key) => valuesOf(codec, key))
    .flatMap((name) => typeof name === "string" ? [name] : []);
}
