/**
 * Reads what TensorFlow keeps around a graph: signatures, the saver, assets and the object graph, which
 * say what is run, and what with.
 *
 * @module
 */

import { packedVarints, WIRE, type WireField, type WireMessage } from "../../parsers/protobuf.ts";
import { LimitError } from "../../core/errors.ts";
import * as at from "./fields.ts";
import type { Bound, Graph, Signature } from "./graph.ts";
import {
  entry,
  type Found,
  type GraphReader,
  limitNames,
  NAME_BYTES,
  TEXT_BYTES,
  textsInto,
} from "./read.ts";

/**
 * Bytes of a function's captures; a function has some tens of them, one of a large model some
 * thousands. CWE-770.
 */
const BOUND_BYTES = 256 * 1024;

/** Signatures and collections that a loader runs of its own accord (cc/saved_model/constants.h). */
const LOADED = new Set(["__saved_model_init_op", "saved_model_main_op", "legacy_init_op"]);

/** Reads MetaGraphDefs. */
export class MetaReader {
  /** Configurations of Keras' layers, that TensorFlow before 2.5 kept in the object graph. */
  readonly metadata: Found[] = [];
  readonly #graphs: GraphReader;
  #objects: Bound[] = [];

  constructor(graphs: GraphReader) {
    this.#graphs = graphs;
  }

  /**
   * Reads a MetaGraphDef into `graph`, piece by piece: what is there when an error is thrown counts.
   *
   * @throws FormatError, LimitError and SourceError as `WireMessage.next` does
   */
  async metaGraph(message: WireMessage, graph: Graph): Promise<void> {
    const { metaInfo, graph: body, saver, collections, signatures, assets, objects } =
      at.META_GRAPH;
    await message.each((field) => {
      if (field.number > objects || !this.#isBytes(field, "MetaGraphDef")) return;
      const inner = () => message.enter(field);
      switch (field.number) {
        case metaInfo:
          return textsInto(inner(), at.META_INFO.tags, graph.tags);
        case body:
          return this.#graphs.graph(inner(), graph);
        case saver:
          return this.#saver(inner(), graph);
        case collections:
          return this.#collection(inner(), graph);
        case signatures:
          return this.#signature(inner(), graph);
        case assets:
          return this.#asset(inner(), graph);
        case objects:
          return this.#objectGraph(inner(), graph);
      }
    });
  }

  async #saver(message: WireMessage, graph: Graph): Promise<void> {
    let filename: string | undefined;
    const save: Signature = { name: "saver: save", loading: false, inputs: [], outputs: [] };
    const restore: Signature = { ...save, name: "saver: restore", loading: true, outputs: [] };
    await message.each(async (field) => {
      if (field.number > at.SAVER.restore || !this.#isBytes(field, "SaverDef")) return;
      const text = await this.#graphs.name(message.reader, field);
      // Of equal fields the last one counts, and only its tensor is fed.
      if (field.number === at.SAVER.filename) filename = text;
      else (field.number === at.SAVER.save ? save : restore).outputs.push(text);
    });
    if (filename !== undefined) graph.savers.push(filename);
    this.#graphs.keep(2 * NAME_BYTES);
    graph.signatures.push(save, restore);
  }

  /** Collections name what a loader runs, further savers, and the assets of TensorFlow 1. */
  #collection(message: WireMessage, graph: Graph): Promise<void> {
    return entry(message, async (key, { message, field }) => {
      const inner = message.enter(field);
      const each = (list: number, item: number, take: (item: WireMessage) => Promise<void>) =>
        inner.each((field) => {
          if (field.number !== list || field.type !== WIRE.bytes) return;
          const values = inner.enter(field);
          return values.each((value) => {
            if (value.number !== item || value.type !== WIRE.bytes) return;
            return take(values.enter(value));
          });
        });
      const { nodes, bytes, messages } = at.COLLECTION;
      if (key === "savers") {
        await each(bytes, at.LIST_VALUE, (saver) => this.#saver(saver, graph));
      } else if (key === "saved_model_assets") {
        await each(messages, at.LIST_VALUE, (any) =>
          any.each((part) => {
            if (part.number !== at.ANY.value || part.type !== WIRE.bytes) return;
            return this.#asset(any.enter(part), graph);
          }));
      } else if (LOADED.has(key)) {
        const signature: Signature = { name: key, loading: true, inputs: [], outputs: [] };
        await each(nodes, at.LIST_VALUE, async (name) => {
          signature.outputs.push(await this.#graphs.name(name.reader, name));
          limitNames(signature.outputs);
        });
        graph.signatures.push(signature);
      }
    });
  }

  #signature(message: WireMessage, graph: Graph): Promise<void> {
    return entry(message, async (key, { message, field }) => {
      const loading = LOADED.has(key);
      const signature: Signature = { name: key, loading, inputs: [], outputs: [] };
      this.#graphs.keep(key.length);
      graph.signatures.push(signature);
      const inner = message.enter(field);
      await inner.each(async (part) => {
        if (part.number > at.SIGNATURE.outputs || !this.#isBytes(part, "SignatureDef")) return;
        const names = part.number === at.SIGNATURE.inputs ? signature.inputs : signature.outputs;
        await entry(
          inner.enter(part),
          (_key, { message, field }) => this.#tensorInfo(message.enter(field), names),
        );
      });
    });
  }

  async #tensorInfo(message: WireMessage, names: string[]): Promise<void> {
    const { name, sparse, composite } = at.TENSOR_INFO;
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === name) {
        names.push(await this.#graphs.name(message.reader, field));
        limitNames(names);
      } else if (field.number === sparse) {
        for (const number of Object.values(at.COO_SPARSE)) {
          await textsInto(message.enter(field), number, names);
        }
      } else if (field.number === composite) {
        const inner = message.enter(field);
        await inner.each(async (part) => {
          if (part.number !== at.COMPOSITE.components || part.type !== WIRE.bytes) return;
          await this.#tensorInfo(inner.enter(part), names);
        });
      }
    });
  }

  async #asset(message: WireMessage, graph: Graph): Promise<void> {
    const asset = { tensor: "", filename: "", offset: message.start };
    const names: string[] = [];
    await message.each(async (field) => {
      if (field.number > at.ASSET.filename || !this.#isBytes(field, "AssetFileDef")) return;
      if (field.number === at.ASSET.tensor) await this.#tensorInfo(message.enter(field), names);
      else asset.filename = await message.reader.text(field, TEXT_BYTES);
    });
    asset.tensor = names.at(-1) ?? "";
    this.#graphs.keep(asset.tensor.length + asset.filename.length);
    graph.assets.push(asset);
  }

  /** The object graph says what functions are called with that Python code calls. */
  async #objectGraph(message: WireMessage, graph: Graph): Promise<void> {
    this.#objects = [];
    const functions: [string, number[]][] = [];
    await message.each((field) => {
      if (field.number > at.OBJECTS.functions || !this.#isBytes(field, "SavedObjectGraph")) return;
      const inner = message.enter(field);
      if (field.number === at.OBJECTS.nodes) return this.#object(inner);
      return entry(inner, async (key, { message, field }) => {
        this.#graphs.keep(key.length);
        functions.push([key, await numbersOf(message.enter(field))]);
      });
    });
    for (const [name, bound] of functions) {
      graph.bound.set(name, bound.map((index) => this.#objects[index]));
    }
  }

  async #object(message: WireMessage): Promise<void> {
    let bound: Bound;
    const index = this.#objects.length;
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      const { user, asset, constant } = at.OBJECT;
      const inner = message.enter(field);
      if (field.number === asset) {
        bound = { asset: 0 };
        await inner.each((part) => {
          if (part.number === at.SAVED_ASSET.index) bound = { asset: part.value };
        });
      } else if (field.number === constant) {
        const names: string[] = [];
        await textsInto(inner, at.SAVED_CONSTANT.operation, names);
        bound = { node: names.at(-1) ?? "" };
      } else if (field.number === user) {
        await this.#userObject(inner, index);
      }
    });
    this.#graphs.keep(0);
    this.#objects.push(bound);
  }

  /** Keras revives its layers from what stands beside its own identifiers. */
  async #userObject(message: WireMessage, index: number): Promise<void> {
    let identifier = "";
    let metadata: WireField | undefined;
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === at.USER_OBJECT.metadata) metadata = field;
      if (field.number === at.USER_OBJECT.identifier) {
        identifier = await message.reader.text(field, NAME_BYTES);
      }
    });
    if (metadata === undefined || !identifier.startsWith("_tf_keras")) return;
    this.#graphs.keep(0);
    const { start, end } = metadata;
    if (end > start) this.metadata.push({ start, end, where: `object ${index}` });
  }

  #isBytes(field: Parameters<GraphReader["isBytes"]>[0], message: string): boolean {
    return this.#graphs.isBytes(field, message);
  }
}

/** SavedConcreteFunction.bound_inputs, packed or one by one. */
async function numbersOf(message: WireMessage): Promise<number[]> {
  const numbers: number[] = [];
  await message.each(async (field) => {
    if (field.number !== at.CONCRETE_FUNCTION.boundInputs) return;
    if (field.type === WIRE.varint) numbers.push(field.value);
    else if (field.type === WIRE.bytes) {
      const length = field.end - field.start;
      // With some left out, the others would be bound to the wrong arguments.
      if (length > BOUND_BYTES) {
        throw new LimitError("values", `A function is bound to objects in ${length} bytes`);
      }
      const bytes = await message.reader.bytes(field.start, field.end, length);
      for (const number of packedVarints(bytes, length)) numbers.push(number);
    }
    limitNames(numbers);
  });
  return numbers;
}
