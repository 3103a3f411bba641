/**
 * What of a TensorFlow graph decides what it does: its nodes, functions and how they are wired, its
 * signatures, its saver and its assets. Plain data.
 *
 * @module
 */

/** The texts of a constant, as far as they are kept. */
export interface Texts {
  readonly texts: readonly string[];
  /** True when some are longer, or there are more. */
  readonly cut: boolean;
  /** True when each is a serialized graph that is read in its turn. */
  readonly graphs: boolean;
  /** Where they are, the first few of them; more than one where there are several. */
  readonly places: readonly { readonly start: number; readonly end: number }[];
}

/** Functions of the host that a compiled module calls by name, see `stablehlo.ts`. */
export interface CallTargets {
  /** Names that may be targets. */
  readonly names: readonly string[];
  /**
   * "none": it calls nothing; "named": it calls none but the names; "unread": nothing can tell.
   */
  readonly kind: "none" | "named" | "unread";
}

/** A NodeDef. */
export interface GraphNode {
  name: string;
  op: string;
  /** As written: `node`, `node:1`, `node:output:0`, an argument's name; `^node` waits for it only. */
  inputs: string[];
  /** Names of functions in its attributes, those in lists included. */
  functions: string[];
  /** Attributes that are short texts, by name. */
  texts: Map<string, string>;
  /** Names of attributes that the call of a function fills in (`AttrValue.placeholder`). */
  open: Set<string>;
  /** True where a function is an attribute of another: who calls it, and with what, is not followed. */
  handsOn: boolean;
  /** Attribute `value`, where it is a tensor of strings. */
  constant: Texts | undefined;
  /** Attribute `value`, where it is one integer that is not negative; NaN for other tensors. */
  integer: number | undefined;
  /** What `XlaCallModule` calls outside its module; undefined for other operators. */
  targets: CallTargets | undefined;
  /** Attribute `dtype`, a number of framework/types.proto. */
  dtype: number | undefined;
  /** Bytes from the start of the source. */
  readonly offset: number;
}

/** A graph or the body of a function: names in it mean something only there. */
export interface Scope {
  /** Undefined for the graph itself. */
  name: string | undefined;
  readonly nodes: GraphNode[];
  readonly byName: Map<string, GraphNode>;
  /** True where an argument or a result may be several tensors, so that places do not count. */
  lists: boolean;
  /** Names of a function's arguments, in order. */
  readonly inputs: string[];
  /** Names of a function's results, in order. */
  readonly outputs: string[];
  /** What a result is, by its name: a reference in this scope. */
  readonly returns: Map<string, string>;
}

/** A SignatureDef, or what a loader runs of its own accord. */
export interface Signature {
  name: string;
  /** True for what a loader runs of its own accord. */
  readonly loading: boolean;
  /** References in the graph. */
  readonly inputs: string[];
  readonly outputs: string[];
}

/** An AssetFileDef. */
interface Asset {
  tensor: string;
  filename: string;
  readonly offset: number;
}

/** What a concrete function of the object graph is called with, behind what its caller gives. */
export type Bound = { readonly asset: number } | { readonly node: string } | undefined;

/** Everything of one MetaGraphDef, or of one GraphDef. */
export interface Graph {
  readonly tags: string[];
  readonly main: Scope;
  readonly functions: Map<string, Scope>;
  /** Functions that stand for the gradient of another. */
  readonly gradients: string[];
  /** SaverDef.filename_tensor_name, of each saver that there is. */
  readonly savers: string[];
  readonly signatures: Signature[];
  readonly assets: Asset[];
  /** By name of the concrete function. */
  readonly bound: Map<string, Bound[]>;
}

export function emptyScope(): Scope {
  return {
    name: undefined,
    nodes: [],
    byName: new Map(),
    lists: false,
    inputs: [],
    outputs: [],
    returns: new Map(),
  };
}

export function emptyGraph(): Graph {
  return {
    tags: [],
    main: emptyScope(),
    functions: new Map(),
    gradients: [],
    savers: [],
    signatures: [],
    assets: [],
    bound: new Map(),
  };
}

/** All scopes of a graph, the graph itself first. */
export function scopesOf(graph: Graph): Scope[] {
  return [graph.main, ...graph.functions.values()];
}

/** A reference without its index: `node:output:0` and `^node` are about `node`. */
export function nodeOf(reference: string): string {
  const name = reference.startsWith("^") ? reference.slice(1) : reference;
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(0, colon);
}

/** The index at the end of a reference, with any number of zeros before it; 0 when there is none. */
export function indexOf(reference: string): number {
  const index = /:(\d+)$/u.exec(reference)?.[1];
  return index === undefined ? 0 : Number(index);
}

const DATA_INPUTS = new WeakMap<GraphNode, readonly string[]>();

/** The inputs that carry data. A node may have a hundred thousand, and be asked for each. */
export function dataInputs(node: GraphNode): readonly string[] {
  let inputs = DATA_INPUTS.get(node);
  if (inputs === undefined) {
    inputs = node.inputs.filter((input) => !input.startsWith("^"));
    DATA_INPUTS.set(node, inputs);
  }
  return inputs;
}
