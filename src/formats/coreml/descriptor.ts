/**
 * Core ML: known, not read yet.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";

/** Core ML. */
export const coremlDescriptor: FormatDescriptor = {
  id: "coreml",
  title: "Core ML",
  role: "unread",
  claims: [
    { label: "a Core ML model", extensions: "mlmodel mlpackage" },
  ],
  readers: [],
  coverage: [],
};
