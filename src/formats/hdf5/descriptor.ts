/**
 * HDF5 files, HDF5 File Format Specification 3.0.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** HDF5. */
export const hdf5Descriptor: FormatDescriptor = {
  id: "hdf5",
  title: "HDF5",
  role: "code",
  claims: [
    { label: "an HDF5 file", extensions: "h5 hdf5 hdf he5" },
  ],
  readers: [
    {
      id: "hdf5",
      malformedRule: "hdf5-malformed",
      label: "an HDF5 file",
      under: "h5 hdf5 hdf he5 keras",
      mayMatch: mayBeHdf5,
      load: once(async () => (await import("./mod.ts")).hdf5Format),
      samples: {
        harmful: "keras/harmful/lambda_system.h5",
        harmless: "keras/safe/cycles.h5",
        decoder: "h5wasm",
      },
    },
  ],
  coverage: [
    [
      "HDF5",
      "Keras configurations in attributes, files that it reaches into, what PyTables and hickle unpickle in it",
    ],
  ],
};

/** II.A: the superblock is at 0, 512, 1024, 2048, … */
function mayBeHdf5({ head }: Sample): boolean {
  for (let at = 0; at < head.length; at = at === 0 ? 512 : at * 2) {
    if (head[at] === 0x89 && head[at + 1] === 0x48) return true;
  }
  return false;
}
