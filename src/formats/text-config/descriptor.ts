/**
 * Protobuf texts that lie beside models and are no graphs: Triton's configuration, and label maps.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Triton's configuration, label maps. */
export const textConfigDescriptor: FormatDescriptor = {
  id: "text-config",
  title: "Triton's configuration and label maps",
  role: "code",
  claims: [],
  readers: [
    {
      id: "text-config",
      malformedRule: "text-config-malformed",
      label: "a configuration in protobuf's text",
      under: "",
      patternSearch: "text",
      mayMatch: ({ name, hint }) => hint === undefined && /\.pbtxt$/iu.test(name),
      load: once(async () => (await import("./mod.ts")).textConfigFormat),
      samples: {
        harmful: "text-config/suspicious/config.pbtxt",
        harmless: "text-config/safe/config.pbtxt",
      },
    },
  ],
  coverage: [
    ["Triton's `config.pbtxt`, label maps", "libraries that are loaded, files outside the model"],
  ],
};
