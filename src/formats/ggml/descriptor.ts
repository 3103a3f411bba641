/**
 * GGML, GGMF, GGJT and GGLA: what llama.cpp and whisper.cpp wrote before GGUF, and whisper.cpp still
 * does.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** Magic numbers as they stand in the file, little-endian: `ggml`, `ggmf`, `ggjt`, `ggla`. */
const MAGICS = ["lmgg", "fmgg", "tjgg", "algg"].map(ascii);

/** GGML before GGUF. */
export const ggmlDescriptor: FormatDescriptor = {
  id: "ggml",
  title: "GGML",
  role: "data",
  claims: [
    { label: "a GGML model", extensions: "ggml" },
  ],
  readers: [
    {
      id: "ggml",
      malformedRule: "ggml-malformed",
      label: "a GGML model",
      under: "ggml bin",
      mayMatch: ({ head }) => MAGICS.some((magic) => startsWith(head, magic)),
      load: once(async () => (await import("./mod.ts")).ggmlFormat),
      samples: {
        harmful: "ggml/suspicious/hidden.bin",
        harmless: "ggml/safe/whisper.bin",
      },
    },
  ],
  coverage: [
    ["GGML before GGUF", "vocabulary and every tensor of whisper.cpp's and llama.cpp's files"],
  ],
};
