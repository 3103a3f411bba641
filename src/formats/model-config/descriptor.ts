/**
 * Configurations of models in JSON and YAML, which name code for loaders to import and call.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { type FormatDescriptor, once } from "../../core/format.ts";

/** Models' configurations. */
export const modelConfigDescriptor: FormatDescriptor = {
  id: "model-config",
  title: "Models' configurations",
  role: "code",
  claims: [],
  readers: [
    {
      id: "model-config",
      malformedRule: "config-malformed",
      label: "a model's configuration",
      under: "json jsonl ndjson yaml yml toml ini cfg conf gin properties txt",
      patternSearch: "text",
      mayMatch: ({ name, hint }) =>
        hint === HINT.configuration || hint === undefined &&
          /(?:\.(?:json|jsonl|ndjson|ya?ml|toml|ini|cfg|conf|gin)|(?:^|\/)(?:MLmodel|MLproject|Kitfile|type\.txt|serving\.properties))$/iu
            .test(
              name,
            ),
      load: once(async () => (await import("./mod.ts")).modelConfigFormat),
      samples: {
        harmful: "repository/harmful/hydra_plain.yaml",
        harmless: "repository/safe/adapter/adapter_config.json",
      },
    },
  ],
  coverage: [
    [
      "models' configurations",
      "`config.json` and its kin, Hydra and NeMo YAML: code, kernels and modules that they name",
    ],
  ],
};
