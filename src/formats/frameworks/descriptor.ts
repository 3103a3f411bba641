/**
 * Models of frameworks that have no reader here: known by name or magic number.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** Models of further frameworks. */
export const frameworksDescriptor: FormatDescriptor = {
  id: "frameworks",
  title: "MNN, MindSpore and others",
  role: "unread",
  claims: [
    { label: "an MNN model", extensions: "mnn" },
    { label: "a MindSpore model", extensions: "mindir" },
    { label: "a MindSpore model", extensions: "ms", weak: true },
    { label: "a Paddle Lite model", extensions: "nb", weak: true },
    { label: "a TNN model", extensions: "tnnmodel tnnproto" },
    { label: "a Tengine model", extensions: "tmfile" },
    { label: "a MediaPipe task", extensions: "task", weak: true },
    { label: "a memory-mapped TensorFlow graph", extensions: "pbmm" },
    { label: "a MegEngine model", extensions: "mge" },
    { label: "a Circle model", extensions: "circle" },
    { label: "an Arm NN model", extensions: "armnn" },
    { label: "an NNabla model", extensions: "nnp" },
    { label: "a DeepLearning4j or H2O model", extensions: "mojo" },
    { label: "a Julia object", extensions: "jls jlso" },
    { label: "a Burn record", extensions: "mpk" },
  ],
  readers: [],
  unread: [
    // Identifiers of the FlatBuffers follow the root's offset.
    { label: "a MindSpore Lite model", matches: at(4, "MSL0", "MSL1", "MSL2") },
    { label: "an ONNX Runtime model", matches: at(4, "ORTM") },
    { label: "a Circle model", matches: at(4, "CIR0") },
    { label: "a Kaldi model", matches: at(0, "\0B<Nnet", "\0B<Transition") },
  ],
  coverage: [],
};

type Matches = NonNullable<FormatDescriptor["unread"]>[number]["matches"];

/** Matches any of the magic numbers at an offset. */
function at(offset: number, ...magics: readonly string[]): Matches {
  const signatures = magics.map(ascii);
  return ({ head }) => signatures.some((magic) => startsWith(head, magic, offset));
}
