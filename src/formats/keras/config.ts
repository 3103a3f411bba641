/**
 * Keras configurations: JSON that says which classes and functions make up a model. Building the
 * model looks them up, imports their modules and calls them with what the configuration gives.
 *
 * Two layouts: `class_name` and `config` (Keras 1 and 2), and since Keras 3 and TensorFlow 2.13 also
 * `module` and `registered_name`, see `deserialize_keras_object` in
 * `keras/src/saving/serialization_lib.py`. Found in HDF5, in `.keras` archives, in
 * `keras_metadata.pb`, and as files of their own (`model.to_json()`, `model.to_yaml()`).
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { parseJson } from "../../parsers/json.ts";
import type { Source } from "../../core/source.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { ConfigWalk } from "./walk.ts";
import { readYamlConfig } from "./yaml_config.ts";
import { hasKerasKeys, hasYamlKeys } from "../../parsers/keras_config.ts";
import { configText } from "../../parsers/config/read.ts";

/**
 * Bytes of a Keras configuration, which is read at once; the largest real ones have some megabytes.
 * CWE-770.
 */
const CONFIG_BYTES = 64 * 1024 * 1024;
/** Objects, arrays and their members. A model of 1,041 layers, NASNetLarge, has 107,304. CWE-770. */
const CONFIG_VALUES = 4_000_000;

/** Bytes in which the keys of YAML are looked for: the sample that detection sees. */
const HEAD_BYTES = 64 * 1024;

/** Names that say Python, which a loader of configurations is not given. */
const PYTHON = /\.pyi?$/iu;

const HINTS: readonly string[] = [HINT.kerasConfig, HINT.kerasConfigH5, HINT.kerasConfigText];

/** Keras configurations. */
export const kerasConfigFormat: Format = { id: "keras-config", random: false, detect, scan };

/** An object with the keys of the layout, or what a container knows to be one. */
function detect({ head, hint }: Sample): boolean {
  if (hint !== undefined && HINTS.includes(hint)) return head.length > 0;
  return hasKerasKeys(head);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = await readAll(
    source,
    CONFIG_BYTES,
    "a Keras configuration",
    () => context.checkDeadline(),
  );
  const json = parseJson(bytes, Math.min(CONFIG_VALUES, context.limits.values));
  // What is no JSON may be YAML, of which JSON is nearly a part. In a container it is JSON.
  const { hint } = context.sample;
  const mayBeYaml = hint === HINT.kerasConfigText ||
    hint === undefined && hasYamlKeys(bytes.subarray(0, HEAD_BYTES));
  const yaml = json.error !== undefined && mayBeYaml
    ? readYamlConfig(configText(bytes), () => context.checkDeadline())
    : undefined;
  const error = yaml === undefined ? json.error : yaml.error;
  const walk = new ConfigWalk(
    hint === HINT.kerasConfigH5,
    () => context.checkDeadline(),
  );
  for (const value of [json.value, ...yaml?.values ?? []]) {
    if (value !== undefined) walk.add(value);
  }
  yield walk.finish();
  // Annotations and dictionaries of Python have the keys in lines of their own, and are no YAML.
  const isPython = yaml !== undefined && hint === undefined && PYTHON.test(source.name);
  if (error !== undefined && !isPython) {
    yield [{
      type: "anomaly",
      rule: "keras-config-malformed",
      detail: `${error.message}, at byte ${error.offset}`,
      offset: error.offset,
      unread: true,
    }];
  }
}
