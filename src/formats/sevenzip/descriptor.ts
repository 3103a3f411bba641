/**
 * Archives that 7-Zip itself reads, in WebAssembly.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** 7-Zip, RAR and cabinet archives. */
export const sevenZipDescriptor: FormatDescriptor = {
  id: "sevenzip",
  title: "7-Zip, RAR and cabinet archives",
  role: "code",
  claims: [
    { label: "a 7-Zip archive", extensions: "7z", container: true },
    { label: "a RAR archive", extensions: "rar", container: true },
    { label: "a cabinet file", extensions: "cab", container: true },
  ],
  readers: [
    {
      id: "7z",
      malformedRule: "archive-malformed",
      label: "a 7-Zip archive",
      under: "7z",
      behindPrograms: true,
      noModel: "container",
      mayMatch: ({ head }) => head[0] === 0x37 && head[1] === 0x7a,
      load: once(async () => (await import("./mod.ts")).sevenZipFormat),
      samples: {
        harmful: "sevenzip/harmful/malicious.7z",
        harmless: "sevenzip/safe/safe.7z",
        decoder: "7z-wasm",
      },
    },
    {
      id: "rar",
      malformedRule: "archive-malformed",
      label: "a RAR archive",
      under: "rar",
      behindPrograms: true,
      noModel: "container",
      mayMatch: ({ head }) => head[0] === 0x52 && head[1] === 0x61,
      load: once(async () => (await import("./mod.ts")).rarFormat),
      samples: {
        harmful: "sevenzip/harmful/stored.rar",
        harmless: "sevenzip/safe/stored.rar",
        decoder: "7z-wasm",
      },
    },
    {
      id: "cab",
      malformedRule: "archive-malformed",
      label: "a cabinet file",
      under: "cab",
      behindPrograms: true,
      noModel: "container",
      mayMatch: ({ head }) => head[0] === 0x4d && head[1] === 0x53,
      load: once(async () => (await import("./mod.ts")).cabFormat),
      samples: {
        harmful: "sevenzip/harmful/stored.cab",
        harmless: "sevenzip/safe/stored.cab",
        decoder: "7z-wasm",
      },
    },
  ],
  coverage: [
    [
      "7-Zip, RAR, cabinet",
      "every member, by 7-Zip itself in WebAssembly, in memory; encrypted ones are reported",
    ],
  ],
};
