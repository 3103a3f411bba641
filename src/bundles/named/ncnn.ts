/**
 * `X.bin` with the weights of NCNN's network `X.param`, a text of one line a layer. How many bytes each
 * layer reads follows from its parameters, for the layers that have weights.
 * https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
 *
 * @module
 */

import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

/** The first line of a network as text. */
const MAGIC = "7767517";
/** The largest real network has 2 MiB. CWE-770. */
const PARAM_BYTES = 64 * 1024 * 1024;

/** NCNN's weights. */
export const ncnnWeights: IndexKind = {
  indices(file) {
    if (!/^[^/]+\.bin$/iu.test(file)) return [];
    const stem = file.replace(/\.bin$/iu, "");
    return [`${stem}.param`, stem];
  },
  async read({ index }) {
    const bytes = await memberBytes(index, PARAM_BYTES);
    if (bytes === undefined) return new Map();
    const layers = readLayers(new TextDecoder().decode(bytes));
    if (layers === undefined) return new Map();
    const name = `${index.name.replace(/\.param$/iu, "")}.bin`;
    const label = "weights of an NCNN model";
    const counts = layers.map(weightBytes);
    const lying = layers[counts.indexOf(undefined)];
    return new Map([[name, {
      label,
      bytes: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
      exact: false,
      anomaly: lying && `the counts of a layer "${lying.type}" in it are none`,
    }]]);
  },
};

interface Layer {
  readonly type: string;
  /** Plain parameters by their number. */
  readonly parameters: ReadonlyMap<number, number>;
}

/** Layers of a network; undefined when the text is none or its counts lie. */
function readLayers(text: string): readonly Layer[] | undefined {
  const lines = text.split(/\r?\n/u).map((line) => line.trim()).filter((line) => line !== "");
  const [magic, counts = "", ...rest] = lines;
  const [layers] = counts.split(/\s+/u).map(Number);
  if (magic !== MAGIC || layers !== rest.length) return undefined;
  return rest.map((line) => {
    const [type = "", , inputs, outputs, ...words] = line.split(/\s+/u);
    const parameters = words.slice(Number(inputs) + Number(outputs)).flatMap((word) => {
      const [key, value] = word.split("=").map(Number);
      const plain = key !== undefined && value !== undefined && !Number.isNaN(value);
      return plain ? [[key, value] as const] : [];
    });
    return { type, parameters: new Map(parameters) };
  });
}

/**
 * The fewest bytes that a layer reads. Weights begin with a mark of four bytes and are of 32 bits, of
 * 16 or of 8 by the mark, which is in the file itself: eight bits are assumed.
 *
 * @returns undefined when a count of the layer is none
 */
function weightBytes({ type, parameters }: Layer): number | undefined {
  let lies = false;
  const value = (key: number): number => {
    const count = parameters.get(key) ?? 0;
    lies ||= !Number.isSafeInteger(count) || count < 0;
    return count;
  };
  const bias = (): number => value(0) * 4;
  let bytes = 0;
  if (/^(?:Convolution|Deconvolution)(?:1D|3D|DepthWise|DepthWise1D|DepthWise3D)?$/u.test(type)) {
    bytes = 4 + value(6) + (value(5) === 1 ? bias() : 0);
  } else if (type === "InnerProduct") bytes = 4 + value(2) + (value(1) === 1 ? bias() : 0);
  else if (type === "BatchNorm") bytes = 4 * bias();
  else if (type === "PReLU") bytes = bias();
  else if (type === "Scale") {
    // A negative size says that the scale is an input of the layer.
    if ((parameters.get(0) ?? 0) >= 0) bytes = bias() * (value(1) === 1 ? 2 : 1);
  } else if (type === "Embed") bytes = 4 + value(3);
  return lies ? undefined : bytes;
}
