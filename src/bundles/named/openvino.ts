/**
 * `X.bin` with the constants of the network `X.xml`.
 *
 * @module
 */

import { IR_BYTES, isNetwork, readNetwork } from "../../parsers/openvino_ir.ts";
import { decodeXml } from "../../parsers/xml_head.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

/** OpenVINO's weights. */
export const openvinoWeights: IndexKind = {
  indices: (file) => /^[^/]+\.bin$/iu.test(file) ? [file.replace(/\.bin$/iu, ".xml")] : [],
  async read({ index }) {
    const bytes = await memberBytes(index, IR_BYTES);
    if (bytes === undefined) return new Map();
    const { text } = decodeXml(bytes);
    if (isNetwork(text) !== true) return new Map();
    const { weights } = readNetwork(text);
    if (weights === 0) return new Map();
    const name = index.name.replace(/\.xml$/iu, ".bin");
    return new Map([[name, {
      label: "weights of an OpenVINO model",
      bytes: weights,
      exact: true,
    }]]);
  },
};
