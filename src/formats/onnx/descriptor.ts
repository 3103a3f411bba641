/**
 * ONNX models, one protobuf message each, `onnx/onnx.proto`.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** ONNX. */
export const onnxDescriptor: FormatDescriptor = {
  id: "onnx",
  title: "ONNX",
  role: "code",
  claims: [
    { label: "an ONNX model", extensions: "onnx onnxtxt onnxtext onnxjson" },
    { label: "an ONNX model", extensions: "ort", unread: true },
  ],
  readers: [
    {
      id: "onnx",
      malformedRule: "onnx-malformed",
      label: "an ONNX model",
      under: "onnx pb pbtxt textproto txtpb prototxt txt json onnxjson onnxtxt onnxtext",
      patternSearch: "protobuf",
      mayMatch: mayBeOnnx,
      load: once(async () => (await import("./mod.ts")).onnxFormat),
      samples: {
        harmful: "onnx/harmful/pyop_extensions.onnx",
        harmless: "onnx/safe/constants.onnx",
      },
    },
  ],
  coverage: [
    [
      "ONNX",
      "`.onnx`, protobuf's text, JSON and ONNX's own notation: operators of all graphs, functions and subgraphs; where external data lie, links included",
    ],
  ],
};

/** Wire types that a protobuf field may begin with: all but the end of a group, 6 and 7. */
const WIRE_TYPES = [0, 1, 2, 3, 5];

/** Protobuf has no magic number: anything but a zip or a pickle of a newer protocol may be a message. */
function mayBeOnnx({ name, head }: Sample): boolean {
  const [first, second] = head;
  if (/\.(?:onnx|textproto|txtpb|prototxt|pbtxt|txt|json|onnxjson|onnxte?xt)$/iu.test(name)) {
    return true;
  }
  if (first === undefined) return false;
  const other = (first === 0x50 && second === 0x4b) ||
    (first === 0x80 && (second === undefined || second < 0x20));
  return first >= 8 && !other && WIRE_TYPES.includes(first & 7);
}
