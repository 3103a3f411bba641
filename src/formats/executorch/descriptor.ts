/**
 * ExecuTorch: PyTorch's programs for devices.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** ExecuTorch. */
export const executorchDescriptor: FormatDescriptor = {
  id: "executorch",
  title: "ExecuTorch",
  role: "code",
  claims: [
    { label: "an ExecuTorch program", extensions: "pte" },
    { label: "an ExecuTorch data file", extensions: "ptd" },
  ],
  readers: [
    {
      id: "executorch",
      malformedRule: "executorch-malformed",
      label: "an ExecuTorch program",
      under: "pte",
      // The identifier follows the offset of the root.
      mayMatch: ({ head }) => startsWith(head, ascii("ET12"), 4),
      load: once(async () => (await import("./mod.ts")).executorchFormat),
      samples: {
        harmful: "executorch/suspicious/backend.pte",
        harmless: "executorch/safe/linear.pte",
      },
    },
    {
      id: "executorch-data",
      malformedRule: "executorch-malformed",
      label: "an ExecuTorch data file",
      under: "ptd",
      mayMatch: ({ head }) => startsWith(head, ascii("FT01"), 4),
      load: once(async () => (await import("./mod.ts")).executorchDataFormat),
      samples: {
        harmful: "executorch/suspicious/cut_segment.ptd",
        harmless: "executorch/safe/weights.ptd",
      },
    },
  ],
  coverage: [
    [
      "ExecuTorch",
      "`.pte`, `.ptd`: backends and operators by name, every index, size and segment against the file",
    ],
  ],
};
