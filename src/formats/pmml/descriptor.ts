/**
 * PMML: known, not read yet.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";

/** PMML. */
export const pmmlDescriptor: FormatDescriptor = {
  id: "pmml",
  title: "PMML",
  role: "unread",
  claims: [
    { label: "a PMML model", extensions: "pmml" },
  ],
  readers: [],
  coverage: [],
};
