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
      // A byte order mark, white space, a tag, or zeros of a wider encoding; text in files that are called XML.
      mayMatch: ({ name, head: [first = 0x80] }) =>
        /\.xml$/iu.test(name) ||
        [0xef, 0xff, 0xfe, 0x3c, 0x20, 0x09, 0x0a, 0x0d, 0].includes(first),
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
      "the network: constants' places, sizes and texts, layers of extensions, document types; its weights",
    ],
  ],
};
