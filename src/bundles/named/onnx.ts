/**
 * Files that an ONNX model has the numbers of its tensors in: `external_data` of its tensors.
 * https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
 *
 * @module
 */

import type { Member } from "../../core/types.ts";
import { WIRE, type WireField, type WireMessage, WireReader } from "../../parsers/protobuf.ts";
import type { IndexKind } from "./index_kind.ts";

/** Fields of one model. A model of 100 layers has 100,000. CWE-770. */
const FIELDS = 8_000_000;

/** Messages that lead to tensors, by field number, and where those of a tensor are. */
const MODEL = { graph: 7, functions: 25 } as const;
const GRAPH = { node: 1, initializer: 5, sparse: 15 } as const;
const NODE_ATTRIBUTE = 5;
const FUNCTION_NODE = 7;
const ATTRIBUTE = {
  tensor: 5,
  graph: 6,
  tensors: 10,
  graphs: 11,
  sparse: 22,
  sparses: 23,
} as const;
const SPARSE = { values: 1, indices: 2 } as const;
const TENSOR_EXTERNAL = 13;

type Kind = "model" | "graph" | "node" | "function" | "attribute" | "tensor" | "sparse";

const INTO: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { [MODEL.graph]: "graph", [MODEL.functions]: "function" },
  graph: { [GRAPH.node]: "node", [GRAPH.initializer]: "tensor", [GRAPH.sparse]: "sparse" },
  node: { [NODE_ATTRIBUTE]: "attribute" },
  function: { [FUNCTION_NODE]: "node" },
  attribute: {
    [ATTRIBUTE.tensor]: "tensor",
    [ATTRIBUTE.graph]: "graph",
    [ATTRIBUTE.tensors]: "tensor",
    [ATTRIBUTE.graphs]: "graph",
    [ATTRIBUTE.sparse]: "sparse",
    [ATTRIBUTE.sparses]: "sparse",
  },
  sparse: { [SPARSE.values]: "tensor", [SPARSE.indices]: "tensor" },
  tensor: {},
};

/** ONNX's external data. */
export const onnxData: IndexKind = {
  indices: /\.onnx$/iu,
  async read({ index, folder }) {
    const uses = await externalUses(index);
    const label = "data of an ONNX model";
    return new Map([...uses].map(([location, { bytes, anomaly }]) => {
      const path = location.replace(/^(?:\.\/)+/u, "");
      return [folder + path, { label, bytes, exact: false, anomaly }];
    }));
  },
};

/** What readers take without a thought: others have signs, spaces, other bases. */
const PLAIN_NUMBER = /^\d{1,15}$/u;

/** What a model reads of a file. */
interface Use {
  /** The furthest byte that is known. */
  readonly bytes: number;
  /** Why it may read further. */
  readonly anomaly: string | undefined;
}

/** What a model reads of each file. */
async function externalUses(index: Member): Promise<ReadonlyMap<string, Use>> {
  const uses = new Map<string, Use>();
  const source = index.open?.();
  if (source?.size === undefined) return uses;
  const reader = new WireReader(source, { limits: { values: FIELDS }, checkDeadline: () => {} });
  const stack: [WireMessage, Kind][] = [[reader.message(), "model"]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [message, kind] = top;
    const entries: WireField[] = [];
    await message.each((field) => {
      if (field.type !== WIRE.bytes) return;
      const into = INTO[kind][field.number];
      if (into !== undefined) stack.push([message.enter(field), into]);
      else if (kind === "tensor" && field.number === TENSOR_EXTERNAL) entries.push(field);
    });
    if (entries.length > 0) await addTensor(reader, entries, uses);
  }
  return uses;
}

async function addTensor(
  reader: WireReader,
  entries: readonly WireField[],
  uses: Map<string, Use>,
): Promise<void> {
  const locations: string[] = [];
  let bytes = 0;
  let anomaly: string | undefined;
  for (const { start, end } of entries) {
    let key = "";
    let value = "";
    await reader.message(start, end).each(async (field) => {
      if (field.number === 1) key = await reader.text(field);
      if (field.number === 2) value = await reader.text(field);
    });
    if (key === "location") locations.push(value);
    else if (key !== "offset" && key !== "length") continue;
    else if (PLAIN_NUMBER.test(value)) bytes += Number(value);
    else anomaly ??= `the ${key} of a tensor in it is "${value}", which is no number`;
  }
  for (const location of locations) {
    const known = uses.get(location);
    uses.set(location, {
      bytes: Math.max(known?.bytes ?? 0, bytes),
      anomaly: known?.anomaly ?? anomaly,
    });
  }
}
