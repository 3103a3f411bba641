/**
 * Core ML: the weights of a package are read; the model itself is known and not read yet.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Core ML. */
export const coremlDescriptor: FormatDescriptor = {
  id: "coreml",
  title: "Core ML",
  role: "data",
  claims: [
    { label: "a Core ML model", extensions: "mlmodel mlpackage", unread: true },
  ],
  readers: [
    {
      id: "coreml-weights",
      malformedRule: "coreml-weights-malformed",
      label: "weights of a Core ML model",
      under: "bin",
      // Version 2 of the file, in the second word of its header.
      mayMatch: ({ head }) => head.length >= 64 && head[4] === 2 && head[5] === 0 && head[8] === 0,
      load: once(async () => (await import("./weights.ts")).coremlWeightsFormat),
      samples: {
        harmful: "coreml/suspicious/trailing.bin",
        harmless: "coreml/safe/weight.bin",
      },
    },
  ],
  coverage: [
    ["Core ML's `weight.bin`", "every blob's place and size to the end of the file"],
  ],
};
