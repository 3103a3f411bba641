/**
 * Torch7: objects of Lua's Torch, in binary and in text.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { mayBeTorch7 } from "./head.ts";

/** Torch7. */
export const torch7Descriptor: FormatDescriptor = {
  id: "torch7",
  title: "Torch7",
  role: "code",
  claims: [
    { label: "a Torch7 object", extensions: "t7 t7b th7" },
  ],
  readers: [
    {
      id: "torch7",
      malformedRule: "torch7-malformed",
      label: "a Torch7 object",
      under: "t7 t7b th7 th net dat bin",
      mayMatch: (sample) => mayBeTorch7(sample) !== undefined,
      load: once(async () => (await import("./mod.ts")).torch7Format),
      samples: {
        harmful: "torch7/harmful/luajit_function.t7",
        harmless: "torch7/safe/network.t7",
      },
    },
  ],
  coverage: [
    [
      "Torch7",
      "`.t7`, binary and text: Lua functions, classes by name, tensors against their storages, to the end of the file",
    ],
  ],
};
