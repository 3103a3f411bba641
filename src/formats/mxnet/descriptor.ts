/**
 * MXNet: graphs in JSON, and parameters.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { isLongObject, isParameters, isSymbol } from "./head.ts";

/** MXNet. */
export const mxnetDescriptor: FormatDescriptor = {
  id: "mxnet",
  title: "MXNet",
  role: "code",
  claims: [
    { label: "MXNet parameters", extensions: "params ndarray", weak: true },
  ],
  readers: [
    {
      id: "mxnet-symbol",
      malformedRule: "mxnet-malformed",
      label: "an MXNet graph",
      under: "json symbol",
      patternSearch: "text",
      mayMatch: (sample) => isSymbol(sample) || isLongObject(sample),
      load: once(async () => (await import("./symbol.ts")).mxnetSymbolFormat),
      samples: {
        harmful: "mxnet/harmful/native-symbol.json",
        harmless: "mxnet/safe/mlp-symbol.json",
      },
    },
    {
      id: "mxnet-params",
      malformedRule: "mxnet-malformed",
      label: "MXNet parameters",
      under: "params ndarray nd bin dat",
      mayMatch: isParameters,
      load: once(async () => (await import("./params.ts")).mxnetParamsFormat),
      samples: {
        harmful: "mxnet/malformed/shape.params",
        harmless: "mxnet/safe/mlp-0000.params",
      },
    },
  ],
  coverage: [
    [
      "MXNet",
      "`-symbol.json`: operators by name, in subgraphs too, indices of nodes; `.params`: every array to the end of the file",
    ],
  ],
};
