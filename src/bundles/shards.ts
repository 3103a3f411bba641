/**
 * The index of a model in several files: which tensor lies in which. The files are there, lie in the
 * same folder, and hold what the index says.
 * https://huggingface.co/docs/transformers/big_models
 *
 * @module
 */

import { FormatError, SourceError } from "../core/errors.ts";
import { isObject, type JsonObject, valuesOf } from "../parsers/json.ts";
import type { Member } from "../core/types.ts";
import type { BundleObservation } from "../core/bundle.ts";
import { readHeader } from "../parsers/safetensors_header.ts";

/** Shards whose headers are compared with the index. DeepSeek-V3 has 163. CWE-770. */
const SHARDS = 2000;
/** Anomalies of one kind that are reported separately; an intact model has none. CWE-779. */
const REPORTED = 10;

/**
 * What is wrong with an index and its shards.
 *
 * @param file name of the index
 * @param folder that the shards lie in, with a slash at its end
 */
export async function* shardAnomalies(
  file: string,
  folder: string,
  index: JsonObject,
  files: ReadonlyMap<string, Member>,
): AsyncIterable<BundleObservation> {
  const shards = tensorsByShard(index);
  if (shards.size === 0) return;
  const missing = [...shards.keys()].filter((name) => !files.has(folder + name));
  const observation = (rule: string, detail: string, unread = false): BundleObservation => ({
    part: file,
    observation: { type: "anomaly", rule, detail, ...(unread && { unread }) },
  });
  if (missing.length > 0) {
    const shown = missing.slice(0, REPORTED).map((name) => `"${name}"`).join(", ");
    const detail = `${missing.length} of ${shards.size} files are not here: ${shown}`;
    yield observation("repository-shard-missing", detail, true);
  }
  let reported = 0;
  for (const [name, indexed] of [...shards].slice(0, SHARDS)) {
    const member = files.get(folder + name);
    if (!/\.safetensors$/iu.test(name) || member?.open === undefined) continue;
    const held = await tensorsOf(member);
    if (held === undefined) continue;
    const lacking = indexed.filter((tensor) => !held.has(tensor));
    const named = new Set(indexed);
    const unnamed = [...held].filter((tensor) => !named.has(tensor));
    for (const [tensors, relation] of [[lacking, "lacks"], [unnamed, "also holds"]] as const) {
      if (tensors.length === 0 || ++reported > REPORTED) continue;
      const shown = tensors.slice(0, 5).map((tensor) => `"${tensor}"`).join(", ");
      const more = tensors.length > 5 ? ` and ${tensors.length - 5} more` : "";
      yield observation("repository-shard-disagrees", `"${name}" ${relation} ${shown}${more}`);
    }
  }
}

function tensorsByShard(index: JsonObject): ReadonlyMap<string, string[]> {
  const shards = new Map<string, string[]>();
  for (const map of valuesOf(index, "weight_map")) {
    if (!isObject(map)) continue;
    for (const [tensor, file] of map.members) {
      if (typeof file !== "string") continue;
      const known = shards.get(file);
      if (known === undefined) shards.set(file, [tensor]);
      else known.push(tensor);
    }
  }
  return shards;
}

/** Names of the tensors in a shard; undefined when its header cannot be read, which is said there. */
async function tensorsOf(member: Member): Promise<ReadonlySet<string> | undefined> {
  if (member.open === undefined || (member.size ?? 0) < 8) return undefined;
  try {
    const { tensors } = await readHeader(member.open());
    return new Set(tensors.map(({ name }) => name));
  } catch (error) {
    if (error instanceof FormatError || error instanceof SourceError) return undefined;
    throw error;
  }
}
