/**
 * Reads TensorFlow's messages on the wire. Tensors of numbers are stepped over; of strings the first
 * few are kept, and those that are graphs themselves are remembered.
 *
 * @module
 */

import {
  packedVarints,
  WIRE,
  type WireField,
  type WireMessage,
  type WireReader,
} from "../../parsers/protobuf.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import * as at from "./fields.ts";
import { emptyScope, type Graph, type GraphNode, type Scope, type Texts } from "./graph.ts";
import { kindOf } from "./detect.ts";
import { callTargets } from "./stablehlo.ts";

/** Bytes of a name. TensorFlow bounds none; the longest seen has some hundred. Longer ones are reported. CWE-770. */
export const NAME_BYTES = 1024;
/** Bytes of a text that may be a path, a command or a piece of code: evidence, and no listing. CWE-779. */
export const TEXT_BYTES = 2048;
/**
 * Texts of one constant that are kept. Lists of variables have more; names of files and commands come alone.
 * CWE-770.
 */
const TEXTS_KEPT: number = 8;
/** Names of one node, or in one list. The node that restores NASNetLarge has 4,186. CWE-770. */
const NAMES = 1 << 18;
/** Nodes, functions and the like of one file. NASNetLarge, a model of 1,041 layers, has 61,467. CWE-770. */
const ITEMS = 1 << 20;
/** Characters of all their names and texts. NASNetLarge has 7 million. CWE-770. */
const CHARACTERS = 1 << 28;
/** Bytes of a string that are looked at to see whether it is a graph. */
const LOOK_BYTES = 4096;
/** Bytes of a compiled module, `XlaCallModule`; exports of large language models have some megabytes. CWE-770. */
const MODULE_BYTES = 64 * 1024 * 1024;
/** Bytes of integers that are looked at: one of ten bytes. */
const INTEGER_BYTES = 10;
/** The greatest place in a text. */
const INTEGER_MOST = 0x7fffffff;
/**
 * Bytes of an encoded tensor of strings; a longer one has words, not paths. The longest seen, a list of
 * variables, has 454,628. CWE-770.
 */
const CONTENT_BYTES = 1024 * 1024;

/** A range of the source that holds something to look into later. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** Where it was found, for the location. */
  readonly where: string;
}

/** Reads graphs, and keeps what is not about one of them alone. */
export class GraphReader {
  /** Serialized graphs in constants and attributes. */
  readonly nested: Found[] = [];
  /** Fields of another wire type than their number has, and the like; the first few. */
  readonly mismatches: { readonly detail: string; readonly offset: number }[] = [];

  #items = 0;
  #characters = 0;

  /**
   * Counts something that is kept.
   *
   * @throws LimitError when it is too much
   */
  keep(characters: number): void {
    this.#items++;
    this.#characters += characters;
    if (this.#items <= ITEMS && this.#characters <= CHARACTERS) return;
    const most = `${ITEMS} nodes, arguments and the like, or ${CHARACTERS} characters`;
    throw new LimitError("values", `The graph has more than ${most}`);
  }

  /** Reads a GraphDef into `graph`, piece by piece: what is there when an error is thrown counts. */
  async graph(message: WireMessage, graph: Graph): Promise<void> {
    const { node, library } = at.GRAPH;
    await message.each((field) => {
      if (field.number === node && this.isBytes(field, "GraphDef")) {
        return this.#node(message.enter(field), graph.main, field.offset);
      }
      if (field.number === library && this.isBytes(field, "GraphDef")) {
        return this.#library(message.enter(field), graph);
      }
    });
  }

  async #library(message: WireMessage, graph: Graph): Promise<void> {
    await message.each(async (field) => {
      if (field.number > at.LIBRARY.gradients) return;
      if (!this.isBytes(field, "FunctionDefLibrary")) return;
      const inner = message.enter(field);
      if (field.number === at.LIBRARY.gradients) {
        await textsInto(inner, at.GRADIENT.gradient, graph.gradients);
        return;
      }
      const scope = emptyScope();
      this.keep(NAME_BYTES);
      try {
        await this.#function(inner, scope);
      } finally {
        const name = scope.name ?? "";
        // Two functions of one name are one too many: neither must hide the other.
        scope.name = graph.functions.has(name) ? `${name} (another)` : name;
        graph.functions.set(graph.functions.has(name) ? `${name}\0${field.offset}` : name, scope);
      }
    });
  }

  async #function(message: WireMessage, scope: Scope): Promise<void> {
    const { signature, nodes, returns } = at.FUNCTION;
    await message.each((field) => {
      if (![signature, nodes, returns].some((number) => number === field.number)) return;
      if (!this.isBytes(field, "FunctionDef")) return;
      const inner = message.enter(field);
      if (field.number === signature) return this.#functionSignature(inner, scope);
      if (field.number === nodes) return this.#node(inner, scope, field.offset);
      return entry(inner, async (key, value) => {
        this.keep(key.length);
        scope.returns.set(key, await this.name(value.message.reader, value.field));
      });
    });
  }

  async #functionSignature(message: WireMessage, scope: Scope): Promise<void> {
    await message.each(async (field) => {
      if (field.number > at.OP.outputs || !this.isBytes(field, "OpDef")) return;
      if (field.number === at.OP.name) {
        scope.name = await this.name(message.reader, field);
        return;
      }
      const names: string[] = [];
      await message.enter(field).each(async (part) => {
        if (part.number === at.ARGUMENT.count || part.number === at.ARGUMENT.types) {
          scope.lists = true;
        }
        if (part.number !== at.ARGUMENT.name || part.type !== WIRE.bytes) return;
        names.push(await this.name(message.reader, part));
      });
      this.keep(names.at(-1)?.length ?? 0);
      (field.number === at.OP.inputs ? scope.inputs : scope.outputs).push(names.at(-1) ?? "");
    });
  }

  async #node(message: WireMessage, scope: Scope, offset: number): Promise<void> {
    const node: GraphNode = {
      name: "",
      op: "",
      inputs: NONE,
      functions: NONE,
      texts: NO_TEXTS,
      open: NO_NAMES,
      handsOn: false,
      constant: undefined,
      integer: undefined,
      targets: undefined,
      dtype: undefined,
      offset,
    };
    const { reader } = message;
    try {
      await message.each((field) => {
        if (field.number > at.NODE.attr || !this.isBytes(field, "NodeDef")) return;
        if (field.number === at.NODE.attr) return this.#attribute(message.enter(field), node);
        const text = this.name(reader, field);
        const keep = (text: string): void => {
          if (field.number === at.NODE.name) node.name = text;
          else if (field.number === at.NODE.op) node.op = text;
          else if (field.number === at.NODE.input) addTo(node, "inputs", text);
        };
        return text instanceof Promise ? text.then(keep) : keep(text);
      });
      if (node.op === "") this.#mismatch("A node has no operator", offset);
    } finally {
      this.keep(sizeOf(node));
      scope.nodes.push(node);
      scope.byName.set(node.name, node);
    }
  }

  #attribute(message: WireMessage, node: GraphNode): Promise<void> {
    return entry(
      message,
      (key, { message, field }) => this.#value(message.enter(field), key, node),
    );
  }

  async #value(message: WireMessage, key: string, node: GraphNode): Promise<void> {
    const { list, text, number, type, tensor, placeholder, func } = at.ATTRIBUTE;
    await message.each(async (field) => {
      switch (field.number) {
        case type:
        case number:
          if (key === "dtype" && field.number === type) node.dtype = field.value;
          return;
        case text:
          if (this.isBytes(field, "AttrValue")) {
            await this.#attributeText(message, field, { key, listed: false }, node);
          }
          return;
        case list:
          if (this.isBytes(field, "AttrValue")) await this.#list(message.enter(field), key, node);
          return;
        case tensor: {
          if (!this.isBytes(field, "AttrValue")) return;
          const found = await this.#tensor(message.enter(field), node);
          // Equal fields are merged: whichever text comes first in the end is among all of them.
          if (key === "value" && found !== undefined) node.constant = both(node.constant, found);
          return;
        }
        case placeholder:
          this.#unsettled(key, node);
          return;
        case func:
          if (this.isBytes(field, "AttrValue")) await this.#reference(message.enter(field), node);
      }
    });
  }

  async #attributeText(
    message: WireMessage,
    field: WireField,
    { key, listed }: { readonly key: string; readonly listed: boolean },
    node: GraphNode,
  ): Promise<void> {
    await this.#lookForGraph(message, field, node);
    const length = field.end - field.start;
    if (key === "module" && length > 0) {
      const bytes = await message.reader.bytes(field.start, field.end, MODULE_BYTES);
      node.targets = callTargets(bytes, length > bytes.length);
    }
    // Those with an underscore are hints to the runtime, and as many as anybody likes.
    if (key.startsWith("_")) return;
    // Of equal keys, and of equal fields, parsers take the last, which no writer leaves to them.
    if (node.texts.has(key) && !listed) this.#unsettled(key, node);
    if (length === 0) return;
    if (node.texts === NO_TEXTS) node.texts = new Map();
    if (!node.texts.has(key)) this.keep(key.length);
    node.texts.set(key, await message.reader.text(field, TEXT_BYTES));
  }

  /** An attribute that is known only where the function is called, or is given twice. */
  #unsettled(key: string, node: GraphNode): void {
    if (node.open === NO_NAMES) node.open = new Set();
    if (!node.open.has(key)) this.keep(key.length);
    node.open.add(key);
  }

  async #list(message: WireMessage, key: string, node: GraphNode): Promise<void> {
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === at.LIST.text) {
        await this.#attributeText(message, field, { key, listed: true }, node);
      } else if (field.number === at.LIST.tensor) await this.#tensor(message.enter(field), node);
      else if (field.number === at.LIST.func) await this.#reference(message.enter(field), node);
    });
  }

  /** A NameAttrList: a function, with attributes that may name further ones. */
  async #reference(message: WireMessage, node: GraphNode): Promise<void> {
    await message.each(async (field) => {
      if (field.number > at.NAME_ATTRIBUTES.attr || !this.isBytes(field, "NameAttrList")) return;
      if (field.number === at.NAME_ATTRIBUTES.name) {
        addTo(node, "functions", await this.name(message.reader, field));
      } else {
        const { length } = node.functions;
        await entry(
          message.enter(field),
          (_key, { message, field }) => this.#value(message.enter(field), "", node),
        );
        if (node.functions.length > length) node.handsOn = true;
      }
    });
  }

  /** The strings of a tensor; undefined when it has none. */
  async #tensor(message: WireMessage, node: GraphNode): Promise<Texts | undefined> {
    const { dtype, shape, content, ints, texts, longs, variants } = at.TENSOR;
    const found: string[] = [];
    const places: { start: number; end: number }[] = [];
    const place = ({ start, end }: WireField): void => {
      if (places.length < TEXTS_KEPT) places.push({ start, end });
    };
    const integers: number[] = [];
    const longIntegers: number[] = [];
    let type = 0;
    let cut = false;
    let count = 1;
    let graphs = true;
    const encoded: WireField[] = [];
    await message.each(async (field) => {
      if (field.number === dtype) type = field.value;
      if (field.number === ints) await integersInto(message, field, integers);
      else if (field.number === longs) await integersInto(message, field, longIntegers);
      if (field.type !== WIRE.bytes) return;
      if (field.number === shape) count *= await elementsOf(message.enter(field));
      else if (field.number === content) encoded.push(field);
      else if (field.number === variants) await this.#variant(message.enter(field), node);
      else if (field.number === texts) {
        if (!await this.#lookForGraph(message, field, node)) graphs = false;
        place(field);
        cut ||= found.length === TEXTS_KEPT || field.end - field.start > TEXT_BYTES;
        if (found.length === TEXTS_KEPT) return;
        found.push(await message.reader.text(field, TEXT_BYTES));
      }
    });
    // Where there are both, TensorFlow takes the encoded ones.
    for (const one of type === at.DT_STRING ? encoded : []) {
      const strings = await stringsOf(message, one, count);
      if (strings.length === 0) cut = true;
      for (const field of strings) {
        if (!await this.#lookForGraph(message, field, node)) graphs = false;
        place(field);
        cut ||= found.length === TEXTS_KEPT || field.end - field.start > TEXT_BYTES;
        if (found.length < TEXTS_KEPT) found.push(await message.reader.text(field, TEXT_BYTES));
      }
    }
    const listed = type === at.DT_INT32 ? integers : type === at.DT_INT64 ? longIntegers : [];
    const isScalar = count === 1 && encoded.length === 0 && node.integer === undefined;
    // A constant in several pieces is none that is known.
    node.integer = isScalar ? onlyOne(listed) : NaN;
    return found.length === 0
      ? undefined
      : { texts: found, cut, graphs: graphs && encoded.length === 0, places };
  }

  async #variant(message: WireMessage, node: GraphNode): Promise<void> {
    await message.each(async (field) => {
      if (field.type !== WIRE.bytes) return;
      if (field.number === at.VARIANT.metadata) await this.#lookForGraph(message, field, node);
      else if (field.number === at.VARIANT.tensors) await this.#tensor(message.enter(field), node);
    });
  }

  /** Graphs are handed around as strings, for instance those of datasets. True for a GraphDef. */
  async #lookForGraph(message: WireMessage, field: WireField, node: GraphNode): Promise<boolean> {
    const length = field.end - field.start;
    if (length < 8) return false;
    const window = message.reader.window(field.start, Math.min(length, LOOK_BYTES));
    const all = window instanceof Promise ? await window : window;
    const bytes = all.subarray(0, Math.min(length, LOOK_BYTES));
    // Tags of the fields that a graph or a saved model may begin with.
    if (![0x08, 0x0a, 0x12, 0x18, 0x22].includes(bytes[0] ?? 0)) return false;
    const kind = kindOf(bytes, length);
    if (kind === undefined || kind === "fingerprint") return false;
    this.keep(0);
    this.nested.push({ start: field.start, end: field.end, where: node.name });
    // An operator that runs it reads a GraphDef, whatever else the bytes may be.
    return kind === "graph";
  }

  /**
   * A name; a longer one than is read could be taken for another that begins alike, and is noted.
   *
   * @throws SourceError when the bytes cannot be had
   */
  name(
    reader: WireReader,
    field: Pick<WireField, "start" | "end">,
  ): string | Promise<string> {
    const length = field.end - field.start;
    if (length > NAME_BYTES) this.#mismatch(`A name has ${length} bytes`, field.start);
    return reader.text(field, NAME_BYTES);
  }

  /** False, and noted, for another wire type: protobuf steps over it, and no writer makes one. */
  isBytes(field: WireField, message: string): boolean {
    if (field.type === WIRE.bytes) return true;
    this.#mismatch(
      `Field ${field.number} of a ${message} has wire type ${field.type}`,
      field.offset,
    );
    return false;
  }

  #mismatch(detail: string, offset: number): void {
    if (this.mismatches.length < TEXTS_KEPT) this.mismatches.push({ detail, offset });
  }
}

/** Integers of a tensor, packed or not; the first few. */
async function integersInto(
  message: WireMessage,
  field: WireField,
  into: number[],
): Promise<void> {
  if (into.length > 1) return;
  if (field.type !== WIRE.bytes) into.push(field.value);
  else {
    const bytes = await message.reader.bytes(field.start, field.end, INTEGER_BYTES);
    // More than one are not looked at.
    into.push(...field.end - field.start > bytes.length ? [NaN, NaN] : packedVarints(bytes, 2));
  }
}

/** The one integer of a list, where it is not negative; else NaN. */
function onlyOne([value, other]: readonly number[]): number {
  return other === undefined && value !== undefined && value <= INTEGER_MOST ? value : NaN;
}

/** The texts of a tensor that was given in two pieces. */
function both(first: Texts | undefined, second: Texts): Texts {
  if (first === undefined) return second;
  const texts = [...first.texts, ...second.texts];
  return {
    texts: texts.slice(0, TEXTS_KEPT),
    cut: first.cut || second.cut || texts.length > TEXTS_KEPT,
    graphs: first.graphs && second.graphs,
    places: [...first.places, ...second.places].slice(0, TEXTS_KEPT),
  };
}

/** What most nodes have none of; one for all of them. */
const NONE: string[] = [];
const NO_TEXTS: Map<string, string> = new Map();
const NO_NAMES: Set<string> = new Set();

function addTo(node: GraphNode, key: "inputs" | "functions", text: string): void {
  if (node[key] === NONE) node[key] = [];
  node[key].push(text);
  limitNames(node[key]);
}

/** @throws LimitError when there are too many, of which none must be passed over */
export function limitNames({ length }: readonly unknown[]): void {
  if (length > NAMES) throw new LimitError("values", `A list has more than ${NAMES} names`);
}

/** Characters that a node keeps. */
function sizeOf({ name, op, inputs, functions, texts, constant }: GraphNode): number {
  let size = name.length + op.length;
  for (const text of inputs) size += text.length;
  for (const text of functions) size += text.length;
  for (const text of texts.values()) size += text.length;
  for (const text of constant?.texts ?? []) size += text.length;
  return size;
}

/** Elements of a shape; a scalar has one. */
async function elementsOf(message: WireMessage): Promise<number> {
  let count = 1;
  await message.each(async (field) => {
    if (field.number !== at.SHAPE.dim || field.type !== WIRE.bytes) return;
    const inner = message.enter(field);
    await inner.each((part) => {
      if (part.number === at.DIM.size) count *= part.value;
    });
  });
  return count;
}

/** Strings in `tensor_content`: all lengths, then all bytes (tensor_coding.h, EncodeStringList). */
async function stringsOf(
  message: WireMessage,
  { start, end }: WireField,
  count: number,
): Promise<WireField[]> {
  if (!(count > 0 && count <= end - start)) return [];
  const bytes = await message.reader.bytes(start, end, CONTENT_BYTES);
  try {
    const lengths = packedVarints(bytes, count);
    // Lengths are recognised by how many bytes are left when the last one has been read.
    let from = end - lengths.reduce((sum, length) => sum + length, 0);
    return lengths.flatMap((length) => {
      const field = {
        number: 0,
        type: WIRE.bytes,
        offset: from,
        start: from,
        value: 0,
        cut: false,
      };
      from += length;
      return length >= 0 && field.start >= start && from <= end ? [{ ...field, end: from }] : [];
    });
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** An entry of a map: the key is read, the value's field handed on, whichever comes first. */
export async function entry(
  message: WireMessage,
  take: (key: string, value: { message: WireMessage; field: WireField }) => Promise<void>,
): Promise<void> {
  let key = "";
  let value: WireField | undefined;
  await message.each((field) => {
    if (field.number === at.ENTRY.value && field.type === WIRE.bytes) value = field;
    if (field.number !== at.ENTRY.key || field.type !== WIRE.bytes) return;
    const text = message.reader.text(field, NAME_BYTES);
    if (!(text instanceof Promise)) key = text;
    else return text.then((text) => void (key = text));
  });
  if (value !== undefined) await take(key, { message, field: value });
}

/** The texts of a repeated field. */
export async function textsInto(
  message: WireMessage,
  number: number,
  into: string[],
): Promise<void> {
  await message.each(async (field) => {
    if (field.number !== number || field.type !== WIRE.bytes) return;
    into.push(await message.reader.text(field, NAME_BYTES));
    limitNames(into);
  });
}
