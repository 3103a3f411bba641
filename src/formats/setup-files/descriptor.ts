/**
 * Files of a repository that set up what a model runs in: requirements of pip, Dockerfiles, Ollama's Modelfiles and
 * manifests of images.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { isManifest, setupKind } from "./head.ts";

/** Files that set up what a model runs in. */
export const setupFilesDescriptor: FormatDescriptor = {
  id: "setup-files",
  title: "Requirements, Dockerfiles and Modelfiles",
  role: "code",
  claims: [],
  readers: [
    {
      id: "setup-file",
      malformedRule: "setup-unread",
      label: "a file of requirements or commands",
      under: "txt in pip yml yaml template tmpl tpl sh bat",
      patternSearch: "text",
      noModel: "program",
      mayMatch: (sample) => setupKind(sample) !== undefined,
      load: once(async () => (await import("./mod.ts")).setupFileFormat),
      samples: {
        harmful: "setup-files/suspicious/requirements-index.txt",
        // A harmless one is no model.
        harmless: undefined,
      },
    },
    {
      id: "image-manifest",
      malformedRule: "setup-unread",
      label: "a manifest of an image",
      under: "json",
      patternSearch: "text",
      noModel: "program",
      mayMatch: isManifest,
      load: once(async () => (await import("./manifest.ts")).imageManifestFormat),
      samples: {
        harmful: "setup-files/harmful/manifest.json",
        harmless: undefined,
      },
    },
  ],
  coverage: [
    [
      "requirements, Dockerfiles, Modelfiles, manifests of images",
      "scripts that are fetched and run, indexes and addresses of packages, paths that leave the folder, digests that are paths",
    ],
  ],
};
