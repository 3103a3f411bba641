/**
 * Flax: known, not read yet.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";

/** Flax. */
export const flaxDescriptor: FormatDescriptor = {
  id: "flax",
  title: "Flax",
  role: "unread",
  claims: [
    { label: "a Flax checkpoint", extensions: "msgpack" },
  ],
  readers: [],
  coverage: [],
};
