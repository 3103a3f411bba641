/**
 * GGML: known, not read yet.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";

/** GGML. */
export const ggmlDescriptor: FormatDescriptor = {
  id: "ggml",
  title: "GGML",
  role: "unread",
  claims: [
    { label: "a GGML model", extensions: "ggml" },
  ],
  readers: [],
  coverage: [],
};
