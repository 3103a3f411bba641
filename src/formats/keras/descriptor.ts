/**
 * Keras models: configurations in JSON, and the metadata of its SavedModels.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** In every configuration of Keras. */
const KEY = ascii("class_name");

/** Keras. */
export const kerasDescriptor: FormatDescriptor = {
  id: "keras",
  title: "Keras",
  role: "code",
  claims: [],
  readers: [
    {
      id: "keras-config",
      malformedRule: "keras-config-malformed",
      label: "a Keras configuration",
      under: "json yaml yml",
      patternSearch: "text",
      mayMatch: mayBeConfig,
      load: once(async () => (await import("./config.ts")).kerasConfigFormat),
      samples: {
        harmful: "keras/harmful/module_os.keras",
        harmless: "keras/safe/model_to_json.json",
      },
    },
    {
      id: "keras-metadata",
      malformedRule: "keras-metadata-malformed",
      label: "Keras metadata",
      under: "pb",
      patternSearch: "protobuf",
      mayMatch: ({ head }) => head[0] === 0x0a,
      load: once(async () => (await import("./metadata.ts")).kerasMetadataFormat),
      samples: {
        harmful: "keras/harmful/keras_metadata.pb",
        harmless: "keras/safe/saved_model/keras_metadata.pb",
      },
    },
  ],
  coverage: [
    [
      "Keras",
      "`.h5`, `.keras`, `keras_metadata.pb`, `model.to_json()` and `to_yaml()`, checkpoints of Orbax: what the configuration names, the code of Lambda layers",
    ],
  ],
};

/** A bracket behind white space, zeros (UTF-16) and byte order marks; or what a container says is JSON;
 * or YAML, by its name or the key. */
function mayBeConfig({ name, head, hint }: Sample): boolean {
  if (hint?.startsWith("keras-config")) return true;
  const first = head.find((byte) => byte > 0x20 && byte < 0x7f);
  return first === 0x7b || first === 0x5b || /\.ya?ml$/iu.test(name) || includes(head, KEY);
}

function includes(bytes: Uint8Array, sought: readonly number[]): boolean {
  for (
    let at = bytes.indexOf(sought[0] ?? 0);
    at >= 0;
    at = bytes.indexOf(sought[0] ?? 0, at + 1)
  ) {
    if (startsWith(bytes, sought, at)) return true;
  }
  return false;
}
