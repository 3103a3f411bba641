/**
 * Tar archives, POSIX.1-2024 `pax`, and what is known by that container.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** Tar archives. */
export const tarDescriptor: FormatDescriptor = {
  id: "tar",
  title: "Tar archives",
  role: "code",
  claims: [
    { label: "a tar archive", extensions: "tar", container: true },
    { label: "a NeMo archive", extensions: "nemo" },
  ],
  readers: [
    {
      id: "tar",
      malformedRule: "tar-malformed",
      label: "a tar archive",
      under: "pt pt2 ptl ckpt torch pth bin p sav nemo mar tar",
      noModel: "container",
      mayMatch: ({ head }) => head.length >= BLOCK_BYTES,
      load: once(async () => (await import("./mod.ts")).tarFormat),
      samples: {
        harmful: "torch/harmful/tar_era_pickle.pt",
        harmless: "torch/safe/tar_era.pt",
      },
    },
  ],
  coverage: [
    [
      "tar",
      "every member, nested; pax headers and sparse files",
    ],
  ],
};

/** POSIX.1-2024, pax: a header is one block. */
const BLOCK_BYTES = 512;
