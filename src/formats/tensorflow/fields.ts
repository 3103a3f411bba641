/**
 * Field numbers of TensorFlow's messages, from the `.proto` files under `tensorflow/core/` that each
 * table names. https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core
 *
 * @module
 */

/** protobuf/saved_model.proto */
export const SAVED_MODEL = { schemaVersion: 1, metaGraphs: 2 } as const;

/** protobuf/meta_graph.proto */
export const META_GRAPH = {
  metaInfo: 1,
  graph: 2,
  saver: 3,
  collections: 4,
  signatures: 5,
  assets: 6,
  objects: 7,
} as const;

/** protobuf/meta_graph.proto, MetaInfoDef */
export const META_INFO = { version: 1, operators: 2, tags: 4, tensorflowVersion: 5 } as const;

/** protobuf/saver.proto */
export const SAVER = { filename: 1, save: 2, restore: 3 } as const;

/** protobuf/meta_graph.proto: CollectionDef and its lists, SignatureDef, TensorInfo, AssetFileDef */
export const COLLECTION = { nodes: 1, bytes: 2, messages: 5 } as const;
/** In each of these lists. */
export const LIST_VALUE = 1;
/** google/protobuf/any.proto */
export const ANY = { value: 2 } as const;
export const SIGNATURE = { inputs: 1, outputs: 2 } as const;
export const TENSOR_INFO = { name: 1, sparse: 4, composite: 5 } as const;
export const COO_SPARSE = { values: 1, indices: 2, shape: 3 } as const;
export const COMPOSITE = { components: 2 } as const;
export const ASSET = { tensor: 1, filename: 2 } as const;

/** Every map is a repeated message of these. */
export const ENTRY = { key: 1, value: 2 } as const;

/** framework/graph.proto */
export const GRAPH = { node: 1, library: 2, version: 3, versions: 4, debug: 5 } as const;

/** framework/node_def.proto; fields up to 7 are known */
export const NODE = { name: 1, op: 2, input: 3, device: 4, attr: 5 } as const;
export const NODE_FIELDS = 7;

/** framework/function.proto: FunctionDefLibrary, GradientDef, FunctionDef */
export const LIBRARY = { functions: 1, gradients: 2 } as const;
export const GRADIENT = { function: 1, gradient: 2 } as const;
export const FUNCTION = { signature: 1, nodes: 3, attr: 5, returns: 4 } as const;

/** framework/op_def.proto: OpDef, ArgDef; framework/op_def.proto, OpList */
export const OP = { name: 1, inputs: 2, outputs: 3 } as const;
export const ARGUMENT = { name: 1, count: 5, types: 6 } as const;
export const OP_LIST = { op: 1 } as const;

/** framework/attr_value.proto: AttrValue, ListValue, NameAttrList */
export const ATTRIBUTE = {
  list: 1,
  text: 2,
  number: 3,
  type: 6,
  tensor: 8,
  placeholder: 9,
  func: 10,
} as const;
export const LIST = { text: 2, tensor: 8, func: 9 } as const;
export const NAME_ATTRIBUTES = { name: 1, attr: 2 } as const;

/** framework/tensor.proto, tensor_shape.proto, VariantTensorDataProto */
export const TENSOR = {
  ...{ dtype: 1, shape: 2, content: 4, ints: 7, texts: 8, longs: 10, variants: 15 },
} as const;
export const SHAPE = { dim: 2 } as const;
export const DIM = { size: 1 } as const;
export const VARIANT = { metadata: 2, tensors: 3 } as const;

/** framework/types.proto */
export const DT_STRING = 7;
export const DT_INT32 = 3;
export const DT_INT64 = 9;

/** protobuf/saved_object_graph.proto */
export const OBJECTS = { nodes: 1, functions: 2 } as const;
export const OBJECT = { user: 4, asset: 5, constant: 9 } as const;
export const USER_OBJECT = { identifier: 1, metadata: 3 } as const;
export const SAVED_ASSET = { index: 1 } as const;
export const SAVED_CONSTANT = { operation: 1 } as const;
export const CONCRETE_FUNCTION = { boundInputs: 2 } as const;

/** protobuf/fingerprint.proto: five checksums, versions, an identifier */
export const FINGERPRINT = { checksums: 5, versions: 6, uuid: 7 } as const;
