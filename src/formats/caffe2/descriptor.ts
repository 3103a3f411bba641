/**
 * Caffe2: networks in protobuf.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { isNet } from "./head.ts";

/** Caffe2. */
export const caffe2Descriptor: FormatDescriptor = {
  id: "caffe2",
  title: "Caffe2",
  role: "code",
  claims: [
    { label: "a Caffe2 database", extensions: "minidb", unread: true },
  ],
  readers: [
    {
      id: "caffe2",
      malformedRule: "caffe2-malformed",
      label: "a Caffe2 network",
      under: "pb bin dat",
      patternSearch: "protobuf",
      mayMatch: isNet,
      load: once(async () => (await import("./mod.ts")).caffe2Format),
      samples: {
        harmful: "caffe2/harmful/pickled_builder.pb",
        harmless: "caffe2/safe/predict_net.pb",
      },
    },
  ],
  coverage: [
    [
      "Caffe2",
      "`init_net.pb`, `predict_net.pb`: operators by name, in networks among their arguments too; pickles of Python operators",
    ],
  ],
};
