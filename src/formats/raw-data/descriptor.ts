/**
 * Raw numbers that an index in the same folder names: external data of ONNX, weights of OpenVINO and
 * NCNN, shards of TensorFlow, TensorFlow.js and MLC, parts of Chroma's index.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Raw data with an index. */
export const rawDataDescriptor: FormatDescriptor = {
  id: "raw-data",
  title: "Raw data that an index names",
  role: "data",
  claims: [
    { label: "Darknet weights", extensions: "weights", weak: true },
  ],
  readers: [
    {
      id: "raw-data",
      malformedRule: "raw-data-truncated",
      label: "raw data of a model",
      under: "bin data weight weights dat",
      mayMatch: ({ name, named }) => named !== undefined || /\.(?:bin|weights|dat)$/iu.test(name),
      load: once(async () => (await import("./mod.ts")).rawDataFormat),
      samples: {
        harmful: "raw-data/malformed/text_inside.bin",
        harmless: "raw-data/safe/yolo.weights",
      },
    },
  ],
  coverage: [
    [
      "raw data that an index names",
      "external data of ONNX, weights of OpenVINO and NCNN, shards of TensorFlow, TensorFlow.js and " +
      "MLC, parts of Chroma's index: sizes against the index",
    ],
    ["raw floats, Darknet's weights", "that every word of the file is a number as weights are"],
  ],
};
