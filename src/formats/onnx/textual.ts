/**
 * ONNX's own notation of models (`.onnxtxt`, `.onnxtext`), written as the wire has them: graphs, nodes with the texts
 * of their attributes, functions, and where tensors lie that are elsewhere. Numbers are stepped over.
 * https://onnx.ai/onnx/repo-docs/Syntax.html, `onnx/defs/parser.cc` of https://github.com/onnx/onnx
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { concat, latin1 } from "../../parsers/bytes.ts";
import { MessageWriter } from "../../parsers/message_writer.ts";
import { WIRE } from "../../parsers/protobuf.ts";
import { blankEnd } from "../../parsers/text_blank.ts";
import { EXTERNAL } from "./schema.ts";

/** Numbers of fields, `onnx/onnx.proto`. */
const MODEL = { irVersion: 1, graph: 7, opsets: 8, metadata: 14, functions: 25 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const GRAPH = { nodes: 1, name: 2, initializers: 5 } as const;
const NODE = { inputs: 1, outputs: 2, name: 3, operator: 4, attributes: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, integer: 3, text: 4, tensor: 5, graph: 6 } as const;
const TENSOR = { type: 2, name: 8, external: 13, location: 14 } as const;
const FUNCTION = { name: 1, nodes: 7, opsets: 9, domain: 10, attributes: 11 } as const;

/** Texts among the keys of a model, by their names. */
const MODEL_TEXTS: ReadonlyMap<string, number> = new Map([
  ["producer_name", 2],
  ["producer_version", 3],
  ["domain", 4],
  ["doc_string", 6],
]);
const FUNCTION_TEXTS: ReadonlyMap<string, number> = new Map([["domain", FUNCTION.domain]]);

/** Types that hold others. */
const COMPOUND = new Set(["seq", "map", "optional", "sparse_tensor", "opaque"]);
/** Types of elements, `PrimitiveTypeNameMap`. */
const PRIMITIVE =
  /^(?:float(?:16|4e2m1|6e2m3|6e3m2|8e4m3fn(?:uz)?|8e5m2(?:fnuz)?|8e8m0)?|u?int(?:2|4|8|16|32|64)|string|bool|double|complex(?:64|128)|bfloat16)$/u;

/** Graphs in one another, each of which is three messages. CWE-674. */
const DEPTH = 30;
/** Steps between two checks of the deadline. */
const STEPS_PER_CHECK = 4096;

const WORD = /[A-Za-z_][A-Za-z0-9_]*/uy;
const DIGITS = /[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]*)?|(?:inf|infinity|nan)(?![A-Za-z0-9_])/iuy;
const MINUS = 0x2d;

/** A model in ONNX's own notation. */
interface TextualModel {
  /** As far as it could be read. */
  readonly writer: MessageWriter;
  /** Why reading ended before the text did. */
  readonly error: FormatError | undefined;
}

/**
 * Reads a model.
 *
 * @param check called now and then; may throw
 */
export function readTextualModel(bytes: Uint8Array, check: () => void): TextualModel {
  const reader = new Reader(bytes, check);
  try {
    reader.model();
    return { writer: reader.writer, error: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    reader.close();
    return { writer: reader.writer, error };
  }
}

class Reader {
  readonly writer = new MessageWriter();
  readonly #bytes: Uint8Array;
  readonly #text: string;
  readonly #check: () => void;
  readonly #open: number[] = [];
  #at = 0;
  #steps = 0;

  constructor(bytes: Uint8Array, check: () => void) {
    this.#bytes = bytes;
    this.#text = latin1(bytes, bytes.length);
    this.#check = check;
  }

  /** Ends the messages that an error left open. */
  close(): void {
    for (let from = this.#open.pop(); from !== undefined; from = this.#open.pop()) {
      this.writer.end(from);
    }
  }

  model(): void {
    if (this.#take("<")) this.#keys(MODEL_TEXTS, MODEL.opsets);
    this.#inside(MODEL.graph, () => this.#graph(this.#name(), 0));
    while (this.#peek() !== "") this.#inside(MODEL.functions, () => this.#function());
  }

  /** Keys with values between angle brackets, of which the first was taken. */
  #keys(texts: ReadonlyMap<string, number>, opsets: number): void {
    do {
      const place = this.#at;
      const key = this.#word();
      this.#expect(":");
      if (this.#peek() === '"') {
        const text = this.#string();
        const number = texts.get(key);
        if (number !== undefined) this.writer.content(number, text, place);
      } else if (this.#take("[")) {
        if (key === "opset_import") this.#opsets(opsets);
        else this.#entries(MODEL.metadata);
      } else {
        const value = this.#number();
        if (key === "ir_version") this.#integer(MODEL.irVersion, value);
      }
    } while (this.#take(","));
    this.#expect(">");
  }

  #opsets(number: number): void {
    if (this.#take("]")) return;
    do {
      this.#inside(number, () => {
        this.writer.content(OPSET.domain, this.#string(), this.#at);
        this.#expect(":");
        this.#integer(OPSET.version, this.#number());
      });
    } while (this.#take(","));
    this.#expect("]");
  }

  /** Texts by texts, whose bracket was taken. */
  #entries(number: number): void {
    if (this.#take("]")) return;
    do {
      this.#inside(number, () => {
        this.writer.content(ENTRY.key, this.#string(), this.#at);
        this.#expect(":");
        this.writer.content(ENTRY.value, this.#string(), this.#at);
      });
    } while (this.#take(","));
    this.#expect("]");
  }

  /** What follows the name of a graph. */
  #graph(name: Uint8Array, depth: number): void {
    if (depth > DEPTH) throw this.#invalid(`${DEPTH} graphs are around another`);
    this.writer.content(GRAPH.name, name, this.#at);
    if (this.#take("(")) this.#values(")");
    this.#arrow();
    this.#expect("(");
    this.#values(")");
    if (this.#take("<")) this.#values(">");
    this.#nodes(GRAPH.nodes, depth);
  }

  /** Values with their types, and those that have numbers of their own. */
  #values(end: string): void {
    if (this.#take(end)) return;
    do {
      this.#type();
      const name = this.#name();
      if (this.#take("=")) {
        this.#inside(GRAPH.initializers, () => this.#tensor(name));
      }
    } while (this.#take(","));
    this.#expect(end);
  }

  /** A type; its name where it is one of elements, undefined where there is none. */
  #type(): string | undefined {
    const from = this.#at;
    const word = this.#optionalWord();
    if (PRIMITIVE.test(word)) {
      if (this.#take("[") && !this.#take("]")) {
        do this.#dimension(); while (this.#take(","));
        this.#expect("]");
      }
      return word;
    }
    if (!COMPOUND.has(word)) {
      this.#at = from;
      return undefined;
    }
    this.#expect("(");
    for (let depth = 1; depth > 0;) {
      this.#step();
      if (this.#take("(")) depth++;
      else if (this.#take(")")) depth--;
      else if (this.#peek() === '"') this.#string();
      else if (!this.#take(",") && !this.#take(".") && !this.#take("[") && !this.#take("]")) {
        this.#dimension();
      }
    }
    return word;
  }

  #dimension(): void {
    if (this.#take("?")) return;
    if (this.#peek() === '"') this.#string();
    else if (this.#optionalWord() === "") this.#number();
  }

  /** The data of a tensor behind its type: numbers and texts, or where they lie. */
  #tensor(name: Uint8Array): void {
    this.writer.content(TENSOR.name, name, this.#at);
    if (this.#take("[")) {
      this.#integer(TENSOR.location, String(EXTERNAL));
      this.#entries(TENSOR.external);
      return;
    }
    if (!this.#take("{") || this.#take("}")) return;
    do {
      this.#step();
      if (this.#peek() === '"') this.#string();
      else this.#number();
    } while (this.#take(","));
    this.#expect("}");
  }

  #nodes(number: number, depth: number): void {
    this.#expect("{");
    while (!this.#take("}")) {
      this.#step();
      this.#inside(number, () => this.#node(depth));
    }
  }

  #node(depth: number): void {
    if (this.#take("[")) {
      this.writer.content(NODE.name, this.#name(), this.#at);
      this.#expect("]");
    }
    this.#names(NODE.outputs);
    this.#expect("=");
    const place = this.#at;
    const parts = [this.#word()];
    while (this.#take(".")) parts.push(this.#word());
    const operator = parts.pop() ?? "";
    this.writer.content(NODE.operator, ascii(operator), place);
    this.writer.content(NODE.domain, ascii(parts.join(".")), place);
    if (this.#take(":")) this.#word();
    const before = this.#attributes(NODE.attributes, depth);
    this.#expect("(");
    this.#names(NODE.inputs);
    this.#expect(")");
    if (!before) this.#attributes(NODE.attributes, depth);
  }

  /** Names between commas, of which any may be missing. */
  #names(number: number): void {
    for (let found = true; found;) {
      const next = this.#peek();
      if (next === '"' || /[A-Za-z_]/u.test(next)) {
        this.writer.content(number, this.#name(), this.#at);
      }
      found = this.#take(",");
    }
  }

  /** True when there were any. */
  #attributes(number: number, depth: number): boolean {
    if (!this.#take("<")) return false;
    do this.#inside(number, () => this.#attribute(depth)); while (this.#take(","));
    this.#expect(">");
    return true;
  }

  #attribute(depth: number): void {
    this.writer.content(ATTRIBUTE.name, ascii(this.#word()), this.#at);
    if (this.#take(":")) this.#word();
    this.#expect("=");
    if (!this.#take("[")) {
      this.#value(depth);
      return;
    }
    if (this.#take("]")) return;
    do this.#value(depth); while (this.#take(","));
    this.#expect("]");
  }

  #value(depth: number): void {
    this.#step();
    const next = this.#peek();
    const place = this.#at;
    if (next === '"') this.writer.content(ATTRIBUTE.text, this.#string(), place);
    else if (this.#take("@")) this.#word();
    else if (!/[A-Za-z_]/u.test(next) || this.#isNumber()) {
      const value = this.#number();
      if (/^-?[0-9]+$/u.test(value)) this.#integer(ATTRIBUTE.integer, value);
    } else {
      const type = this.#type();
      if (type === undefined) {
        this.#inside(ATTRIBUTE.graph, () => this.#graph(this.#name(), depth + 1));
      } else if (/[A-Za-z_={"[]/u.test(this.#peek())) {
        const name = ascii(this.#optionalWord());
        this.#take("=");
        this.#inside(ATTRIBUTE.tensor, () => this.#tensor(name));
      }
    }
  }

  #function(): void {
    if (this.#take("<")) this.#keys(FUNCTION_TEXTS, FUNCTION.opsets);
    this.writer.content(FUNCTION.name, this.#name(), this.#at);
    if (this.#take("<") && !this.#take(">")) {
      do {
        const from = this.#at;
        this.#word();
        if (this.#peek() !== ":" && this.#peek() !== "=") continue;
        this.#at = from;
        this.#inside(FUNCTION.attributes, () => this.#attribute(0));
      } while (this.#take(","));
      this.#expect(">");
    }
    this.#expect("(");
    this.#typedNames();
    this.#arrow();
    this.#expect("(");
    this.#typedNames();
    if (this.#take("<")) this.#values(">");
    this.#nodes(FUNCTION.nodes, 0);
  }

  #typedNames(): void {
    if (this.#take(")")) return;
    do {
      this.#type();
      this.#name();
    } while (this.#take(","));
    this.#expect(")");
  }

  /** Writes a message whose fields a function reads. */
  #inside(number: number, read: () => void): void {
    this.#skip();
    this.#open.push(this.writer.begin(number, this.#at));
    read();
    this.writer.end(this.#open.pop() ?? 0);
  }

  #integer(number: number, text: string): void {
    if (!/^-?[0-9]+$/u.test(text)) throw this.#invalid(`"${text}" is no integer`);
    this.writer.tag(number, WIRE.varint, this.#at);
    this.writer.varint(BigInt(text));
  }

  #arrow(): void {
    this.#expect("=");
    if (this.#text[this.#at] !== ">") throw this.#invalid("an arrow is missing");
    this.#at++;
  }

  #name(): Uint8Array {
    return this.#peek() === '"' ? this.#string() : ascii(this.#word());
  }

  #word(): string {
    const word = this.#optionalWord();
    if (word === "") throw this.#invalid("a name is missing");
    return word;
  }

  #optionalWord(): string {
    this.#skip();
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0] ?? "";
    this.#at += word.length;
    return word;
  }

  #isNumber(): boolean {
    return this.#digits() !== undefined;
  }

  #number(): string {
    this.#skip();
    const digits = this.#digits();
    if (digits === undefined) throw this.#invalid("a number is missing");
    const sign = this.#bytes[this.#at] === MINUS ? "-" : "";
    this.#at = DIGITS.lastIndex;
    return `${sign}${digits}`;
  }

  /** Those of a number, behind its sign and what may stand between. */
  #digits(): string | undefined {
    const negative = this.#bytes[this.#at] === MINUS;
    DIGITS.lastIndex = negative ? blankEnd(this.#bytes, this.#at + 1) : this.#at;
    return DIGITS.exec(this.#text)?.[0];
  }

  /** A text in quotes, in which a backslash lets the next character stand for itself. */
  #string(): Uint8Array {
    this.#expect('"');
    const parts: Uint8Array[] = [];
    let from = this.#at;
    for (;; this.#at++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.#invalid("a text has no end");
      if (byte !== 0x22 && byte !== 0x5c) continue;
      parts.push(this.#bytes.subarray(from, this.#at));
      if (byte === 0x22) break;
      from = ++this.#at;
    }
    this.#at++;
    return concat(parts);
  }

  #peek(): string {
    this.#skip();
    return this.#text[this.#at] ?? "";
  }

  #take(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) throw this.#invalid(`"${sign}" is missing`);
  }

  #skip(): void {
    this.#at = blankEnd(this.#bytes, this.#at);
  }

  #step(): void {
    if (++this.#steps % STEPS_PER_CHECK === 0) this.#check();
  }

  #invalid(why: string): FormatError {
    return new FormatError(`Cannot read ONNX's notation: ${why}`, this.#at);
  }
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
