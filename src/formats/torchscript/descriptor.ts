/**
 * TorchScript source: members `code/**.py` of a checkpoint.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { HINT } from "../../core/hints.ts";

/** TorchScript. */
export const torchscriptDescriptor: FormatDescriptor = {
  id: "torchscript",
  title: "TorchScript",
  role: "code",
  claims: [],
  readers: [
    {
      id: "torchscript",
      malformedRule: "torchscript-malformed",
      label: "TorchScript source",
      under: "py pyi pyw",
      patternSearch: "text",
      mayMatch: ({ hint }) => hint === HINT.torchscriptSource,
      load: once(async () => (await import("./mod.ts")).torchscriptFormat),
      samples: {
        harmful: "torchscript/harmful/torchscript_save.pt",
        harmless: "torchscript/safe/frozen.pt",
      },
    },
  ],
  coverage: [
    [
      "TorchScript",
      "its pickles and its sources",
    ],
  ],
};
