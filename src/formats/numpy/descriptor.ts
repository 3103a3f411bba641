/**
 * NumPy arrays, `numpy/lib/format.py`.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** NumPy. */
export const numpyDescriptor: FormatDescriptor = {
  id: "numpy",
  title: "NumPy",
  role: "code",
  claims: [
    { label: "a NumPy array", extensions: "npy" },
  ],
  readers: [
    {
      id: "npy",
      malformedRule: "npy-malformed",
      label: "a NumPy array",
      under: "npy bin p sav",
      mayMatch: ({ head }) => head[0] === 0x93,
      load: once(async () => (await import("./mod.ts")).npyFormat),
      samples: {
        harmful: "numpy/harmful/object.npy",
        harmless: "numpy/safe/empty.npy",
      },
    },
  ],
  coverage: [
    [
      "NumPy",
      "`.npy` versions 1 to 3, `.npz`; object arrays are pickles and are scanned",
    ],
  ],
};
