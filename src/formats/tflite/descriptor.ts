/**
 * TensorFlow Lite, which is LiteRT now.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** TensorFlow Lite. */
export const tfliteDescriptor: FormatDescriptor = {
  id: "tflite",
  title: "TensorFlow Lite",
  role: "code",
  claims: [
    { label: "a TensorFlow Lite model", extensions: "tflite" },
    { label: "a LiteRT-LM model", extensions: "litertlm" },
  ],
  readers: [
    {
      id: "tflite",
      malformedRule: "tflite-malformed",
      label: "a TensorFlow Lite model",
      under: "tflite lite bin",
      // The identifier follows the offset of the root.
      mayMatch: ({ head }) => startsWith(head, ascii("TFL3"), 4),
      load: once(async () => (await import("./mod.ts")).tfliteFormat),
      samples: {
        harmful: "tflite/harmful/flex_write.tflite",
        harmless: "tflite/safe/dense.tflite",
      },
    },
    {
      id: "litertlm",
      malformedRule: "tflite-malformed",
      label: "a LiteRT-LM model",
      under: "litertlm",
      mayMatch: ({ head }) => startsWith(head, ascii("LITERTLM")),
      load: once(async () => (await import("./litertlm.ts")).litertlmFormat),
      samples: {
        harmful: "tflite/harmful/flex.litertlm",
        harmless: "tflite/safe/dense.litertlm",
      },
    },
  ],
  coverage: [
    [
      "TensorFlow Lite",
      "`.tflite`, `.task`, `.litertlm`: kernels of TensorFlow (Flex) by its operators, custom operators, indices, sizes and subgraphs against the file",
    ],
  ],
};
