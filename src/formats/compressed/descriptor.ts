/**
 * Files that are one compressed stream.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Compressed streams. */
export const compressedDescriptor: FormatDescriptor = {
  id: "compressed",
  title: "Compressed streams",
  role: "code",
  claims: [
    {
      label: "a compressed file",
      extensions: "gz gzip tgz z zlib bz2 tbz tbz2 xz txz lzma tlz lz4 zst zstd tzst lz",
      container: true,
    },
  ],
  readers: [
    {
      id: "compressed",
      malformedRule: "compression-malformed",
      label: "compressed",
      under:
        "pkl pickle pk cpkl cloudpickle dill dmp debug_pkl pdparams pdopt joblib jbl nemo mar rds rda rdata bin p sav gz gzip tgz z zlib bz2 tbz tbz2 xz txz lzma tlz lz4 zst zstd tzst lz",
      noModel: "container",
      mayMatch: ({ head }) => head.length > 1,
      load: once(async () => (await import("./mod.ts")).compressedFormat),
      samples: {
        harmful: "joblib/harmful/zlib.joblib",
        harmless: "joblib/safe/several_arrays_gzip.joblib",
      },
    },
  ],
  coverage: [
    [
      "single streams",
      "gzip, zlib, bzip2, xz, lzma, lzip, lz4, zstandard; what came before a stream breaks is scanned",
    ],
  ],
};
