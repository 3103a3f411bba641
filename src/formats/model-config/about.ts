/**
 * What configurations of transformers and peft say of their model.
 *
 * `architectures`, `model_type`, `torch_dtype` (`dtype` since transformers 4.56) and `quantization_config` are of
 * `transformers/configuration_utils.py`, the others of `peft/config.py`.
 *
 * @module
 */

import type { ModelAbout } from "../../core/about.ts";
import { aboutText, aboutTexts } from "../../parsers/about.ts";
import { type ConfigMap, type ConfigNode, textOf } from "../../parsers/config_node.ts";

/** Files that are read like this. */
const NAMES = /(?:^|[\\/])(?:config|adapter_config)\.json$/i;

/**
 * What a configuration says.
 *
 * @param name the file's, with its folder or without
 * @returns undefined for other files, and where nothing is said
 */
export function configurationAbout(
  name: string,
  roots: readonly ConfigNode[],
): ModelAbout | undefined {
  const [root] = roots;
  if (!NAMES.test(name) || root?.kind !== "map") return undefined;
  const text = (key: string): string | undefined => aboutText(textOf(valueOf(root, key)));
  const architectures = valueOf(root, "architectures");
  const architecture = architectures?.kind === "list"
    ? aboutText(textOf(architectures.items[0]))
    : undefined;
  const family = text("model_type");
  const dtype = text("torch_dtype") ?? text("dtype");
  const task = text("task_type");
  const baseModels = aboutTexts(text("base_model_name_or_path"));
  const quantization = quantizationOf(valueOf(root, "quantization_config"));
  const library = text("peft_type") === undefined ? undefined : "peft";
  const about = {
    ...(architecture !== undefined && { architecture }),
    ...(family !== undefined && { family }),
    ...(dtype !== undefined && { dtype: dtype.replace(/^torch\./, "") }),
    ...(task !== undefined && { task }),
    ...(library !== undefined && { library }),
    ...(quantization !== undefined && { quantization }),
    ...(baseModels.length > 0 && { baseModels }),
  };
  return Object.keys(about).length === 0 ? undefined : about;
}

function quantizationOf(node: ConfigNode | undefined): string | undefined {
  if (node?.kind !== "map") return undefined;
  const method = aboutText(textOf(valueOf(node, "quant_method")));
  const bits = aboutText(textOf(valueOf(node, "bits")));
  if (method === undefined) return undefined;
  return bits === undefined ? method : `${method}, ${bits} bits`;
}

/** The value of the last member of a name, as JSON's readers have it. */
function valueOf({ members }: ConfigMap, key: string): ConfigNode | undefined {
  return members.findLast(([name]) => textOf(name) === key)?.[1];
}
