/**
 * Files of `torch.save` before zip: five pickles, then the storages' raw bytes.
 *
 * Format: `_legacy_save` in torch's `torch/serialization.py`.
 *
 * @module
 */

import { scanStreams } from "../../pickle/streams/streams.ts";
import type { Format } from "../../core/format.ts";
import { isTorchLegacy } from "./torch_magic.ts";

/** Legacy torch checkpoints. */
export const torchLegacyFormat: Format = {
  id: "torch-legacy",
  random: false,
  detect: (sample) => isTorchLegacy(sample.head),
  scan: (source, context) => scanStreams(source, context, "torch-legacy"),
};
