/**
 * CNTK: models and checkpoints of version 2, which are dictionaries in protobuf.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { isDictionary } from "./head.ts";

/** CNTK. */
export const cntkDescriptor: FormatDescriptor = {
  id: "cntk",
  title: "CNTK",
  role: "code",
  claims: [
    { label: "a CNTK model", extensions: "cntk cmf" },
    { label: "a CNTK model", extensions: "dnn", weak: true },
  ],
  readers: [
    {
      id: "cntk",
      malformedRule: "cntk-malformed",
      label: "a CNTK model",
      under: "cntk cmf dnn model mod ckp bin dat",
      patternSearch: "protobuf",
      mayMatch: isDictionary,
      load: once(async () => (await import("./mod.ts")).cntkFormat),
      samples: {
        harmful: "cntk/harmful/python_code.dnn",
        harmless: "cntk/safe/dense.dnn",
      },
    },
  ],
  unread: [
    // Version 1, of BrainScript: L"BCN" of a wide stream.
    {
      label: "a CNTK model of version 1",
      matches: ({ head }) => startsWith(head, ascii("B\0C\0N\0\0\0")),
    },
  ],
  coverage: [
    [
      "CNTK",
      "models and checkpoints of version 2: functions in Python and in native libraries, arrays against their shapes",
    ],
  ],
};
