/**
 * Walks a model of TensorFlow Lite: states its custom operators, and what disagrees with the file.
 *
 * @module
 */

import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { LimitError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import type { FlatBuffer, FlatRecord, FlatVector } from "../../parsers/flatbuffer.ts";
import { concat } from "../../parsers/bytes.ts";
import { bytesField, fieldsOf } from "../../parsers/protobuf.ts";
import { flexTexts } from "../../parsers/flexbuffer.ts";
import { behindLast } from "../../parsers/trailing.ts";
import { bytesSource } from "../../sources/memory.ts";
import {
  CUSTOM,
  CUSTOM_CALL,
  ELEMENT_BITS,
  LAST_BUILTIN,
  NO_OPERATORS,
  OPTIONS,
} from "./operators.ts";

/** Slots of `Model`. */
const MODEL = {
  version: 0,
  codes: 1,
  subgraphs: 2,
  buffers: 4,
  metadata: 6,
  signatures: 7,
  groups: 8,
  external: 9,
} as const;
/** The only version of the schema that interpreters take. */
const VERSION = 3;
/** Slots of `OperatorCode`. */
const CODE = { deprecated: 0, custom: 1, builtin: 3 } as const;
/** Slots of `SubGraph`. */
const GRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 } as const;
/** Slots of `Tensor`. */
const TENSOR = {
  shape: 0,
  type: 1,
  buffer: 2,
  name: 3,
  quantization: 4,
  sparsity: 6,
  external: 10,
} as const;
/** Slots of `Operator`. */
const NODE = {
  code: 0,
  inputs: 1,
  outputs: 2,
  optionsType: 3,
  options: 4,
  custom: 5,
  intermediates: 8,
  largeOffset: 9,
  largeSize: 10,
  options2Type: 11,
  options2: 12,
} as const;
/** Slots of `Buffer`. */
const BUFFER = { data: 0, offset: 1, size: 2 } as const;
/** Slots of `ExternalBuffer`. */
const EXTERNAL = { group: 1 } as const;
/** Slots of `SignatureDef`. */
const SIGNATURE = { subgraph: 4 } as const;

/** Observations of one rule that are reported separately. An intact file has none. CWE-779. */
const REPORTED = 20;
/** Bytes of all NodeDefs of a model; real ones have some kilobytes. CWE-770. */
const NODE_BYTES = 16 * 1024 * 1024;
/** Subgraphs: models of language have a handful for each length of input. CWE-400. */
const SUBGRAPHS = 10_000;
/** Dimensions of a tensor: kernels take at most eight. */
const RANK = 16;
/** Bytes that no memory holds. */
const MEMORY = 2 ** 47;
/** How an operator's name begins that is a kernel of TensorFlow. */
const FLEX = "Flex";

interface OperatorCode {
  readonly code: number;
  readonly custom: string;
}

/** An operator's place: in words, and as bytes from the start of the file. */
interface Place {
  readonly where: string;
  readonly at: number;
}

/** One model. */
export class ModelWalk {
  readonly #source: Source;
  readonly #buffer: FlatBuffer;
  readonly #check: () => void;
  readonly #counts = new Map<string, number>();
  #found: Observation[] = [];
  /** Bytes of each buffer; NaN for one outside of the file. */
  readonly #bufferBytes: number[] = [];
  #codes: readonly OperatorCode[] = [];
  #subgraphs = 0;
  #external = 0;
  /** Subgraphs that a subgraph runs. */
  readonly #calls = new Map<number, Set<number>>();
  readonly #nodes: Uint8Array[] = [];
  #nodeBytes = 0;
  /** Names and operators that were stated. */
  readonly #stated = new Set<string>();

  /** @param buffer of the same source */
  constructor(source: Source, buffer: FlatBuffer, check: () => void) {
    this.#source = source;
    this.#buffer = buffer;
    this.#check = check;
  }

  /** @throws FormatError where a table lies outside @throws LimitError when a budget is spent */
  async *scan(): AsyncGenerator<readonly Observation[]> {
    const model = await this.#buffer.root();
    const version = await model.uint(MODEL.version, 4);
    if (version !== VERSION) {
      this.#anomaly("tflite-unknown", `version ${version} of the schema, not ${VERSION}`, true);
    }
    await this.#readCodes(model);
    await this.#readExternal(model);
    await this.#readBuffers(model);
    yield this.#take();
    this.#subgraphs = (await model.vector(MODEL.subgraphs, 4)).length;
    if (this.#subgraphs === 0) this.#anomaly("tflite-index", "it has no subgraph");
    if (this.#subgraphs > SUBGRAPHS) {
      throw new LimitError("values", `Cannot read ${this.#subgraphs} subgraphs`);
    }
    let index = 0;
    for await (const graph of model.tables(MODEL.subgraphs)) {
      await this.#readGraph(graph, index++);
      yield this.#take();
    }
    await this.#readRest(model);
    this.#findCycle();
    yield this.#take();
    if (this.#nodes.length > 0) yield [this.#flexGraph()];
    // What nothing refers to at the end: files of metadata in a zip archive, or something hidden.
    yield await behindLast(this.#source, this.#buffer.end);
  }

  async #readCodes(model: FlatRecord): Promise<void> {
    const codes: OperatorCode[] = [];
    for await (const entry of model.tables(MODEL.codes)) {
      // Old models have the first field alone; new ones have the lesser of the code and 127 in it.
      const deprecated = await entry.uint(CODE.deprecated, 1);
      const code = Math.max(deprecated > 127 ? 0 : deprecated, await entry.int(CODE.builtin));
      codes.push({ code, custom: await entry.text(CODE.custom) ?? "" });
      if (code > LAST_BUILTIN || NO_OPERATORS.includes(code)) {
        this.#anomaly("tflite-unknown", `operator code ${code}`, true);
      }
    }
    this.#codes = codes;
  }

  /** Weights in other files, which newer releases find by a name in the model. */
  async #readExternal(model: FlatRecord): Promise<void> {
    let groups = 0;
    for await (const group of model.tables(MODEL.groups)) {
      groups++;
      const name = await group.text(0) ?? "";
      if (leavesFolder(name)) {
        this.#anomaly("tflite-external-path", `a group of buffers is in "${name}"`);
      }
    }
    for await (const buffer of model.tables(MODEL.external)) {
      this.#external++;
      const group = await buffer.uint(EXTERNAL.group, 4);
      if (group >= groups) {
        this.#anomaly("tflite-index", `an external buffer is in group ${group} of ${groups}`);
      }
    }
  }

  async #readBuffers(model: FlatRecord): Promise<void> {
    for await (const buffer of model.tables(MODEL.buffers)) {
      const number = this.#bufferBytes.length;
      const offset = await buffer.uint(BUFFER.offset, 8);
      const size = await buffer.uint(BUFFER.size, 8);
      // An offset of 1 says that there is none: `model_builder_base.h`.
      if (offset <= 1) {
        this.#bufferBytes.push((await buffer.vector(BUFFER.data, 1)).length);
        continue;
      }
      const fits = offset + size <= this.#buffer.size;
      this.#bufferBytes.push(fits ? size : NaN);
      if (fits) this.#buffer.need(offset, size);
      else {
        this.#anomaly(
          "tflite-index",
          `buffer ${number} has ${size} bytes at ${offset}, the file ${this.#buffer.size}`,
        );
      }
    }
  }

  async #readGraph(graph: FlatRecord, index: number): Promise<void> {
    const where = `subgraph ${index}`;
    let tensors = 0;
    for await (const tensor of graph.tables(GRAPH.tensors)) {
      await this.#readTensor(tensor, `tensor ${tensors++} of ${where}`);
    }
    for (const [slot, role] of [[GRAPH.inputs, "input"], [GRAPH.outputs, "output"]] as const) {
      this.#indices(await graph.ints(slot), tensors, false, `an ${role} of ${where}`);
    }
    let operators = 0;
    for await (const operator of graph.tables(GRAPH.operators)) {
      await this.#readOperator(operator, tensors, index, `operator ${operators++} of ${where}`);
    }
  }

  async #readTensor(tensor: FlatRecord, where: string): Promise<void> {
    const shape = await tensor.ints(TENSOR.shape, RANK + 1);
    const type = await tensor.uint(TENSOR.type, 1);
    const buffer = await tensor.uint(TENSOR.buffer, 4);
    await tensor.text(TENSOR.name, 0);
    await this.#readQuantization(await tensor.table(TENSOR.quantization));
    const external = await tensor.uint(TENSOR.external, 4);
    const isSparse = await tensor.table(TENSOR.sparsity) !== undefined;
    const bits = ELEMENT_BITS[type];
    if (bits === undefined) this.#anomaly("tflite-unknown", `${where} has type ${type}`, true);
    const text = `${where} of shape [${shape.join(", ")}]`;
    const bytes = Math.ceil(shape.reduce((product, size) => product * size, bits ?? 0) / 8);
    if (shape.length > RANK || shape.some((size) => size < -1) || bytes > MEMORY) {
      this.#anomaly("tflite-size", `${text}: no memory holds it`);
    }
    const held = this.#bufferBytes[buffer];
    if (held === undefined) {
      // A model may have no buffers at all; then 0 stands for none.
      if (buffer > 0) {
        const count = this.#bufferBytes.length;
        this.#anomaly("tflite-index", `${where} is in buffer ${buffer} of ${count}`);
      }
    } else if (held > 0 && held < bytes && !isSparse && external === 0) {
      this.#anomaly("tflite-size", `${text} has ${bytes} bytes, its buffer ${held}`);
    }
  }

  /** Scales and zero points are read by kernels; their vectors must be there. */
  async #readQuantization(quantization: FlatRecord | undefined): Promise<void> {
    if (quantization === undefined) return;
    for (const [slot, width] of [[0, 4], [1, 4], [2, 4], [3, 8]] as const) {
      await quantization.vector(slot, width);
    }
    await quantization.table(5);
  }

  async #readOperator(
    operator: FlatRecord,
    tensors: number,
    graph: number,
    where: string,
  ): Promise<void> {
    const number = await operator.uint(NODE.code, 4);
    const code = this.#codes[number];
    if (code === undefined) {
      this.#anomaly("tflite-index", `${where} has code ${number} of ${this.#codes.length}`);
    }
    const inputs = await operator.ints(NODE.inputs);
    this.#indices(inputs, tensors, true, `an input of ${where}`);
    this.#indices(await operator.ints(NODE.outputs), tensors, false, `an output of ${where}`);
    const between = await operator.ints(NODE.intermediates);
    this.#indices(between, tensors, true, `an intermediate of ${where}`);
    const options = await operator.table(NODE.options);
    const options2 = await operator.table(NODE.options2);
    const attributes = await operator.vector(NODE.custom, 1);
    if (code === undefined) return;
    if (code.code === CUSTOM) {
      const large = await operator.uint(NODE.largeOffset, 8);
      const place = large > 1
        ? { at: large, length: await operator.uint(NODE.largeSize, 8) }
        : attributes;
      await this.#custom(code.custom, place, { where, at: operator.at }, inputs.length);
    } else if (code.code === CUSTOM_CALL) {
      this.#operator("tflite", await options2?.text(0) ?? "", { where, at: operator.at });
    }
    const types = {
      1: await operator.uint(NODE.optionsType, 1),
      2: await operator.uint(NODE.options2Type, 1),
    };
    const fields = OPTIONS.get(code.code);
    if (fields === undefined || types[fields.union] !== fields.type) return;
    const table = fields.union === 1 ? options : options2;
    if (table === undefined) return;
    for (const slot of fields.subgraphs ?? []) this.#call(graph, await table.int(slot), where);
    if (fields.branches !== undefined) {
      for (const target of await table.ints(fields.branches)) this.#call(graph, target, where);
    }
    for (const slot of fields.divisors ?? []) {
      const divisor = await table.int(slot);
      if (divisor <= 0) this.#anomaly("tflite-zero-stride", `${where} has a stride of ${divisor}`);
    }
  }

  async #custom(
    name: string,
    { at, length }: FlatVector,
    place: Place,
    inputs: number,
  ): Promise<void> {
    if (!name.startsWith(FLEX)) {
      this.#operator("tflite", name, place);
      return;
    }
    this.#nodeBytes += length;
    if (this.#nodeBytes > NODE_BYTES) {
      throw new LimitError("values", `Cannot read more than ${NODE_BYTES} bytes of NodeDefs`);
    }
    const node = nodeDefOf(await this.#buffer.bytes(at, length));
    if (node !== undefined) {
      const kernel = asKernel(node, this.#nodes.length, inputs);
      if (kernel !== undefined) {
        this.#nodes.push(kernel);
        return;
      }
    }
    // The delegate refuses it; what the name says is judged all the same.
    this.#operator("tensorflow", name.slice(FLEX.length), place);
    this.#anomaly("tflite-unknown", `${place.where}, ${name}, has no NodeDef`, true);
  }

  /** The NodeDefs of all kernels of TensorFlow as one graph. */
  #flexGraph(): Observation {
    const bytes = concat(this.#nodes.map((node) => bytesField(GRAPH_NODE, node)));
    return { type: "entry", source: bytesSource("flex.pb", bytes), part: "flex.pb" };
  }

  #call(graph: number, target: number, where: string): void {
    if (target < 0 || target >= this.#subgraphs) {
      this.#anomaly("tflite-index", `${where} runs subgraph ${target} of ${this.#subgraphs}`);
      return;
    }
    const called = this.#calls.get(graph) ?? new Set();
    called.add(target);
    this.#calls.set(graph, called);
  }

  /** A subgraph that runs itself, by whatever way, never ends. */
  #findCycle(): void {
    const done = new Set<number>();
    for (const start of this.#calls.keys()) {
      const path: { readonly graph: number; readonly next: Iterator<number> }[] = [];
      const within = new Set<number>();
      const enter = (graph: number): void => {
        within.add(graph);
        path.push({ graph, next: (this.#calls.get(graph) ?? new Set<number>()).values() });
      };
      if (!done.has(start)) enter(start);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const { value, done: ended } = top.next.next();
        if (ended === true) {
          path.pop();
          within.delete(top.graph);
          done.add(top.graph);
        } else if (within.has(value)) {
          this.#anomaly("tflite-recursion", `subgraph ${value} runs itself`);
          return;
        } else if (!done.has(value)) enter(value);
      }
    }
  }

  /** What lies beside the graphs: names and numbers that must be in the file. */
  async #readRest(model: FlatRecord): Promise<void> {
    for await (const entry of model.tables(MODEL.metadata)) {
      const name = await entry.text(0) ?? "";
      const buffer = await entry.uint(1, 4);
      if (buffer >= this.#bufferBytes.length) {
        this.#anomaly("tflite-index", `metadata "${name}" is in buffer ${buffer}`);
      }
    }
    for await (const signature of model.tables(MODEL.signatures)) {
      const subgraph = await signature.uint(SIGNATURE.subgraph, 4);
      if (subgraph >= this.#subgraphs) {
        this.#anomaly("tflite-index", `a signature runs subgraph ${subgraph}`);
      }
    }
  }

  #indices(indices: Int32Array, count: number, optional: boolean, where: string): void {
    for (const index of indices) {
      if (index >= count || index < (optional ? -1 : 0)) {
        this.#anomaly("tflite-index", `${where} is tensor ${index} of ${count}`);
      }
    }
  }

  #operator(language: string, name: string, { where, at }: Place): void {
    this.#check();
    if (this.#stated.has(`${language} ${name}`)) return;
    this.#stated.add(`${language} ${name}`);
    const fact: OperatorFact = {
      kind: "operator",
      language,
      name,
      expression: `${name} (${where})`.slice(0, 2048),
    };
    this.#found.push({ type: "fact", fact, count: 1, offset: at });
  }

  #anomaly(rule: string, detail: string, unread = false): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > REPORTED) return;
    const shown = count === REPORTED ? `${detail}, and more` : detail;
    this.#found.push({ type: "anomaly", rule, detail: shown, ...(unread && { unread }) });
  }

  #take(): readonly Observation[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }
}

/** `GraphDef.node`. */
const GRAPH_NODE = 1;
/** Fields of `NodeDef`. */
const NODE_DEF = { name: 1, input: 3 } as const;

/**
 * A NodeDef as the delegate takes it: what it says of its name and inputs counts for nothing, since the inputs
 * are tensors of the model. They are named so that nothing else in the graph is meant.
 *
 * @returns undefined for bytes that are no message
 */
function asKernel(node: Uint8Array, index: number, inputs: number): Uint8Array | undefined {
  const parts = [bytesField(NODE_DEF.name, `kernel_${index}`)];
  for (let input = 0; input < inputs; input++) {
    parts.push(bytesField(NODE_DEF.input, `tensor_${index}_${input}`));
  }
  try {
    for (const { number, offset, end } of fieldsOf(node)) {
      if (number !== NODE_DEF.name && number !== NODE_DEF.input) {
        parts.push(node.subarray(offset, end));
      }
    }
  } catch {
    return undefined;
  }
  return concat(parts);
}

/** The NodeDef in a kernel's attributes, `[name, NodeDef]`; undefined where there is none. */
function nodeDefOf(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return flexTexts(bytes)[1];
  } catch {
    return undefined;
  }
}
