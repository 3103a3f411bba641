/**
 * Pickles of protocols 0 to 5, and the checkpoints that PyTorch wrote as a row of them.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** Pickles, and everything that holds them: PyTorch, joblib, NumPy, archives. */
export const pickleDescriptor: FormatDescriptor = {
  id: "pickle",
  title: "Pickles, and everything that holds them: PyTorch, joblib, NumPy, archives",
  role: "code",
  claims: [
    {
      label: "a pickle",
      extensions: "pkl pickle pk cpkl cloudpickle dill dmp debug_pkl pdparams pdopt",
    },
    { label: "a joblib file", extensions: "joblib jbl" },
    { label: "a PyTorch checkpoint", extensions: "pt pt2 ptl ckpt torch pth" },
    { label: "a PyTorch checkpoint", extensions: "bin", weak: true },
    { label: "a pickle", extensions: "p sav", weak: true },
  ],
  readers: [
    {
      id: "torch-legacy",
      malformedRule: "pickle-malformed",
      label: "a PyTorch checkpoint of the old kind",
      under:
        "pkl pickle pk cpkl cloudpickle dill dmp debug_pkl pdparams pdopt joblib jbl pt pt2 ptl ckpt torch pth bin p sav",
      mayMatch: mayBePickle,
      load: once(async () => (await import("./torch_legacy.ts")).torchLegacyFormat),
      samples: {
        harmful: "torch/harmful/legacy_sys_info.pt",
        harmless: "torch/safe/parameter_legacy.pt",
      },
    },
    {
      id: "pickle",
      malformedRule: "pickle-malformed",
      label: "a pickle",
      under:
        "pkl pickle pk cpkl cloudpickle dill dmp debug_pkl pdparams pdopt joblib jbl pt pt2 ptl ckpt torch pth bin p sav",
      mayMatch: mayBePickle,
      load: once(async () => (await import("./mod.ts")).pickleFormat),
      samples: {
        harmful: "disguised/malicious.jpg",
        harmless: "numpy/safe/functions_protocol_5.pkl",
      },
    },
  ],
  coverage: [
    [
      "pickle, protocols 0 to 5",
      "every stream, nested pickles in constants, readings on which loaders differ",
    ],
    [
      "PyTorch",
      "zip checkpoints, the legacy format, the tar format before it",
    ],
    [
      "joblib",
      "plain, and compressed with zlib, gzip, bz2, xz, lzma or lz4",
    ],
  ],
};

/** The one-character opcodes of all protocols, CPython's `Lib/pickletools.py`. */
const OPCODE_CHARACTERS = new Set(
  Array.from("(.012FIJKLMNPQRSTUVXGBC)\\]abcdeghijloprstqu}", (text) => text.charCodeAt(0)),
);

/** `PROTO` to `READONLY_BUFFER`, the opcodes above ASCII. */
const OPCODES_FROM = 0x80;
const OPCODES_TO = 0x98;

/** A pickle of any protocol begins with an opcode at its first byte. */
function mayBePickle({ head, hint }: Sample): boolean {
  const first = head[0];
  if (first === undefined) return false;
  return hint !== undefined || OPCODE_CHARACTERS.has(first) ||
    (first >= OPCODES_FROM && first <= OPCODES_TO);
}
