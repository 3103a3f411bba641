/**
 * The configuration files of model repositories: JSON of transformers, diffusers, peft and
 * sentence-transformers, and YAML of Hydra and NeMo. They are data, but name classes to import,
 * kernels and code to fetch, and hold chat templates.
 * https://huggingface.co/docs/transformers/main_classes/configuration
 *
 * @module
 */

import { jsonLetters, parseJson } from "../../parsers/json.ts";
import type { Source } from "../../core/source.ts";
import { readWhole } from "../../sources/read_all.ts";
import type { Observation } from "../../core/types.ts";
import { baseName } from "../../parsers/base_name.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import { ConfigWalk } from "./walk.ts";
import { looksLikeYaml, readYaml, yamlText } from "./yaml.ts";

/** Configurations are read whole; a tokenizer's with all its added tokens has some megabytes. */
const CONFIG_BYTES = 32 * 1024 * 1024;

/** Names under which loaders look for configurations. */
const NAMES = new RegExp(
  "^(?:(?:[a-z0-9_]+_)?config|config_[a-z0-9_]+|model_index|modules|chat_template|" +
    "special_tokens_map|added_tokens|.+\\.index(?:\\.[a-z0-9_]+)?)\\.json$",
  "iu",
);
/** Keys that make JSON of any name a configuration. */
const KEYS = new RegExp(
  '"(?:auto_map|custom_pipelines|trust_remote_code|_?attn_implementation(?:_internal)?|' +
    "chat_template|_target_|model_type|architectures|_class_name|weight_map|peft_type|" +
    'auto_mapping|tokenizer_class|processor_class)"\\s*:',
  "u",
);
/** The same of YAML. */
const YAML_NAMES = new RegExp(
  "^(?:(?:[a-z0-9_-]+[_-])?config|hparams|hyperparams|params|(?:chat|instruction)[-_]?template)\\.ya?ml$",
  "iu",
);

/** Configurations. */
export const modelConfigFormat: Format = { id: "model-config", random: false, detect, scan };

function detect({ name, head, hint }: Sample): boolean {
  if (hint !== undefined || head.length === 0) return false;
  const base = baseName(name);
  if (/\.json$/iu.test(base)) {
    const text = jsonLetters(head);
    if (!/^[^\x21-\x7e]{0,64}[{[]/u.test(text)) return false;
    return NAMES.test(base) || KEYS.test(text);
  }
  if (!/\.ya?ml$/iu.test(base)) return false;
  // What is longer than the sample may have its keys behind it.
  const known = YAML_NAMES.test(base) || head.length >= SAMPLE_BYTES;
  if (known && looksLikeYaml(head)) return true;
  return readYaml(yamlText(head)).observations.length > 0;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = await readWhole(
    source,
    CONFIG_BYTES,
    "a configuration",
    () => context.checkDeadline(),
  );
  const base = baseName(context.sample.name).toLowerCase();
  if (!base.endsWith(".json")) {
    const { observations, fault } = readYaml(yamlText(bytes), () => context.checkDeadline());
    yield fault === undefined ? observations : [...observations, malformed(fault)];
    return;
  }
  const { value, error } = parseJson(bytes);
  if (value !== undefined) {
    const together = context.folder !== undefined;
    const walk = new ConfigWalk(base, together, () => context.checkDeadline());
    yield walk.observations(value);
  }
  if (error !== undefined) yield [malformed(error)];
}

function malformed({ message, offset }: { message: string; offset: number }): Observation {
  const detail = `${message}, at byte ${offset}`;
  return { type: "anomaly", rule: "config-malformed", detail, offset, unread: true };
}
