/**
 * GGUF models, `ggml/docs/gguf.md`; their chat templates are programs.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** GGUF. */
export const ggufDescriptor: FormatDescriptor = {
  id: "gguf",
  title: "GGUF",
  role: "code",
  claims: [
    { label: "a GGUF model", extensions: "gguf" },
  ],
  readers: [
    {
      id: "gguf",
      malformedRule: "gguf-malformed",
      label: "a GGUF model",
      under: "gguf",
      mayMatch: ({ head }) => head[0] === 0x47 && head[1] === 0x47,
      load: once(async () => (await import("./mod.ts")).ggufFormat),
      samples: {
        harmful: "gguf/harmful/reversed.gguf",
        harmless: "gguf/safe/version_2.gguf",
      },
    },
  ],
  coverage: [
    [
      "GGUF, versions 1 to 3",
      "metadata, counts, lengths, tensors' places, in either byte order; chat templates",
    ],
  ],
};
