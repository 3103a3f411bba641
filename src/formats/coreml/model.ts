/**
 * Core ML's models (`.mlmodel`, alone or in a `.mlpackage`): a protobuf message that says what the model
 * computes, and where it takes code, weights and other models from.
 *
 * Format: `mlmodel/format/Model.proto`, `NeuralNetwork.proto`, `MIL.proto`, `CustomModel.proto` and
 * `LinkedModel.proto` of coremltools. Classes of custom layers and models are the application's own code.
 *
 * @module
 */

import { leavesFolder } from "../../parsers/leaves_folder.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import {
  fieldsOf,
  WIRE,
  type WireField,
  type WireMessage,
  WireReader,
} from "../../parsers/protobuf.ts";

/** Fields of `Model`. */
const MODEL = {
  version: 1,
  description: 2,
  isUpdatable: 10,
  pipelineClassifier: 200,
  pipelineRegressor: 201,
  pipeline: 202,
  networkRegressor: 303,
  networkClassifier: 403,
  network: 500,
  program: 502,
  custom: 555,
  linked: 556,
  serialized: 3000,
} as const;
/** Kinds of models that compute from their own numbers alone, by their fields. */
const PLAIN: ReadonlySet<number> = new Set([
  ...[300, 301, 302, 304, 400, 401, 402, 404, 501, 560],
  ...[600, 601, 602, 603, 604, 606, 607, 609, 610, 900],
  ...[2000, 2001, 2002, 2003, 2004, 2005, 2006],
]);
/** Fields of `NeuralNetworkLayer`, and of what its branches and loops hold: networks. */
const LAYER = { custom: 500, branch: 605, loop: 615 } as const;
const BRANCHES: ReadonlySet<number> = new Set([1, 2]);
const LOOPS: ReadonlySet<number> = new Set([3, 4]);
/** `className` of custom layers and models. */
const CLASS_NAME = 10;
/** Fields of MIL: `Program.functions`, `Function.block_specializations`, `Block.operations`. */
const PROGRAM = { functions: 2, attributes: 4 } as const;
const FUNCTION = { blocks: 3, attributes: 4 } as const;
const BLOCK = { operations: 3, attributes: 4 } as const;
const OPERATION = { type: 1, inputs: 2, blocks: 4, attributes: 5 } as const;
const VALUE = { immediate: 3, blob: 5 } as const;
/** The key and the value of an entry of a map. */
const MAP_VALUE = 2;
/** Where weights of a package are: `@model_path` is the folder of the model. */
const WEIGHTS = /^@model_path\/weights\/[^/\\]+$/u;
const NAMED = /\.mlmodel$/iu;
/** Observations of one kind that are reported one by one. An intact file has none. CWE-779. */
const REPORTED = 20;

/** Further fields of `Model` that hold a message: its description, and whether it can be trained further. */
const ABOUT: Readonly<Record<number, number>> = {
  [MODEL.version]: WIRE.varint,
  [MODEL.description]: WIRE.bytes,
  [MODEL.isUpdatable]: WIRE.varint,
};
/** Versions of specifications: coremltools 8.3 writes up to 9. */
const VERSIONS = 64;
/** Fields of a model that detection reads. Real ones have four at most. CWE-834. */
const FIELDS = 16;

/** Core ML's models. */
export const coremlFormat: Format = {
  id: "coreml",
  random: true,
  detect: ({ name, head, size }) =>
    head.length > 0 && (NAMED.test(name) || kindOf(beginning(head, size), size) === "model"),
  isUndecided: ({ name, head, size }) =>
    !NAMED.test(name) && kindOf(beginning(head, size), size) === "undecided",
  detectFurther: async (source, _sample, checkDeadline) => {
    const { size } = source;
    const reader = new WireReader(source, { limits: { values: FIELDS }, checkDeadline });
    return size !== undefined &&
      kindOf(await fieldsOfModel(reader.message(0, size)), size) === "model";
  },
  scan,
};

/**
 * A package's manifest may name a file of any name as the model, and Core ML takes the fields in any order: a
 * message is a model that has a version and one kind, and nothing that a model has not.
 *
 * @param fields those at the beginning, whole or cut
 */
function kindOf(
  fields: readonly WireField[] | undefined,
  size: number | undefined,
): "model" | "undecided" | undefined {
  if (fields === undefined || fields.length === 0) return undefined;
  let kinds = 0;
  let version = false;
  for (const { number, type, value } of fields) {
    if (number >= MODEL.pipelineClassifier && number <= MODEL.serialized) {
      if (type !== WIRE.bytes) return undefined;
      kinds++;
    } else if (ABOUT[number] !== type) return undefined;
    else if (number === MODEL.version) {
      if (value < 1 || value > VERSIONS) return undefined;
      version = true;
    }
  }
  if (version && kinds > 0) return "model";
  return fields.at(-1)?.end === size ? undefined : "undecided";
}

/** The fields in the head of a message; undefined where it is none. */
function beginning(head: Uint8Array, size: number | undefined): readonly WireField[] | undefined {
  try {
    const found: WireField[] = [];
    for (const field of fieldsOf(head, size)) {
      found.push(field);
      if (found.length > FIELDS) return undefined;
    }
    return found;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The fields of a message, which is stepped through; undefined where it is none. */
async function fieldsOfModel(message: WireMessage): Promise<readonly WireField[] | undefined> {
  const found: WireField[] = [];
  try {
    await message.each((field) => void found.push(field));
    return found;
  } catch (error) {
    if (error instanceof FormatError || error instanceof LimitError) return undefined;
    throw error;
  }
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const walk = new ModelWalk(new WireReader(source, context));
  try {
    await walk.model(walk.reader.message());
  } finally {
    yield walk.found;
  }
}

class ModelWalk {
  readonly reader: WireReader;
  readonly found: Observation[] = [];
  readonly #stated = new Set<string>();
  #blobs = 0;

  constructor(reader: WireReader) {
    this.reader = reader;
  }

  /** A model, which may be one of a pipeline. */
  async model(message: WireMessage): Promise<void> {
    let kinds = 0;
    await message.each((field) => {
      if (field.number < MODEL.pipelineClassifier) return;
      kinds++;
      return field.type === WIRE.bytes ? this.#kind(message, field) : this.#unknown(field);
    });
    if (kinds === 0) {
      // Core ML refuses it, and it holds nothing that could be used.
      const detail = "it says nothing of what it computes";
      this.found.push({ type: "anomaly", rule: "coreml-untyped", detail, offset: message.start });
    }
  }

  #kind(message: WireMessage, field: WireField): void | Promise<void> {
    const inner = message.enter(field);
    switch (field.number) {
      case MODEL.pipelineClassifier:
      case MODEL.pipelineRegressor:
        return inTurn(inner, [1], (pipeline) => inTurn(pipeline, [1], (each) => this.model(each)));
      case MODEL.pipeline:
        return inTurn(inner, [1], (each) => this.model(each));
      case MODEL.network:
      case MODEL.networkClassifier:
      case MODEL.networkRegressor:
        return this.#network(inner);
      case MODEL.program:
        return this.#program(inner);
      case MODEL.custom:
        return this.#custom(inner, "a custom model");
      case MODEL.linked:
        return inTurn(inner, [1], (file) => this.#linked(file));
      default:
        if (!PLAIN.has(field.number)) this.#unknown(field);
    }
  }

  #unknown({ number, offset }: WireField): void {
    const detail = `field ${number} of a model, which this version does not know`;
    this.found.push({ type: "anomaly", rule: "coreml-unknown", detail, offset, unread: true });
  }

  #network(network: WireMessage): Promise<void> {
    return inTurn(network, [1], (layer) =>
      layer.each((field) => {
        if (field.type !== WIRE.bytes) return;
        const inner = layer.enter(field);
        if (field.number === LAYER.custom) return this.#custom(inner, "a custom layer");
        const networks = field.number === LAYER.branch
          ? BRANCHES
          : field.number === LAYER.loop
          ? LOOPS
          : undefined;
        if (networks !== undefined) return inTurn(inner, networks, (each) => this.#network(each));
      }));
  }

  async #custom(message: WireMessage, what: string): Promise<void> {
    let name = "";
    let { start } = message;
    await message.each(async (field) => {
      if (field.number !== CLASS_NAME || field.type !== WIRE.bytes) return;
      start = field.start;
      name = await this.reader.text(field);
    });
    this.#stateCustom(name, what, start);
  }

  #stateCustom(name: string, what: string, offset: number): void {
    if (this.#stated.has(name)) return;
    this.#stated.add(name);
    const fact: OperatorFact = {
      kind: "operator",
      language: "coreml",
      name,
      expression: `${name} (${what})`.slice(0, 2048),
    };
    this.found.push({ type: "fact", fact, count: 1, offset });
  }

  /** A model in another file: its name, and where that is looked for. */
  async #linked(file: WireMessage): Promise<void> {
    const texts = new Map<number, string>();
    let offset = file.start;
    await inTurn(file, [1, 2], (parameter, { number }) =>
      parameter.each(async (field) => {
        if (field.number !== 1 || field.type !== WIRE.bytes) return;
        offset = field.start;
        texts.set(number, await this.reader.text(field));
      }));
    const name = texts.get(1) ?? "";
    for (const folder of (texts.get(2) ?? "").split(":")) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (!leavesFolder(path)) continue;
      const detail = `the model is linked to "${path}"`;
      this.found.push({ type: "anomaly", rule: "coreml-path", detail, offset });
    }
  }

  #program(program: WireMessage): Promise<void> {
    return program.each((field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === PROGRAM.attributes) return this.#entry(program.enter(field));
      if (field.number !== PROGRAM.functions) return;
      return inTurn(program.enter(field), [MAP_VALUE], (each) => this.#function(each));
    });
  }

  #function(message: WireMessage): Promise<void> {
    return message.each((field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === FUNCTION.attributes) return this.#entry(message.enter(field));
      if (field.number !== FUNCTION.blocks) return;
      return inTurn(message.enter(field), [MAP_VALUE], (each) => this.#block(each));
    });
  }

  #block(block: WireMessage): Promise<void> {
    return block.each((field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === BLOCK.attributes) return this.#entry(block.enter(field));
      if (field.number === BLOCK.operations) return this.#operation(block.enter(field));
    });
  }

  #operation(operation: WireMessage): Promise<void> {
    return operation.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === OPERATION.type) {
        const name = await this.reader.text(field);
        if (/custom/iu.test(name)) this.#stateCustom(name, "a custom operator", field.start);
        return;
      }
      const inner = operation.enter(field);
      if (field.number === OPERATION.attributes) return this.#entry(inner);
      if (field.number === OPERATION.blocks) return this.#block(inner);
      if (field.number !== OPERATION.inputs) return;
      // An argument is a list of bindings, each to a name (1) or a value (2).
      return inTurn(
        inner,
        [MAP_VALUE],
        (argument) =>
          inTurn(argument, [1], (binding) => inTurn(binding, [2], (value) => this.#value(value))),
      );
    });
  }

  /** An entry of a map whose values are values. */
  #entry(entry: WireMessage): Promise<void> {
    return inTurn(entry, [MAP_VALUE], (value) => this.#value(value));
  }

  #value(value: WireMessage): Promise<void> {
    return value.each((field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === VALUE.blob) return this.#blob(value.enter(field));
      if (field.number === VALUE.immediate) return this.#immediate(value.enter(field));
    });
  }

  /** Tuples (2), lists (3) and dictionaries (4) hold values; tensors (1) hold numbers and texts. */
  #immediate(immediate: WireMessage): Promise<void> {
    return immediate.each((field) => {
      if (field.type !== WIRE.bytes || field.number < 2 || field.number > 4) return;
      const values = immediate.enter(field);
      return inTurn(
        values,
        [1],
        (each) =>
          field.number === 4
            ? inTurn(each, [1, 2], (value) => this.#value(value))
            : this.#value(each),
      );
    });
  }

  #blob(blob: WireMessage): Promise<void> {
    return blob.each(async (field) => {
      if (field.number !== 1 || field.type !== WIRE.bytes) return;
      const name = await this.reader.text(field);
      if (WEIGHTS.test(name)) return;
      if (++this.#blobs > REPORTED) return;
      const rule = leavesFolder(name.replace(/^@model_path\//u, ""))
        ? "coreml-path"
        : "coreml-blob";
      const detail = `weights are in "${name}"`;
      this.found.push({ type: "anomaly", rule, detail, offset: field.start });
    });
  }
}

/** Hands on the messages in some fields of a message, one after the other. */
function inTurn(
  message: WireMessage,
  numbers: Iterable<number>,
  take: (inner: WireMessage, field: WireField) => void | Promise<void>,
): Promise<void> {
  const wanted = new Set(numbers);
  return message.each((field) =>
    wanted.has(field.number) && field.type === WIRE.bytes
      ? take(message.enter(field), field)
      : undefined
  );
}
