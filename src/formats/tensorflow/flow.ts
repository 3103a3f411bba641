/**
 * Where the texts come from that a graph's operators are given: constants, the saver's filename, assets,
 * followed through copies, joins, variables, calls and arguments as far as they lead.
 *
 * Names prove nothing, since the author of the file chose them. A value is the saver's only when each
 * way on which it can arrive begins at the tensor that SaverDef names and that every caller has to
 * feed, and adds nothing to it that leads elsewhere.
 *
 * @module
 */

import { DT_STRING } from "./fields.ts";
import {
  type Bound,
  dataInputs,
  type Graph,
  type GraphNode,
  indexOf,
  nodeOf,
  type Scope,
  scopesOf,
} from "./graph.ts";
import { TEXT_BYTES } from "./read.ts";
import { join, TEXTS_KEPT, UNKNOWN, type Value } from "./values.ts";

/**
 * Steps back from one operator; longer paths are not followed. The values of the models seen come about in
 * fewer. CWE-834.
 */
const STEPS = 64;
/**
 * Inputs followed of one operator that joins or collects; with more its value is unknown. The most seen are
 * 2. CWE-834.
 */
const INPUTS = 64;
/** Characters kept of a text; nested joins double it each time. The longest seen has 568. CWE-770. */
const TEXT_CHARACTERS = 64 * 1024;
/** Values computed for one graph; beyond, they are unknown. The most seen are 38. CWE-834. */
const VALUES = 2_000_000;

/** Operators that hand on their first input. */
const COPIES = new Set(
  ("Identity StopGradient PreventGradient Snapshot EnsureShape Reshape ExpandDims Squeeze Fill " +
    "CheckNumerics DeepCopy RefIdentity Enter Exit NextIteration Switch").split(
      " ",
    ),
);
/** Operators that hand on several: from the first one up to the last but some. */
const COLLECTIONS: Readonly<Record<string, readonly [first: number, behind: number]>> = {
  __proto__: null as never,
  Pack: [0, 0],
  Merge: [0, 0],
  RefMerge: [0, 0],
  Concat: [1, 0],
  ConcatV2: [0, 1],
  Select: [1, 0],
  SelectV2: [1, 0],
};
/** Operators that call a function with their inputs, from the one with this number on. */
const CALLS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  PartitionedCall: 0,
  StatefulPartitionedCall: 0,
  TPUPartitionedCall: 0,
  RemoteCall: 1,
  If: 1,
  StatelessIf: 1,
  Case: 1,
  StatelessCase: 1,
};

/** Datasets that call a function with each element of their first input. */
const DATASET_CALLS =
  /^(?:Experimental)?(?:Parallel|Legacy)*(?:Map|FlatMap|Interleave|Filter|MapAndBatch)DatasetV?\d?$/u;
/** Datasets made of their inputs, a component each. */
const DATASETS_OF = new Set(["TensorSliceDataset", "TensorDataset"]);
/** Datasets with the elements of their first input. */
const DATASETS_AS = new Set(
  ("ShuffleDataset ShuffleDatasetV2 ShuffleDatasetV3 RepeatDataset TakeDataset SkipDataset BatchDataset " +
    "BatchDatasetV2 PrefetchDataset OptionsDataset ModelDataset CacheDataset CacheDatasetV2 " +
    "ShardDataset FilterDataset OptimizeDataset OptimizeDatasetV2").split(" "),
);

/** A place from which a function is called; without a node nothing is known of what it is given. */
interface Call {
  readonly scope: Scope;
  readonly inputs: readonly string[];
  /** Values behind those, for a function that Python code calls. */
  readonly bound?: readonly Bound[];
  /** A dataset whose elements come before those. */
  readonly dataset?: string;
  readonly opaque: boolean;
}

/** Follows values through one graph. */
export class Flow {
  readonly #graph: Graph;
  readonly #calls = new Map<string, Call[]>();
  readonly #known = new Map<Scope, Map<string, Value>>();
  readonly #assets = new Map<string, number>();
  /** Tensors that a saver takes its filename from, and those that signatures ask their caller for. */
  readonly #savers: ReadonlySet<string>;
  readonly #asked: ReadonlySet<string>;
  /** Places of a function's arguments, by name. */
  readonly #arguments = new Map<Scope, ReadonlyMap<string, number>>();
  /** Writes of texts to variables, by variable; under "" those to one that is not known. */
  #writes: Map<string, Value[]> | undefined;
  /** All writes to a variable as one value. */
  readonly #contents = new Map<string, Value>();
  #values = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#savers = new Set(graph.savers.map(plain));
    this.#asked = new Set(graph.signatures.flatMap(({ inputs }) => inputs.map(plain)));
    graph.assets.forEach(({ tensor }, index) => this.#assets.set(plain(tensor), index));
    for (const scope of scopesOf(graph)) {
      for (const node of scope.nodes) this.#addCalls(scope, node);
    }
    for (const name of graph.gradients) this.#addCall(name, opaqueCall(graph.main));
    for (const [name, bound] of graph.bound) {
      this.#addCall(name, { scope: graph.main, inputs: [], bound, opaque: false });
    }
  }

  /**
   * What a reference in a scope stands for.
   *
   * @param reference as in `GraphNode.inputs`
   */
  value(scope: Scope, reference: string): Value {
    return this.#value(scope, reference, STEPS);
  }

  #addCalls(scope: Scope, node: GraphNode): void {
    const first = CALLS[node.op];
    if (DATASET_CALLS.test(node.op)) {
      const [dataset = ""] = dataInputs(node);
      for (const name of node.functions) {
        this.#addCall(name, { scope, inputs: [], dataset, opaque: node.handsOn });
      }
      return;
    }
    for (const name of node.functions) {
      const inputs = first === undefined ? [] : dataInputs(node).slice(first);
      this.#addCall(name, { scope, inputs, opaque: first === undefined || node.handsOn });
    }
    if (this.#graph.functions.has(node.op)) {
      this.#addCall(node.op, { scope, inputs: dataInputs(node), opaque: node.handsOn });
    }
  }

  #addCall(name: string, call: Call): void {
    const calls = this.#calls.get(name);
    if (calls === undefined) this.#calls.set(name, [call]);
    else calls.push(call);
  }

  #value(scope: Scope, reference: string, steps: number): Value {
    let known = this.#known.get(scope);
    if (known === undefined) this.#known.set(scope, known = new Map());
    const found = known.get(reference);
    if (found !== undefined) return found;
    if (steps === 0 || this.#isSpent()) return UNKNOWN;
    // A way that comes back to where it began adds nothing that is known.
    known.set(reference, UNKNOWN);
    const value = this.#work(scope, reference, steps - 1);
    known.set(reference, value);
    return value;
  }

  #isSpent(): boolean {
    return ++this.#values > VALUES;
  }

  #work(scope: Scope, reference: string, steps: number): Value {
    if (reference.startsWith("^")) return UNKNOWN;
    if (scope !== this.#graph.main && !reference.includes(":")) {
      const index = this.#argumentsOf(scope).get(reference);
      if (index !== undefined) return this.#argument(scope, index, steps);
    }
    const node = scope.byName.get(nodeOf(reference));
    if (node === undefined) return UNKNOWN;
    if (scope === this.#graph.main) {
      const given = this.#given(node, reference, steps);
      if (given !== undefined) return given;
    }
    return this.#result(scope, node, reference, steps);
  }

  /** The tensors that a loader feeds: the saver's filename, and assets. */
  #given(node: GraphNode, reference: string, steps: number): Value | undefined {
    const tensor = plain(reference);
    const index = this.#assets.get(tensor);
    const saver = this.#savers.has(tensor);
    if (index === undefined && !saver) return undefined;
    if (node.op !== "Placeholder" && node.op !== "PlaceholderWithDefault" && node.op !== "Const") {
      return undefined;
    }
    // What a signature asks its caller for is no file of the model's own.
    if (this.#asked.has(tensor)) return undefined;
    if (index !== undefined) return { kind: "asset", index, fed: node.op === "Placeholder" };
    if (node.op === "Placeholder") return { kind: "saver" };
    const start = this.#result(this.#graph.main, node, reference, steps);
    const plainName = start.kind === "texts" && start.only &&
      start.texts.every((text) => /^[\w-]{1,64}$/u.test(text));
    return plainName ? { kind: "saver" } : undefined;
  }

  /** The first of equal names counts. */
  #argumentsOf(scope: Scope): ReadonlyMap<string, number> {
    let places = this.#arguments.get(scope);
    if (places === undefined) {
      places = new Map(scope.inputs.map((name, index) => [name, index] as const).reverse());
      this.#arguments.set(scope, places);
    }
    return places;
  }

  #argument(scope: Scope, index: number, steps: number): Value {
    const name = scope.inputs[index] ?? "";
    const calls = this.#calls.get(scope.name ?? "");
    if (calls === undefined) return { kind: "input", name };
    if (scope.lists) return UNKNOWN;
    let all: Value | undefined;
    for (const call of calls) {
      if (this.#isSpent()) return UNKNOWN;
      const value = this.#givenBy(call, index, scope.inputs.length, steps);
      all = all === undefined ? value : join(all, value);
    }
    return all ?? UNKNOWN;
  }

  #givenBy(call: Call, index: number, count: number, steps: number): Value {
    if (call.opaque) return UNKNOWN;
    if (call.dataset !== undefined) return this.#element(call.scope, call.dataset, index, steps);
    if (call.bound === undefined) {
      const input = call.inputs[index];
      return input === undefined ? UNKNOWN : this.#value(call.scope, input, steps);
    }
    const bound = call.bound[index - (count - call.bound.length)];
    if (bound === undefined) return UNKNOWN;
    if ("asset" in bound) return { kind: "asset", index: bound.asset, fed: true };
    // `_recreate_constant` in saved_model/load.py takes the value of the operator: nothing is fed to it.
    const node = call.scope.byName.get(nodeOf(bound.node));
    return node === undefined ? UNKNOWN : this.#result(call.scope, node, bound.node, steps);
  }

  /** A component of a dataset's elements. */
  #element(scope: Scope, dataset: string, index: number, steps: number): Value {
    let at = dataset;
    for (let left = steps; left > 0; left--) {
      const node = scope.byName.get(nodeOf(at));
      if (node === undefined) return UNKNOWN;
      const inputs = dataInputs(node);
      if (DATASETS_OF.has(node.op)) {
        const input = inputs[index];
        // Variants and resources behind the components are none of the elements.
        return input === undefined ? UNKNOWN : this.#value(scope, input, left - 1);
      }
      if (!DATASETS_AS.has(node.op)) return UNKNOWN;
      at = inputs[0] ?? "";
    }
    return UNKNOWN;
  }

  #result(scope: Scope, node: GraphNode, reference: string, steps: number): Value {
    const inputs = dataInputs(node);
    const input = (at: number): Value => {
      const name = inputs[at];
      return name === undefined ? UNKNOWN : this.#value(scope, name, steps);
    };
    if (COPIES.has(node.op)) return input(node.op === "Fill" ? 1 : 0);
    const range = COLLECTIONS[node.op];
    if (range !== undefined) {
      const [first, behind] = range;
      const from = inputs.slice(first, inputs.length - behind);
      const values = from.slice(0, INPUTS).map((name) => this.#value(scope, name, steps));
      // What is not looked at may be anything.
      if (from.length > INPUTS) values.push(UNKNOWN);
      return values.length === 0 ? UNKNOWN : values.reduce(join);
    }
    switch (node.op) {
      case "Const":
      case "HostConst":
        return node.constant === undefined ? UNKNOWN : {
          kind: "texts",
          texts: node.constant.texts,
          only: !node.constant.cut,
          graphs: node.constant.graphs,
        };
      case "Placeholder":
        return { kind: "input", name: node.name };
      case "PlaceholderWithDefault":
        return input(0);
      case "IdentityN":
        return input(indexOf(reference));
      case "ShardedFilename":
        return this.#shard(input(0));
      case "StringJoin":
        return inputs.length > INPUTS || node.open.has("separator")
          ? UNKNOWN
          : this.#joined(node, inputs.map((_, at) => input(at)));
      case "VarHandleOp":
        return { kind: "variable", key: node.texts.get("shared_name") ?? node.name };
      case "ReadVariableOp":
        return orRestored(this.#variable(input(0)));
    }
    return this.#returned(node, reference, steps);
  }

  /** `basename-00000-of-00001`: beside the saver's file; of other names nothing is left that is exact. */
  #shard(value: Value): Value {
    if (value.kind === "saver") return value;
    return value.kind === "texts" ? { ...value, only: false, graphs: false } : UNKNOWN;
  }

  /** Texts joined are a text; what is joined to the saver's filename must stay beside it. */
  #joined(node: GraphNode, parts: readonly Value[]): Value {
    const [first, ...rest] = parts;
    let texts: string[] | undefined;
    let only = true;
    const separator = node.texts.get("separator") ?? "";
    if (separator.length >= TEXT_BYTES) return UNKNOWN;
    if (first?.kind === "saver") return staysInFolder(rest, separator) ? first : UNKNOWN;
    for (const part of parts) {
      if (part.kind !== "texts") return UNKNOWN;
      only &&= part.only;
      texts = texts === undefined
        ? [...part.texts]
        : texts.flatMap((one) => part.texts.map((other) => one + separator + other));
      only &&= texts.length <= TEXTS_KEPT;
      texts = texts.slice(0, TEXTS_KEPT);
      if (texts.some(({ length }) => length > TEXT_CHARACTERS)) return UNKNOWN;
    }
    return texts === undefined ? UNKNOWN : { kind: "texts", texts, only };
  }

  #variable(handle: Value): Value {
    if (handle.kind !== "variable") return UNKNOWN;
    if (this.#writes === undefined) {
      this.#writes = this.#findWrites();
      // What was read meanwhile was not known yet.
      this.#contents.clear();
    }
    let contents = this.#contents.get(handle.key);
    if (contents === undefined) {
      const writes = [...this.#writes.get(handle.key) ?? [], ...this.#writes.get("") ?? []];
      contents = writes.length === 0 ? UNKNOWN : writes.reduce(join);
      this.#contents.set(handle.key, contents);
    }
    return contents;
  }

  #findWrites(): Map<string, Value[]> {
    // For a variable that is read while its writes are looked for nothing is known.
    this.#writes = new Map([["", [UNKNOWN]]]);
    const writes = new Map<string, Value[]>();
    for (const scope of scopesOf(this.#graph)) {
      for (const node of scope.nodes) {
        // The graph that runs there may write to any of them.
        if (node.op === "DatasetFromGraph") writes.set("", [UNKNOWN]);
        if (node.op !== "AssignVariableOp" || node.dtype !== DT_STRING) continue;
        const [to = "", from = ""] = dataInputs(node);
        const handle = this.value(scope, to);
        const key = handle.kind === "variable" ? handle.key : "";
        const value = this.value(scope, from);
        const others = writes.get(key);
        if (others === undefined) writes.set(key, [value]);
        else others.push(value);
      }
    }
    return writes;
  }

  /** What a called function returns. */
  #returned(node: GraphNode, reference: string, steps: number): Value {
    const direct = CALLS[node.op] === undefined;
    const names = direct ? [node.op] : node.functions;
    if (node.handsOn) return UNKNOWN;
    let all: Value | undefined;
    for (const name of names) {
      if (this.#isSpent()) return UNKNOWN;
      const scope = this.#graph.functions.get(name);
      if (scope === undefined || scope.lists) return UNKNOWN;
      // In a function, `node:result:0` names the result of a function that is an operator itself.
      const [, named, place] = reference.split(":");
      const output = direct && place !== undefined ? named : scope.outputs[indexOf(reference)];
      const result = scope.returns.get(output ?? "");
      if (result === undefined) return UNKNOWN;
      const value = this.#value(scope, result, steps);
      all = all === undefined ? value : join(all, value);
    }
    return all ?? UNKNOWN;
  }
}

/**
 * What is read from a variable: a checkpoint may restore something else into it, and so may a graph in a
 * constant, which shares the variables of the one around it by their names.
 */
function orRestored(value: Value): Value {
  return value.kind === "texts" ? { ...value, only: false, graphs: false } : value;
}

/**
 * True when what is joined to the saver's filename leaves it in its folder: TensorFlow resolves "..", also
 * behind what is a file (`FileSystem::CleanPath`). Dots may come from several parts, and from a further join.
 */
function staysInFolder(parts: readonly Value[], separator: string): boolean {
  let tails = [""];
  for (const part of parts) {
    if (part.kind !== "texts" || !part.only) return false;
    tails = tails.flatMap((tail) => part.texts.map((text) => tail + separator + text));
    if (tails.length > TEXTS_KEPT) return false;
    if (tails.some(({ length }) => length > TEXT_CHARACTERS)) return false;
  }
  return tails.every((tail) => !tail.includes("..") && !tail.endsWith("."));
}

function opaqueCall(scope: Scope): Call {
  return { scope, inputs: [], opaque: true };
}

/** `node` and `node:0` are the same. */
function plain(reference: string): string {
  return reference.endsWith(":0") ? reference.slice(0, -2) : reference;
}
