/**
 * Core ML: models, and the weights of a package.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Core ML. */
export const coremlDescriptor: FormatDescriptor = {
  id: "coreml",
  title: "Core ML",
  role: "code",
  claims: [
    { label: "a Core ML model", extensions: "mlmodel" },
    { label: "a Core ML package", extensions: "mlpackage", unread: true },
  ],
  readers: [
    {
      id: "coreml",
      malformedRule: "coreml-malformed",
      label: "a Core ML model",
      under: "mlmodel",
      // By its name, or a field of a model: one of few numbers below 16, or one of two bytes.
      mayMatch: ({ name, head: [first = 0] }) =>
        /\.mlmodel$/iu.test(name) || [0x08, 0x12, 0x50].includes(first) || (first & 0x87) === 0x82,
      load: once(async () => (await import("./model.ts")).coremlFormat),
      samples: {
        harmful: "coreml/harmful/linked.mlmodel",
        harmless: "coreml/safe/network.mlmodel",
      },
    },
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
    [
      "Core ML",
      "`.mlmodel`, also in packages: classes of custom layers and models, linked models, paths of weights, pipelines; every blob's place and size in `weight.bin`",
    ],
  ],
};
