/**
 * Core ML: models, the weights of a package, and the texts of compiled models.
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
    {
      id: "coreml-compiled",
      malformedRule: "coreml-malformed",
      label: "a compiled Core ML model",
      under: "mil net shape json txt",
      // By its name, `program` or an object of JSON behind white space.
      mayMatch: ({ name, head: [first = 0] }) =>
        /(?:(?:^|[\\/])model\.mil|\.espresso\.(?:net|shape))$/iu.test(name) ||
        [0x70, 0x7b, 0x20, 0x09, 0x0a, 0x0d, 0xef, 0xff, 0xfe, 0].includes(first),
      load: once(async () => (await import("./compiled.ts")).coremlCompiledFormat),
      samples: {
        harmful: "coreml/harmful/outside.mlmodelc/model.mil",
        harmless: "coreml/safe/program.mlmodelc/model.mil",
      },
    },
  ],
  coverage: [
    [
      "Core ML",
      "`.mlmodel`, also in packages: classes of custom layers and models, linked models, paths of weights, pipelines; every blob's place and size in `weight.bin`; compiled (`.mlmodelc`): `model.mil` and `model.espresso.net`",
    ],
  ],
};
