/**
 * TensorFlow SavedModels, MetaGraphDefs and GraphDefs, `tensorflow/core/protobuf`.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** TensorFlow. */
export const tensorflowDescriptor: FormatDescriptor = {
  id: "tensorflow",
  title: "TensorFlow",
  role: "code",
  claims: [
    { label: "a TensorFlow graph", extensions: "pb meta pbtxt" },
    { label: "a TensorFlow graph", extensions: "cpb", unread: true },
  ],
  readers: [
    {
      id: "tensorflow",
      malformedRule: "tensorflow-malformed",
      label: "a TensorFlow graph",
      under: "pb meta pbtxt prototxt textproto txt",
      patternSearch: "protobuf",
      mayMatch: mayBeTensorflow,
      load: once(async () => (await import("./mod.ts")).tensorflowFormat),
      samples: {
        harmful: "tensorflow/malicious_readfile/saved_model.pb",
        harmless: "tensorflow/safe_model/saved_model.pb",
      },
    },
  ],
  coverage: [
    [
      "TensorFlow",
      "SavedModels, `.meta`, frozen `.pb`, and their text form `.pbtxt`: operators of every graph, function and graph in a constant; what feeds them; the saver by its wiring",
    ],
  ],
};

/** The tags of the fields that a SavedModel, MetaGraphDef, GraphDef or FingerprintDef begins with. */
const TAGS: readonly (number | undefined)[] = [0x08, 0x0a, 0x12, 0x18, 0x22];

function mayBeTensorflow({ name, head }: Sample): boolean {
  return /\.(?:pb|meta|pbtxt|prototxt|textproto|txt)$/iu.test(name) || TAGS.includes(head[0]);
}
