/**
 * TorchScript: members `code/**.py` of a checkpoint, `bytecode.pkl` and flatbuffers of the mobile interpreter.
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
      label: "a TorchScript program",
      under: "py pyi pyw pkl ff ptl pt",
      patternSearch: "text",
      mayMatch: ({ hint, head }) =>
        hint === HINT.torchscriptSource || hint === HINT.torchBytecode ||
        // "PTMF" behind the offset of the root.
        (head[4] === 0x50 && head[5] === 0x54 && head[6] === 0x4d && head[7] === 0x46),
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
      "its pickles, its sources, and the bytecode of mobile programs (`.ptl`, `.ff`)",
    ],
  ],
};
