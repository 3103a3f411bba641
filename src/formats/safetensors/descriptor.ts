/**
 * safetensors files: a header in JSON, then numbers.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** safetensors. */
export const safetensorsDescriptor: FormatDescriptor = {
  id: "safetensors",
  title: "safetensors",
  role: "data",
  claims: [
    { label: "a safetensors file", extensions: "safetensors" },
  ],
  readers: [
    {
      id: "safetensors",
      malformedRule: "safetensors-malformed",
      label: "a safetensors file",
      under: "safetensors",
      mayMatch: ({ head }) => head[8] === 0x7b,
      load: once(async () => (await import("./mod.ts")).safetensorsFormat),
      samples: {
        harmful: "safetensors/suspicious/metadata.safetensors",
        harmless: "safetensors/safe/scalars.safetensors",
      },
    },
  ],
  coverage: [
    [
      "safetensors",
      "the header: types, shapes, places, names; what hides behind it; shards against their index",
    ],
  ],
};
