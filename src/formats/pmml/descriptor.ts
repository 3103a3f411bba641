/**
 * PMML: models in XML.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** PMML. */
export const pmmlDescriptor: FormatDescriptor = {
  id: "pmml",
  title: "PMML",
  role: "code",
  claims: [
    { label: "a PMML model", extensions: "pmml" },
  ],
  readers: [
    {
      id: "pmml",
      malformedRule: "pmml-malformed",
      label: "a PMML model",
      under: "pmml xml",
      patternSearch: "text",
      mayMatch: ({ name, head: [first = 0x80] }) =>
        /\.(?:pmml|xml)$/iu.test(name) ||
        [0xef, 0xff, 0xfe, 0x3c, 0x20, 0x09, 0x0a, 0x0d, 0].includes(first),
      load: once(async () => (await import("./mod.ts")).pmmlFormat),
      samples: {
        harmful: "pmml/harmful/external_entity.pmml",
        harmless: "pmml/safe/tree.pmml",
      },
    },
  ],
  coverage: [
    [
      "PMML",
      "document types and entities, functions by name, Python in extensions and tables that nyoka runs",
    ],
  ],
};
