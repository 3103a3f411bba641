/**
 * Protobuf messages that know some of ONNX and TensorFlow, with wrong lengths. Field numbers are
 * those of `onnx.proto3` and of TensorFlow's `saved_model.proto`, `meta_graph.proto`, `graph.proto`.
 *
 * @module
 */

import fc, { type Arbitrary } from "fast-check";
import { BOUNDARIES, join, little, varint } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

/** Fields of a message: a message of another kind, a text, or a number. */
type Schema = Readonly<Record<string, readonly (readonly [field: number, kind: string])[]>>;

const ONNX: Schema = {
  root: [[1, "number"], [2, "text"], [7, "graph"], [8, "opset"], [14, "pair"], [20, "training"], [
    25,
    "function",
  ]],
  graph: [[1, "node"], [2, "text"], [5, "tensor"], [11, "value"], [12, "value"], [15, "sparse"], [
    14,
    "quantization",
  ]],
  node: [[1, "text"], [2, "text"], [3, "text"], [4, "text"], [5, "attribute"], [7, "text"]],
  attribute: [
    [1, "text"],
    [3, "number"],
    [4, "text"],
    [5, "tensor"],
    [6, "graph"],
    [11, "graph"],
    [20, "number"],
    [21, "text"],
    [22, "sparse"],
  ],
  tensor: [[1, "number"], [2, "number"], [8, "text"], [9, "text"], [13, "pair"], [14, "number"]],
  pair: [[1, "text"], [2, "text"]],
  opset: [[1, "text"], [2, "number"]],
  function: [[1, "text"], [4, "text"], [6, "text"], [7, "node"], [9, "opset"], [10, "text"], [
    11,
    "attribute",
  ]],
  training: [[1, "graph"], [2, "graph"]],
  sparse: [[1, "tensor"], [2, "tensor"], [3, "number"]],
  value: [[1, "text"], [2, "text"]],
  quantization: [[1, "text"], [2, "pair"]],
};

const TENSORFLOW: Schema = {
  root: [[1, "number"], [2, "meta"]],
  meta: [
    [1, "info"],
    [2, "graph"],
    [3, "saver"],
    [4, "collection"],
    [5, "signature"],
    [6, "asset"],
    [7, "object"],
  ],
  info: [[1, "text"], [4, "text"], [5, "text"]],
  graph: [[1, "node"], [2, "library"], [4, "number"]],
  node: [[1, "text"], [2, "text"], [3, "text"], [4, "text"], [5, "entry"]],
  entry: [[1, "text"], [2, "attribute"]],
  attribute: [[1, "list"], [2, "text"], [3, "number"], [6, "number"], [7, "shape"], [8, "tensor"], [
    10,
    "name",
  ]],
  list: [[2, "text"], [8, "tensor"], [9, "name"]],
  name: [[1, "text"], [2, "entry"]],
  tensor: [[1, "number"], [2, "shape"], [4, "text"], [8, "text"]],
  shape: [[2, "number"]],
  library: [[1, "function"], [2, "pairText"]],
  function: [[1, "declaration"], [3, "node"], [4, "pairText"], [5, "entry"]],
  declaration: [[1, "text"], [2, "argument"], [3, "argument"]],
  argument: [[1, "text"], [3, "number"]],
  pairText: [[1, "text"], [2, "text"]],
  saver: [[1, "text"], [2, "text"], [3, "text"], [7, "number"]],
  collection: [[1, "text"], [2, "text"]],
  signature: [[1, "text"], [2, "text"]],
  asset: [[1, "text"], [2, "text"]],
  object: [[1, "text"]],
};

const TEXTS = [
  ...["PyFunc", "ReadFile", "WriteFile", "SaveV2", "RestoreV2", "Const", "Placeholder", "Identity"],
  ...["PartitionedCall", "MergeV2Checkpoints", "If", "While", "MatMul", "PyOp", "ai.onnx.contrib"],
  ...[
    "location",
    "../../etc/passwd",
    "/etc/passwd",
    "weights.bin",
    "offset",
    "length",
    "-1",
    "x",
    "",
  ],
  ...[
    "save/Const:0",
    "f",
    "f:0",
    "^f",
    "value",
    "T",
    "\x80\x02}.",
    "serve",
    "__saved_model_init_op",
  ],
];

/** Field by field: which of the schema's, which text or number, whether its length is wrong. */
interface Node {
  readonly pick: number;
  readonly text: number;
  readonly number: number;
  readonly lengthError: number;
  readonly inner: readonly Node[];
}

const { node: NODE } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.record({
    pick: fc.nat(63),
    text: fc.nat(TEXTS.length - 1),
    number: fc.nat(BOUNDARIES.length - 1),
    lengthError: fc.nat(60),
    inner: fc.oneof(
      { depthSize: "small", maxDepth: 7 },
      fc.constant([]),
      fc.array(tie("node"), { maxLength: 5 }),
      fc.array(tie("node"), { maxLength: 5 }),
    ),
  }) as Arbitrary<Node>,
}));

const MESSAGE = fc.array(NODE, { minLength: 2, maxLength: 7 });

function render(schema: Schema, kind: string, nodes: readonly Node[]): Uint8Array {
  return join(...nodes.map((node) => field(schema, schema[kind] ?? [], node)));
}

function field(schema: Schema, fields: Schema[string], node: Node): Uint8Array {
  const { pick, text, number, lengthError, inner } = node;
  const value = BOUNDARIES[number] ?? 0n;
  // Some fields are of no schema, or of another wire type than theirs.
  const [id, kind] = fields.length > 0 && pick < 56
    ? fields[pick % fields.length] ?? [1, "text"]
    : [pick, ["number", "text", "fixed4", "fixed8", "group", "root"][number % 6] ?? "text"];
  switch (kind) {
    case "number":
      return join(varint(id * 8), varint(value));
    case "fixed4":
      return join(varint(id * 8 + 5), little(4, value));
    case "fixed8":
      return join(varint(id * 8 + 1), little(8, value));
    case "group":
      return join(
        varint(id * 8 + 3),
        render(schema, "root", inner),
        lengthError < 6 ? [] : varint(id * 8 + 4),
      );
    default: {
      const content = kind === "text" ? join(TEXTS[text] ?? "") : render(schema, kind, inner);
      const length = lengthError === 0
        ? value
        : BigInt(content.length + (lengthError === 1 ? 1 : lengthError === 2 ? -1 : 0));
      return join(varint(id * 8 + 2), varint(length), content);
    }
  }
}

/** An ONNX model. */
export function onnxMessage(dice: Dice): Generated {
  const body = render(ONNX, "root", dice.sample(MESSAGE));
  const front = dice.chance(3, 4) ? join([8, 7, 0x12, 4], "fuzz", [0x42, 2, 0x10, 17]) : [];
  return { name: dice.pick(["m.onnx", "m.onnx", "m.bin"]), bytes: join(front, body) };
}

/** A SavedModel, or a graph of its own. */
export function tensorflowMessage(dice: Dice): Generated {
  const kind = dice.pick(["root", "meta", "graph"]);
  const name = { root: "saved_model.pb", meta: "m.meta", graph: "frozen.pb" }[kind] ?? "m.pb";
  return { name, bytes: render(TENSORFLOW, kind, dice.sample(MESSAGE)) };
}

/** A message in a message in a message: as deep as 1 MiB allows. */
export function nestedMessage(dice: Dice): Generated {
  const depth = 1 << (4 + dice.below(11));
  const tag = dice.pick([[0x3a], [0x0a], [0x12], [0x0a, 0x2a, 0x32], [0x13]]);
  let bytes = join("x");
  const pieces: Uint8Array[] = [];
  let length = bytes.length;
  for (let at = 0; at < depth; at++) {
    const head = join([tag[at % tag.length] ?? 0x0a], varint(length));
    pieces.push(head);
    length += head.length;
  }
  bytes = join(...pieces.reverse(), bytes);
  return { name: dice.pick(["m.onnx", "saved_model.pb", "frozen.pb"]), bytes };
}
