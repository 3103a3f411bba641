/**
 * Walks a file of graphs: each MetaGraphDef, then the graphs found in constants at any depth, without
 * recursion.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { WIRE, type WireField, type WireMessage, type WireReader } from "../../parsers/protobuf.ts";
import type { Interest, Observation } from "../../core/types.ts";
import { GraphFacts, leavesFolder } from "./facts.ts";
import { SAVED_MODEL } from "./fields.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { computedGraphs } from "./computed.ts";
import { emptyGraph, type Graph, type GraphNode, scopesOf } from "./graph.ts";
import { isNodeName, isOperatorName, type Kind, kindOf } from "./detect.ts";
import { MetaReader } from "./meta.ts";
import { type Found, GraphReader } from "./read.ts";

/** Observations of one batch. */
const BATCH = 4096;

/** Bytes that say of what kind a nested graph is. */
const LOOK_BYTES = 4096;

/**
 * Graphs that are computed by graphs which were computed; what a deeper one runs is not known. No published
 * graph is known to compute another. CWE-674.
 */
const COMPUTED_DEPTH = 4;

/** What loaders read a file as, and what its kind is called. */
const READINGS: readonly (readonly [kind: Kind, title: string])[] = [
  ["saved-model", "SavedModel"],
  ["meta-graph", "MetaGraphDef"],
  ["graph", "GraphDef"],
];

/** A graph inside another, with how many are around it. */
interface Nested extends Found {
  readonly depth: number;
}

/** States all graphs of one source. */
export class GraphWalk {
  readonly #open: (source: Source) => WireReader;
  readonly #reader: WireReader;
  readonly #interest: Interest;
  readonly #within: readonly string[];
  readonly #depth: number;
  /** True where only what TensorFlow would accept counts. */
  readonly #strict: boolean;
  readonly #graphs = new GraphReader();
  readonly #meta = new MetaReader(this.#graphs);

  /**
   * @param open gives a reader of a source
   * @param around of a graph that another computes: where that is, and how many are around it
   */
  constructor(
    open: (source: Source) => WireReader,
    source: Source,
    interest: Interest,
    around: {
      readonly within: readonly string[];
      readonly depth: number;
      readonly strict?: boolean;
    } = { within: [], depth: 0 },
  ) {
    this.#open = open;
    this.#reader = open(source);
    this.#interest = interest;
    this.#within = around.within;
    this.#depth = around.depth;
    this.#strict = around.strict ?? false;
  }

  /** Configurations of Keras' layers that were found. */
  get metadata(): readonly Found[] {
    return this.#meta.metadata;
  }

  /**
   * Batches of observations; what came before an error is yielded before it is thrown.
   *
   * @param size bytes of the source
   * @throws FormatError, LimitError and SourceError as `WireMessage.next` does
   */
  async *scan(kind: Kind, size: number): AsyncIterable<readonly Observation[]> {
    yield* this.#message(kind, this.#reader.message(0, size), this.#within);
    let depth = 1;
    for (let found = this.#take(depth); found.length > 0; found = this.#take(++depth)) {
      for (const one of found) yield* this.#nested(one);
    }
    yield this.#graphs.mismatches.map(({ detail, offset }): Observation => ({
      type: "anomaly",
      rule: "tensorflow-malformed",
      detail,
      offset,
      unread: true,
    }));
  }

  /**
   * The graphs of a file that is valid as another kind than it looks like: nothing in it says which message it
   * is, and each loader reads the one that it expects.
   *
   * @throws LimitError and SourceError as `WireMessage.next` does
   */
  async otherwise(kind: Kind, source: Source, size: number): Promise<readonly Observation[]> {
    const found: Observation[] = [];
    for (const [other, title] of READINGS) {
      if (other === kind) continue;
      const walk = new GraphWalk(this.#open, source, this.#interest, {
        within: [...this.#within, `read as a ${title}`],
        depth: this.#depth,
        strict: true,
      });
      const read: Observation[] = [];
      try {
        for await (const batch of walk.scan(other, size)) read.push(...batch);
      } catch (error) {
        // TensorFlow refuses it, whatever came before.
        if (!(error instanceof FormatError)) throw error;
        continue;
      }
      if (!read.some(({ type }) => type === "fact")) continue;
      const detail = `It is valid as a ${title}, too: which graph is run depends on the loader`;
      found.push({ type: "anomaly", rule: "tensorflow-malformed", detail, unread: true }, ...read);
    }
    return found;
  }

  #take(depth: number): readonly Nested[] {
    return this.#graphs.nested.splice(0).map((found) => ({ ...found, depth }));
  }

  async *#nested(
    { start, end, where, depth }: Nested,
  ): AsyncIterable<readonly Observation[]> {
    const bytes = await this.#reader.bytes(start, end, LOOK_BYTES);
    const kind = kindOf(bytes, end - start);
    if (kind === undefined) return;
    const levels = depth === 1 ? "" : `, ${depth} levels deep`;
    yield* this.#message(kind, this.#reader.message(start, end), [
      ...this.#within,
      `graph in node ${where}${levels}`,
    ]);
  }

  async *#message(
    kind: Kind,
    message: WireMessage,
    within: readonly string[],
  ): AsyncIterable<readonly Observation[]> {
    if (kind !== "saved-model") {
      yield* this.#one(message, within, kind === "graph");
      return;
    }
    for (;;) {
      const next = message.next();
      const field: WireField | undefined = next instanceof Promise ? await next : next;
      if (field === undefined) return;
      if (field.number !== SAVED_MODEL.metaGraphs || field.type !== WIRE.bytes) continue;
      yield* this.#one(message.enter(field), within, false);
    }
  }

  async *#one(
    message: WireMessage,
    within: readonly string[],
    bare: boolean,
  ): AsyncIterable<readonly Observation[]> {
    const graph = emptyGraph();
    let failure: { readonly error: unknown } | undefined;
    try {
      if (bare) await this.#graphs.graph(message, graph);
      else await this.#meta.metaGraph(message, graph);
    } catch (error) {
      failure = { error };
    }
    if (this.#strict && (failure !== undefined || !isRunnable(graph))) {
      if (failure !== undefined) throw failure.error;
      return;
    }
    const isRead = failure === undefined && this.#depth < COMPUTED_DEPTH;
    const computed = isRead
      ? await computedGraphs(graph, message.reader)
      : new Map<GraphNode, Uint8Array>();
    yield* this.#tell(graph, within, new Set(computed.keys()));
    for (const [{ name }, bytes] of computed) {
      const inner = new GraphWalk(this.#open, bytesSource(name, bytes), this.#interest, {
        within: [...within, `graph computed for node ${name}`],
        depth: this.#depth + 1,
      });
      yield* inner.scan("graph", bytes.length);
    }
    if (failure !== undefined) throw failure.error;
  }

  *#tell(
    graph: Graph,
    within: readonly string[],
    computed: ReadonlySet<GraphNode>,
  ): Iterable<readonly Observation[]> {
    let batch: Observation[] = [];
    for (const observation of new GraphFacts(graph, this.#interest, { within, computed }).all()) {
      if (batch.push(observation) < BATCH) continue;
      yield batch;
      batch = [];
    }
    for (const { filename, offset } of graph.assets) {
      if (!leavesFolder(filename)) continue;
      const detail = `The asset ${
        JSON.stringify(filename)
      } is looked up outside the model's folder`;
      batch.push({ type: "anomaly", rule: "tensorflow-asset-outside", detail, offset });
    }
    yield batch;
  }
}

/** True where each node has a name and an operator that TensorFlow accepts (`ValidateNodeDef`). */
function isRunnable(graph: Graph): boolean {
  const nodes = scopesOf(graph).flatMap((scope) => scope.nodes);
  return nodes.length > 0 &&
    nodes.every(({ name, op }) => isNodeName(name) && isOperatorName(op));
}
