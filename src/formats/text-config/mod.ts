/**
 * Triton's `config.pbtxt` and the label maps of object detection, distinguished from TensorFlow's graphs in text
 * by their fields: every field at the top must be one of theirs.
 * https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto,
 * `object_detection/protos/string_int_label_map.proto` of tensorflow/models.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { readTextProto, type TextField } from "../../parsers/text_proto.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a text. The largest real label map has 200 KiB. CWE-770. */
const TEXT_BYTES = 16 * 1024 * 1024;

/** Fields of `ModelConfig`. */
const TRITON = new Set([
  ...["name", "platform", "backend", "runtime", "version_policy", "max_batch_size", "input"],
  ...["output", "batch_input", "batch_output", "optimization", "dynamic_batching"],
  ...["sequence_batching", "ensemble_scheduling", "instance_group", "default_model_filename"],
  ...["cc_model_filenames", "metric_tags", "parameters", "model_warmup", "model_operations"],
  ...["model_transaction_policy", "model_repository_agents", "response_cache", "model_metrics"],
  "scheduling_choice",
]);
/** Fields of `StringIntLabelMap` and of its items. */
const LABEL_MAP = new Set(["item"]);
const ITEM = new Set([
  ...["name", "id", "display_name", "keypoints", "ancestor_ids", "descendant_ids", "frequency"],
  ...["instance_count", "label", "lvis_synset"],
]);

/** Configurations in protobuf's text. */
export const textConfigFormat: Format = { id: "text-config", random: false, detect, scan };

/** Detection needs the first field only; the others are compared once the text has been read. */
function detect({ head, name, hint }: Sample): boolean {
  if (hint !== undefined || !/\.pbtxt$/iu.test(name) || !looksLikeText(head)) return false;
  const text = new TextDecoder().decode(head);
  const first = /^(?:\s|#[^\n]*\n)*([a-z_]+)\s*[:{[<]/u.exec(text)?.[1];
  return first !== undefined && (LABEL_MAP.has(first) || TRITON.has(first));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, TEXT_BYTES, "a configuration", check);
  const fields = readTextProto(bytes);
  yield [];
  if (fields.every(isItem)) return;
  const foreign = fields.find(({ name }) => !TRITON.has(name));
  if (foreign !== undefined) {
    throw new FormatError(`Cannot read configuration: "${foreign.name}" is no field`, foreign.at);
  }
  yield fields.flatMap(libraries);
}

function isItem({ name, fields }: TextField): boolean {
  return LABEL_MAP.has(name) && fields.every((field) => ITEM.has(field.name));
}

/** Libraries that Triton loads, and files that lie outside the model's folder. */
function libraries({ name, scalar, fields, at: offset }: TextField): Observation[] {
  const anomaly = (rule: string, detail: string): Observation => ({
    type: "anomaly",
    rule,
    detail,
    offset,
  });
  if (name === "model_operations" || name === "model_repository_agents") {
    const named = fields.map(({ scalar: text, name: key }) => text ?? key).join(", ");
    return [anomaly("triton-library", `"${name}" names ${named || "nothing"}`)];
  }
  if (name === "runtime" && scalar !== undefined && scalar !== "") {
    return [anomaly("triton-library", `"runtime" is "${scalar}"`)];
  }
  const outside = scalar !== undefined &&
    /^[\\/]|^[A-Za-z]:|(?:^|[\\/])\.\.(?:[\\/]|$)/u.test(scalar);
  return name !== "metric_tags" && outside
    ? [anomaly("triton-path", `"${name}" is "${scalar}"`)]
    : [];
}
