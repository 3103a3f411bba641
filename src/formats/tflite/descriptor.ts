/**
 * TensorFlow Lite: known, not read yet.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** TensorFlow Lite. */
export const tfliteDescriptor: FormatDescriptor = {
  id: "tflite",
  title: "TensorFlow Lite",
  role: "unread",
  claims: [
    { label: "a TensorFlow Lite model", extensions: "tflite" },
  ],
  readers: [],
  unread: [{
    label: "a TensorFlow Lite model",
    // The flatbuffer file identifier follows the root offset.
    matches: ({ head }) => startsWith(head, ascii("TFL3"), 4),
  }],
  coverage: [],
};
