/**
 * Caffe: networks in text, and their weights.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Caffe. */
export const caffeDescriptor: FormatDescriptor = {
  id: "caffe",
  title: "Caffe",
  role: "code",
  claims: [
    { label: "a Caffe model", extensions: "caffemodel prototxt" },
  ],
  readers: [
    {
      id: "caffe",
      malformedRule: "caffe-malformed",
      label: "a Caffe network",
      under: "prototxt txt",
      patternSearch: "text",
      mayMatch: ({ name }) => /\.(?:prototxt|txt)$/iu.test(name),
      load: once(async () => (await import("./network.ts")).caffeFormat),
      samples: {
        harmful: "caffe/harmful/hdf5_output.prototxt",
        harmless: "caffe/safe/lenet.prototxt",
      },
    },
    {
      id: "caffe-weights",
      malformedRule: "caffe-weights-malformed",
      label: "weights of a Caffe network",
      under: "caffemodel",
      patternSearch: "protobuf",
      mayMatch: ({ name }) => /\.caffemodel$/iu.test(name),
      load: once(async () => (await import("./weights.ts")).caffeWeightsFormat),
      samples: {
        harmful: "caffe/suspicious/shape.caffemodel",
        harmless: "caffe/safe/lenet.caffemodel",
      },
    },
  ],
  coverage: [
    [
      "Caffe",
      "`.prototxt`: layers by their types, modules of Python, files that layers and solvers read and write; `.caffemodel`: every blob's shape against its numbers",
    ],
  ],
};
