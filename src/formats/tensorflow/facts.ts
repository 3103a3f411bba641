/**
 * States what the operators of a graph are, what they are given, and from where they are reached.
 *
 * @module
 */

import type { Evidence, Fact, Interest, Observation, OperatorFact } from "../../core/types.ts";
import { Flow } from "./flow.ts";
import {
  type CallTargets,
  dataInputs,
  type Graph,
  type GraphNode,
  nodeOf,
  type Scope,
  scopesOf,
  type Signature,
} from "./graph.ts";
import { TEXT_BYTES } from "./read.ts";
import type { Value } from "./values.ts";

/** `filename="model"`, python/training/saver.py of TensorFlow 1. */
const DEFAULT_FILENAME = "model";
const LANGUAGE = "tensorflow";

/** Inputs and attributes shown of one operator, and characters of a text among them. */
const SHOWN = 4;
/** Characters shown of a text. Longer ones are cut: their beginning is evidence. CWE-779. */
const SHOWN_CHARACTERS = 300;
/**
 * Characters of a piece of evidence, and of an expression. Longer ones are cut: their beginning is evidence.
 * CWE-779.
 */
const EVIDENCE_CHARACTERS = 2048;
/** Signatures that are followed; real models have a handful. Of more, roles by reach are not known. CWE-834. */
const SIGNATURES = 64;

/** Operators of checkpoints, with the inputs that name files. */
const SAVERS: Readonly<Record<string, readonly number[]>> = {
  __proto__: null as never,
  Save: [0],
  SaveSlices: [0],
  SaveV2: [0],
  Restore: [0],
  RestoreSlice: [0],
  RestoreV2: [0],
  MergeV2Checkpoints: [0, 1],
  ShardedFilename: [0],
};

/** Those of them that write. */
const SAVING = new Set(["Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"]);

/** Operators that read the file named by an input, which may be one of the model's own. */
const READERS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  ReadFile: 0,
  InitializeTableFromTextFile: 1,
  InitializeTableFromTextFileV2: 1,
  TextLineDataset: 0,
  TFRecordDataset: 0,
  TFRecordDatasetV2: 0,
  FixedLengthRecordDataset: 0,
  FixedLengthRecordDatasetV2: 0,
  CSVDataset: 0,
  CSVDatasetV2: 0,
};

/** Operators that use a file only where they are set to: an attribute, and what tells them not to. */
const FILE_ATTRIBUTES: Readonly<Record<string, readonly [name: string, harmless: RegExp]>> = {
  __proto__: null as never,
  PrintV2: ["output_stream", /^(?:stdout|stderr|log\((?:info|warning|error)\)|)$/u],
  FixedUnigramCandidateSampler: ["vocab_file", /^$/u],
  DecodeProtoV2: ["descriptor_source", /^(?:$|local:\/\/|bytes:\/\/)/u],
  EncodeProto: ["descriptor_source", /^(?:$|local:\/\/|bytes:\/\/)/u],
  // kernels/immutable_constant_op.cc maps any file; the packages that converters write have this scheme.
  ImmutableConst: ["memory_region_name", /^memmapped_package:\/\//u],
};

/** Operators that hand a tensor to a function of the host, with the attribute that names it. */
const CUSTOM_CALLS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  XlaCustomCall: "target_name",
  XlaCustomCallV2: "call_target_name",
};
/** Targets that call Python, through an address in one of their inputs (jaxlib, `py_client`). */
const PYTHON_TARGET = /python|callback|py_func|pyfunc/iu;
/** Targets that compute: XLA's own, those of jaxlib's linear algebra, jax2tf's calls of the library. */
const COMPUTING_TARGET =
  /^(?:Sharding|SPMD\w+|TopK|mhlo\.\w+|chlo\.\w+|stablehlo\.\w+|tf\.call_tf_function|shape_assertion|annotate_device_placement|\w+Annotation|Eigh?|Qr|LuDecomposition|ProductOfElementaryHouseholderReflectors|CholeskyDecomposition|(?:lapack|blas|cublas|cusolver|cusparse|hipblas|hipsolver|ducc_fft|dynamic_ducc_fft|cuthreefry2x32|threefry2x32|cu_threefry2x32|cu_lu_pivots_to_permutation|__cublas|__cudnn|__gpu|__onednn|tpu)\w*|PartialReduce|ApproxTopK|AllocateBuffer|drop|ExecutionScope|inspect_sharding|xla\.sdy\.\w+)$/u;

/** Datasets that are kept in memory where the name of their file is empty. */
const CACHES: Readonly<Record<string, number>> = {
  __proto__: null as never,
  CacheDataset: 1,
  CacheDatasetV2: 1,
};

/** Operators whose texts are commands. */
const COMMANDS = new Set(["ShellExecute", "ExecuteOp", "SystemConfig"]);

/** Attributes that say nothing of what an operator does. */
const DULL =
  /^(?:_.*|container|shared_name|config|config_proto|executor_type|metadata|debug_name)$/u;

/** States one graph. */
export class GraphFacts {
  readonly #graph: Graph;
  readonly #interest: Interest;
  readonly #within: readonly string[];
  readonly #flow: Flow;
  readonly #reached: Reached;
  readonly #computed: ReadonlySet<GraphNode>;
  #idle: Flow | undefined;

  /**
   * @param around `within`: where the graph is, when it is inside another; `computed`: the operators that
   * run a graph which was computed and is read in its turn
   */
  constructor(
    graph: Graph,
    interest: Interest,
    { within, computed }: {
      readonly within: readonly string[];
      readonly computed: ReadonlySet<GraphNode>;
    },
  ) {
    this.#computed = computed;
    this.#graph = graph;
    this.#interest = interest;
    this.#within = within;
    this.#flow = new Flow(graph);
    this.#reached = new Reached(graph);
  }

  /** Facts for all nodes: harmless ones by operator, with a count, all others one by one. */
  *all(): Iterable<Observation> {
    const counted = new Map<string, { fact: Fact; count: number; offset: number }>();
    for (const scope of scopesOf(this.#graph)) {
      for (const node of scope.nodes) {
        // Cut off before its operator, or without one: reported as malformed.
        if (node.op === "") continue;
        const role = this.#role(scope, node);
        const known = this.#interest.operatorKnowledge?.(LANGUAGE, node.op) ?? "unknown";
        const calls = this.#graph.functions.has(node.op);
        if (calls && known === "unknown") continue;
        // A function that the library lacks may still be an operator.
        for (const name of node.functions) {
          if (this.#graph.functions.has(name)) continue;
          if (this.#interest.operatorKnowledge?.(LANGUAGE, name) !== "named") continue;
          yield this.#observe(this.#tell(scope, { ...node, op: name }, undefined), 1, node.offset);
        }
        if (role === undefined && known !== "harmless") {
          yield this.#observe(this.#tell(scope, node, undefined), 1, node.offset);
          continue;
        }
        if (role !== undefined && role !== "saver") {
          yield this.#observe(this.#tell(scope, node, role), 1, node.offset);
          continue;
        }
        const key = `${node.op}\n${role ?? ""}`;
        const seen = counted.get(key);
        if (seen !== undefined) seen.count++;
        else counted.set(key, { fact: plainFact(node, role), count: 1, offset: node.offset });
      }
    }
    for (const { fact, count, offset } of counted.values()) {
      yield this.#observe(fact, count, offset);
    }
  }

  #observe(fact: Fact, count: number, offset: number): Observation {
    const within = this.#within;
    return { type: "fact", fact, count, offset, ...(within.length > 0 && { within }) };
  }

  /** The part that a node plays, where that changes what it does. */
  #role(scope: Scope, node: GraphNode): string | undefined {
    const inputs = dataInputs(node);
    const value = (at: number): Value => this.#flow.value(scope, inputs[at] ?? "");
    const savers = SAVERS[node.op];
    if (savers !== undefined && !this.#writesAtLoad(scope, node)) {
      if (savers.every((at) => value(at).kind === "saver")) return "saver";
      if (this.#isIdle(scope, node, savers)) return "saver";
    }
    const reader = READERS[node.op];
    if (reader !== undefined && this.#isAsset(scope, node, value(reader))) return "asset";
    if (node.op === "DatasetFromGraph") {
      if (this.#computed.has(node)) return "known";
      const graph = value(0);
      return graph.kind === "texts" && graph.graphs === true ? "known" : undefined;
    }
    const target = CUSTOM_CALLS[node.op];
    if (target !== undefined) {
      return node.open.has(target)
        ? undefined
        : roleOfCall({ names: [node.texts.get(target) ?? ""], kind: "named" });
    }
    if (node.op === "XlaCallModule") {
      return roleOfCall(
        (node.open.has("module") ? undefined : node.targets) ?? { names: [], kind: "unread" },
      );
    }
    const cache = CACHES[node.op];
    if (cache !== undefined) {
      const name = value(cache);
      const none = name.kind === "texts" && name.only && name.texts.every((text) => text === "");
      return none ? "memory" : undefined;
    }
    const [attribute, harmless] = FILE_ATTRIBUTES[node.op] ?? [];
    if (attribute === undefined) return undefined;
    // What the call of the function fills in may be anything.
    const given = !node.open.has(attribute);
    if (given && harmless?.test(node.texts.get(attribute) ?? "")) return undefined;
    return "file";
  }

  /** True for an operator that writes to what is only loaded: no saver of TensorFlow's does so. */
  #writesAtLoad(scope: Scope, node: GraphNode): boolean {
    return SAVING.has(node.op) &&
      (!this.#reached.loaded || this.#reached.of(scope, node).some(({ loading }) => loading));
  }

  /**
   * True for a further saver, such as training leaves behind: nothing names it, no signature and no loader
   * reaches it, and its file has a plain default name that the user who runs it replaces.
   */
  #isIdle(scope: Scope, node: GraphNode, inputs: readonly number[]): boolean {
    const isReached = !this.#reached.complete || this.#reached.of(scope, node).length > 0;
    if (scope !== this.#graph.main || isReached) return false;
    this.#idle ??= new Flow({ ...this.#graph, savers: this.#idleSavers() });
    const flow = this.#idle;
    const names = dataInputs(node);
    return inputs.every((at) => flow.value(scope, names[at] ?? "").kind === "saver");
  }

  /**
   * What may be a saver's filename; whether it is one is for `Flow` to say. Until TensorFlow 1.5 it was
   * a constant, of the text that `BaseSaverBuilder.build` takes where nothing gives another.
   */
  #idleSavers(): string[] {
    const { main } = this.#graph;
    return main.nodes.filter(({ op, name }) => {
      if (op !== "Const") return op === "PlaceholderWithDefault";
      const value = this.#flow.value(main, name);
      return value.kind === "texts" && value.only && value.texts.length === 1 &&
        value.texts[0] === DEFAULT_FILENAME;
    }).map(({ name }) => name);
  }

  /**
   * True for a file of the model's own: a tensor that has to be fed, or one with a constant that is
   * replaced while the model is loaded, and used at no other time.
   */
  #isAsset(scope: Scope, node: GraphNode, value: Value): boolean {
    if (value.kind !== "asset") return false;
    const asset = this.#graph.assets[value.index];
    if (asset === undefined || leavesFolder(asset.filename)) return false;
    const roots = this.#reached.of(scope, node);
    return value.fed ||
      (this.#reached.complete && roots.length > 0 && roots.every(({ loading }) => loading));
  }

  #tell(scope: Scope, node: GraphNode, role: string | undefined): OperatorFact {
    const inputs = dataInputs(node);
    const values = inputs.map((input) => this.#flow.value(scope, input));
    const signatures = this.#reached.of(scope, node);
    const names = signatures.map(({ name }) => name);
    const where = [
      `node ${quote(node.name)}`,
      ...(scope.name === undefined ? [] : [`function ${quote(scope.name)}`]),
      ...(names.length === 0 ? [] : [`signature ${names.map(quote).join(", ")}`]),
    ];
    const shown = this.#arguments(node, values);
    const expression = `${node.op}(${shown}) at ${where.join(" of ")}`;
    const evidence = evidenceOf(node, values);
    return {
      kind: "operator",
      language: LANGUAGE,
      name: node.op,
      expression: expression.slice(0, EVIDENCE_CHARACTERS),
      ...(role !== undefined && { role }),
      ...(evidence.length > 0 && { evidence }),
      details: {
        node: node.name,
        ...(scope.name !== undefined && { function: scope.name }),
        ...(names.length > 0 && { signature: names }),
        ...(signatures.some(({ loading }) => loading) && { runs: "while the model is loaded" }),
        ...(this.#graph.tags.length > 0 && { meta_graph: this.#graph.tags }),
      },
    };
  }

  #arguments(node: GraphNode, values: readonly Value[]): string {
    const shown = values.slice(0, SHOWN).map((value) => this.#show(value));
    if (values.length > SHOWN) shown.push("…");
    for (const [name, text] of node.texts) {
      if (DULL.test(name) || shown.length > 2 * SHOWN) continue;
      shown.push(`${name}=${quote(text)}`);
    }
    return shown.join(", ");
  }

  #show(value: Value): string {
    switch (value.kind) {
      case "saver":
        return "<checkpoint>";
      case "asset":
        return `<asset ${quote(this.#graph.assets[value.index]?.filename ?? "")}>`;
      case "texts":
        return value.texts.map(quote).join(" or ") + (value.only ? "" : " or …");
      case "input":
        return `<input ${quote(value.name)}>`;
      case "variable":
      case "unknown":
        return "…";
    }
  }
}

/** What a call of the host by name amounts to; undefined where nothing can tell. */
function roleOfCall({ names, kind }: CallTargets): string | undefined {
  if (kind === "none") return "known";
  if (names.some((name) => PYTHON_TARGET.test(name))) return "python";
  const computes = (name: string): boolean => COMPUTING_TARGET.test(name);
  return kind === "named" && names.every(computes) ? "known" : undefined;
}

/**
 * True for a name that leads out of the folder that it is looked up in: it climbs, or is absolute, so
 * that `os.path.join` drops the folder; one that is longer than what is kept may do either.
 */
export function leavesFolder(name: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:)/u.test(name) || name.split(/[\\/]/u).includes("..") ||
    name.length >= TEXT_BYTES;
}

function plainFact(node: GraphNode, role: string | undefined): OperatorFact {
  const { op } = node;
  const common = { kind: "operator", language: LANGUAGE, name: op, expression: op } as const;
  return role === undefined ? common : { ...common, role };
}

function quote(text: string): string {
  return JSON.stringify(
    text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text,
  );
}

function evidenceOf(node: GraphNode, values: readonly Value[]): Evidence[] {
  const evidence: Evidence[] = [];
  const add = (text: string, first: boolean): void => {
    if (text.trim() === "" || evidence.length === SHOWN) return;
    const cut = text.length >= EVIDENCE_CHARACTERS;
    evidence.push({
      kind: kindOf(node.op, text, first),
      text: text.slice(0, EVIDENCE_CHARACTERS),
      cut,
    });
  };
  values.forEach((value, at) => {
    if (value.kind === "texts") { for (const text of value.texts) add(text, at === 0); }
  });
  for (const [name, text] of node.texts) if (!DULL.test(name)) add(text, false);
  return evidence;
}

function kindOf(op: string, text: string, first: boolean): Evidence["kind"] {
  if (COMMANDS.has(op)) return "command";
  if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return "url";
  if (
    (!/\s/u.test(text) && /[\\/]/u.test(text)) ||
    (first && /File|Dataset|Save|Restore|Merge/u.test(op))
  ) {
    return "path";
  }
  return "text";
}

/** From where something is reached. */
type Root = Pick<Signature, "name" | "loading">;

/** Which signatures reach which nodes and functions. */
class Reached {
  readonly #graph: Graph;
  readonly #nodes = new Map<string, Root[]>();
  readonly #functions = new Map<string, Root[]>();
  /** False where there are more signatures than are followed, and where so many are of loaders. */
  readonly complete: boolean;
  readonly loaded: boolean;

  constructor(graph: Graph) {
    this.#graph = graph;
    const { signatures } = graph;
    const loading = signatures.filter((signature) => signature.loading);
    const others = signatures.filter((signature) => !signature.loading);
    this.loaded = loading.length <= SIGNATURES;
    this.complete = signatures.length <= SIGNATURES;
    for (const signature of [...loading, ...others].slice(0, SIGNATURES)) this.#follow(signature);
  }

  of(scope: Scope, node: GraphNode): readonly Root[] {
    const table = scope.name === undefined ? this.#nodes : this.#functions;
    return table.get(scope.name ?? node.name) ?? [];
  }

  #follow({ name, loading, outputs }: Signature): void {
    const root: Root = { name, loading };
    const { main, functions } = this.#graph;
    const seen = new Set<string>();
    const open: string[] = outputs.map(nodeOf);
    const called: string[] = [];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const node = main.byName.get(at);
      if (node === undefined || seen.has(at)) continue;
      seen.add(at);
      put(this.#nodes, at, root);
      for (const input of node.inputs) open.push(nodeOf(input));
      called.push(...node.functions, node.op);
    }
    const entered = new Set<string>();
    for (let at = called.pop(); at !== undefined; at = called.pop()) {
      const scope = entered.has(at) ? undefined : functions.get(at);
      if (scope === undefined) continue;
      entered.add(at);
      put(this.#functions, at, root);
      for (const node of scope.nodes) called.push(...node.functions, node.op);
    }
  }
}

function put(table: Map<string, Root[]>, key: string, root: Root): void {
  const roots = table.get(key);
  if (roots === undefined) table.set(key, [root]);
  else roots.push(root);
}
