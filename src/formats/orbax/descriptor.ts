/**
 * Folders of Orbax and zarr: descriptions of arrays in JSON, and manifests of OCDBT.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { baseName } from "../../parsers/base_name.ts";
import { startsWith } from "../../parsers/bytes.ts";

/** First bytes of OCDBT's manifests, nodes of versions and nodes of keys. */
const OCDBT = [[0x0c, 0xdb, 0x3a, 0x2a], [0x0c, 0xdb, 0x12, 0x34], [0x0c, 0xdb, 0x20, 0xde]];

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
      mayMatch: ({ name, hint, head }) =>
        hint === undefined &&
        /^[^!-~]{0,16}\{/u.test(String.fromCharCode(...head.subarray(0, 32))) &&
        /^(?:_METADATA|_CHECKPOINT_METADATA|_sharding|process_\d+)$/u.test(baseName(name)),
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
      mayMatch: ({ name, hint }) =>
        hint === undefined &&
        /^(?:\.zarray|\.zgroup|\.zattrs|\.zmetadata|zarr\.json)$/u.test(baseName(name)),
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
      mayMatch: ({ head }) => OCDBT.some((magic) => startsWith(head, magic)),
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
