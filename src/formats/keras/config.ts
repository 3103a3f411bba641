/**
 * Keras configurations: JSON that says which classes and functions make up a model. Building the
 * model looks them up, imports their modules and calls them with what the configuration gives.
 *
 * Two layouts: `class_name` and `config` (Keras 1 and 2), and since Keras 3 and TensorFlow 2.13 also
 * `module` and `registered_name`, see `deserialize_keras_object` in
 * `keras/src/saving/serialization_lib.py`. Found in HDF5, in `.keras` archives, in
 * `keras_metadata.pb`, and as files of their own (`model.to_json()`).
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { jsonLetters, parseJson } from "../../parsers/json.ts";
import type { Source } from "../../core/source.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { ConfigWalk } from "./walk.ts";

/**
 * Bytes of a Keras configuration, which is read at once; the largest real ones have some megabytes.
 * CWE-770.
 */
const CONFIG_BYTES = 64 * 1024 * 1024;
/** Objects, arrays and their members. A model of 1,041 layers, NASNetLarge, has 107,304. CWE-770. */
const CONFIG_VALUES = 4_000_000;

const HINTS: readonly string[] = [HINT.kerasConfig, HINT.kerasConfigH5];

/** Keras configurations. */
export const kerasConfigFormat: Format = { id: "keras-config", random: false, detect, scan };

/** An object with the keys of the layout, or what a container knows to be one. */
function detect({ head, hint }: Sample): boolean {
  if (hint !== undefined && HINTS.includes(hint)) return head.length > 0;
  const text = jsonLetters(head);
  return /^[^\x21-\x7e]{0,64}[{[]/u.test(text) && /"class_name"\s*:\s*["\[{]/u.test(text) &&
    /"(?:config|registered_name|build_config|keras_version|compile_config)"\s*:/u.test(text);
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
  const { value, error } = parseJson(bytes, Math.min(CONFIG_VALUES, context.limits.values));
  const walk = new ConfigWalk(
    context.sample.hint === HINT.kerasConfigH5,
    () => context.checkDeadline(),
  );
  if (value !== undefined) walk.add(value);
  yield walk.finish();
  if (error !== undefined) {
    yield [{
      type: "anomaly",
      rule: "keras-config-malformed",
      detail: `${error.message}, at byte ${error.offset}`,
      offset: error.offset,
      unread: true,
    }];
  }
}
