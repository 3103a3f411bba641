/**
 * Models of CTranslate2, the runtime of faster-whisper and of translators.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** CTranslate2. */
export const ctranslate2Descriptor: FormatDescriptor = {
  id: "ctranslate2",
  title: "CTranslate2",
  role: "data",
  claims: [],
  readers: [
    {
      id: "ctranslate2",
      malformedRule: "ctranslate2-malformed",
      label: "a CTranslate2 model",
      under: "bin",
      // A version of one digit, and a name of fewer than 256 bytes.
      mayMatch: ({ head }) =>
        (head[0] ?? 0) >= 2 && (head[0] ?? 99) < 20 && head[1] === 0 && head[2] === 0 &&
        head[3] === 0 && head[5] === 0,
      load: once(async () => (await import("./mod.ts")).ctranslate2Format),
      samples: {
        harmful: "ctranslate2/suspicious/trailing.bin",
        harmless: "ctranslate2/safe/model.bin",
      },
    },
  ],
  coverage: [
    ["CTranslate2", "every variable's type, shape and size to the end of the file; aliases"],
  ],
};
