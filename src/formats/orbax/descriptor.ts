/**
 * Folders of Orbax and zarr: descriptions of arrays in JSON, and manifests of OCDBT.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { mayBeMetadata, mayBeOcdbt, mayBeZarr } from "./names.ts";

/** Orbax and zarr. */
export const orbaxDescriptor: FormatDescriptor = {
  id: "orbax",
  title: "Orbax and zarr",
  role: "code",
  claims: [],
  readers: [
    {
      id: "orbax-metadata",
      malformedRule: "orbax-malformed",
      label: "a description of an Orbax checkpoint",
      under: "",
      patternSearch: "text",
      mayMatch: mayBeMetadata,
      load: once(async () => (await import("./metadata.ts")).orbaxMetadataFormat),
      samples: {
        harmful: "orbax/harmful/absolute/_METADATA",
        harmless: "orbax/safe/standard/_METADATA",
      },
    },
    {
      id: "zarr",
      malformedRule: "orbax-malformed",
      label: "a description of a zarr array",
      under: "zarray zgroup zattrs zmetadata json",
      patternSearch: "text",
      mayMatch: mayBeZarr,
      load: once(async () => (await import("./zarr.ts")).zarrFormat),
      samples: {
        harmful: "orbax/suspicious/pickle/.zarray",
        harmless: "orbax/safe/zarr/params.dense.kernel/.zarray",
      },
    },
    {
      id: "ocdbt",
      malformedRule: "orbax-malformed",
      label: "a manifest or node of OCDBT",
      under: "ocdbt",
      mayMatch: mayBeOcdbt,
      load: once(async () => (await import("./ocdbt.ts")).ocdbtFormat),
      samples: {
        harmful: "orbax/harmful/outside/manifest.ocdbt",
        harmless: "orbax/safe/standard/manifest.ocdbt",
      },
    },
  ],
  coverage: [
    [
      "Orbax, zarr, OCDBT",
      "keys and paths that leave the checkpoint, stores elsewhere, codecs that unpickle, shapes; manifests by their checksums",
    ],
  ],
};
