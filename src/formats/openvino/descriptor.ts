/**
 * OpenVINO's intermediate representation.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** OpenVINO. */
export const openvinoDescriptor: FormatDescriptor = {
  id: "openvino",
  title: "OpenVINO",
  role: "code",
  claims: [],
  readers: [
    {
      id: "openvino",
      malformedRule: "openvino-malformed",
      label: "an OpenVINO network",
      under: "xml",
      // A byte order mark, white space, or a tag.
      mayMatch: ({ head }) => [0xef, 0x3c, 0x20, 0x09, 0x0a, 0x0d].includes(head[0] ?? 0),
      load: once(async () => (await import("./mod.ts")).openvinoFormat),
      samples: {
        harmful: "openvino/suspicious/extension.xml",
        harmless: "openvino/safe/model.xml",
      },
    },
  ],
  coverage: [
    [
      "OpenVINO",
      "the network: constants' places and sizes, layers of extensions, document types; its weights",
    ],
  ],
};
