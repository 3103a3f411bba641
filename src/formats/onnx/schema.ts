/**
 * The messages of ONNX as far as something in them matters, by field number, from `onnx/onnx.proto`
 * (onnx 1.23, IR version 14). What is not listed is stepped over.
 *
 * @module
 */

/** Messages that are looked into. */
export type Kind =
  | "model"
  | "graph"
  | "node"
  | "attribute"
  | "tensor"
  | "sparse"
  | "function"
  | "training"
  | "entry";

/** How a field is written: numbers of a repeated field may also be packed into bytes. */
type Wire = "varint" | "fixed32" | "fixed64" | "bytes" | "varints" | "fixed32s" | "fixed64s";

/** One field. */
export interface FieldRow {
  readonly wire: Wire;
  /** The message in it, where that is looked into. */
  readonly message?: Kind;
  /** True for a text that is kept, under its field number. */
  readonly text?: boolean;
  /** True for a number that is kept. */
  readonly number?: boolean;
}

const bytes: FieldRow = { wire: "bytes" };
const text: FieldRow = { wire: "bytes", text: true };
const varint: FieldRow = { wire: "varint" };
const kept: FieldRow = { wire: "varint", number: true };
const of = (message: Kind): FieldRow => ({ wire: "bytes", message });

/** The newest IR version whose messages this table knows. */
export const NEWEST_IR_VERSION = 14;

/** Since this IR version a model says which operator sets it uses. */
export const OPSET_IR_VERSION = 3;

/** Field numbers that the reader asks for by name. */
export const FIELD = {
  irVersion: 1,
  graph: 7,
  opsetImport: 8,
  graphName: 2,
  nodeName: 3,
  opType: 4,
  nodeDomain: 7,
  attributeName: 1,
  attributeInt: 3,
  attributeString: 4,
  attributeStrings: 9,
  functionName: 1,
  functionDomain: 10,
  tensorName: 8,
  dataLocation: 14,
  entryKey: 1,
  entryValue: 2,
} as const;

/** `TensorProto.DataLocation.EXTERNAL` */
export const EXTERNAL = 1;

type Rows = Readonly<Record<number, FieldRow>>;

export const SCHEMA: Readonly<Record<Kind, Rows>> = {
  model: {
    1: kept, // ir_version
    2: bytes, // producer_name
    3: bytes, // producer_version
    4: bytes, // domain
    5: varint, // model_version
    6: bytes, // doc_string
    7: of("graph"),
    8: { wire: "bytes", number: true }, // opset_import: that there is one
    14: of("entry"), // metadata_props
    20: of("training"),
    25: of("function"),
    26: bytes, // configuration
  },
  graph: {
    1: of("node"),
    2: text, // name
    5: of("tensor"), // initializer
    10: bytes, // doc_string
    11: bytes, // input
    12: bytes, // output
    13: bytes, // value_info
    14: bytes, // quantization_annotation
    15: of("sparse"), // sparse_initializer
    16: bytes, // metadata_props
  },
  node: {
    1: bytes, // input
    2: bytes, // output
    3: text, // name
    4: text, // op_type
    5: of("attribute"),
    6: bytes, // doc_string
    7: text, // domain
    8: bytes, // overload
    9: bytes, // metadata_props
    10: bytes, // device_configurations
  },
  attribute: {
    1: text, // name
    2: { wire: "fixed32" }, // f
    3: kept, // i
    4: text, // s
    5: of("tensor"), // t
    6: of("graph"), // g
    7: { wire: "fixed32s" }, // floats
    8: { wire: "varints" }, // ints
    9: text, // strings
    10: of("tensor"), // tensors
    11: of("graph"), // graphs
    13: bytes, // doc_string
    14: bytes, // tp
    15: bytes, // type_protos
    20: varint, // type
    21: bytes, // ref_attr_name
    22: of("sparse"), // sparse_tensor
    23: of("sparse"), // sparse_tensors
  },
  tensor: {
    1: { wire: "varints" }, // dims
    2: varint, // data_type
    3: bytes, // segment
    4: { wire: "fixed32s" }, // float_data
    5: { wire: "varints" }, // int32_data
    6: bytes, // string_data
    7: { wire: "varints" }, // int64_data
    8: text, // name
    9: bytes, // raw_data
    10: { wire: "fixed64s" }, // double_data
    11: { wire: "varints" }, // uint64_data
    12: bytes, // doc_string
    13: of("entry"), // external_data
    14: kept, // data_location
    16: bytes, // metadata_props
  },
  sparse: { 1: of("tensor"), 2: of("tensor"), 3: { wire: "varints" } },
  function: {
    1: text, // name
    4: bytes, // input
    5: bytes, // output
    6: bytes, // attribute
    7: of("node"),
    8: bytes, // doc_string
    9: bytes, // opset_import
    10: text, // domain
    11: of("attribute"), // attribute_proto
    12: bytes, // value_info
    13: bytes, // overload
    14: bytes, // metadata_props
  },
  training: {
    1: of("graph"), // initialization
    2: of("graph"), // algorithm
    3: bytes, // initialization_binding
    4: bytes, // update_binding
  },
  entry: { 1: text, 2: text },
};

/** Wire types as numbers, https://protobuf.dev/programming-guides/encoding/#structure */
const WIRE_TYPES: Readonly<Record<Wire, readonly number[]>> = {
  varint: [0],
  fixed64: [1],
  bytes: [2],
  fixed32: [5],
  varints: [0, 2],
  fixed64s: [1, 2],
  fixed32s: [5, 2],
};

/** True when a field that is known has a wire type that it may have. */
export function hasRightType(row: FieldRow, type: number): boolean {
  return WIRE_TYPES[row.wire].includes(type);
}
