/**
 * Walks the objects of a Torch7 file as `File:readObject` does, without recursion, and states functions, classes
 * and tensors that reach beyond their storages.
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import { ascii, latin1, looksLikeText, startsWith } from "../../parsers/bytes.ts";
import type { ElementKind, ObjectReader } from "./encodings.ts";
import { TYPE } from "./head.ts";

/** Dimensions of a tensor. Torch's own operations take at most 25. CWE-770. */
const DIMENSIONS = 64;
/** Characters of a class or of a key that are kept. CWE-770. */
const NAME_CHARACTERS = 256;
/** Classes, functions and anomalies that are reported separately; real networks have some dozens. CWE-779. */
const REPORTED = 200;
/** Characters of a function's texts that are shown. CWE-779. */
const SHOWN_CHARACTERS = 2048;
/** Names that lead to a place and are shown. */
const SHOWN_NAMES = 6;
/** Characters of Lua's source that are taken for it where the file is read in a second way. */
const SOURCE_CHARACTERS = 8;

/** Classes of numbers, which have a form of their own: `generic/Tensor.c`, `generic/Storage.c`, cutorch, cltorch. */
const NUMBERS =
  /^torch\.(?:Cuda|Cl)?(Byte|Char|Short|Int|Long|Float|Double|Half)?(Tensor|Storage)$/u;
/** Further classes that read bytes of their own, which are not followed here. */
const OWN_FORM = /^(?:torch\.Generator|tds\..+)$/u;
/** `V` and a number stand before the class since there are versions. */
const VERSION = /^V \d+$/u;

/** Bytes that begin a compiled function: of Lua and of LuaJIT. */
const COMPILED = [["Lua", "\x1bLua"], ["LuaJIT", "\x1bLJ"]] as const;

interface Tensor {
  readonly place: string;
  readonly at: number;
  readonly kind: string;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  /** Counted from 1. */
  readonly first: number;
  /** Index of its storage; undefined for none. */
  storage: number | undefined;
}

/** Objects that are still to be read into something. */
interface Frame {
  left: number;
  /** True for a table, of which every other object is a key. */
  readonly pairs: boolean;
  readonly name: string;
  key: string;
  readonly tensor?: Tensor;
}

/** One file, read in one notation. */
export class ObjectWalk {
  readonly #reader: ObjectReader;
  readonly #most: number;
  readonly #frames: Frame[] = [];
  /** Indices that were read; of storages their kind and size. */
  readonly #seen = new Map<number, { readonly kind: string; readonly size: number } | undefined>();
  readonly #tensors: Tensor[] = [];
  readonly #classes = new Set<string>();
  readonly #found: Observation[] = [];
  /** Functions whose bytes are Lua's without a doubt. */
  readonly #functions: Observation[] = [];
  #objects = 0;
  #functionCount = 0;
  /** True once it was run. */
  started = false;
  /** True where the bytes depend on the size of a `long`. */
  usesLongs = false;

  /** @param most objects */
  constructor(reader: ObjectReader, most: number) {
    this.#reader = reader;
    this.#most = most;
  }

  /** Offset behind the object. */
  get end(): number {
    return this.#reader.offset;
  }

  /** Functions that are Lua's by their bytes, whatever the rest of the file is. */
  functions(): readonly Observation[] {
    return this.#functions;
  }

  /** Everything that was found until here. */
  observations(): readonly Observation[] {
    return [...this.#found, ...this.#tensorAnomalies()];
  }

  /**
   * Reads the root and everything in it.
   *
   * @throws FormatError where a loader would fail, or a class has a form of its own
   * @throws LimitError beyond the objects that are allowed
   */
  async run(): Promise<void> {
    this.started = true;
    this.#push({ left: 1, pairs: false, name: "", key: "" });
    for (let top = this.#frames.at(-1); top !== undefined; top = this.#frames.at(-1)) {
      if (top.left === 0) this.#frames.pop();
      else {
        top.left--;
        await this.#read(top);
      }
    }
  }

  #push(frame: Frame): void {
    this.#frames.push(frame);
  }

  async #read(frame: Frame): Promise<void> {
    if (++this.#objects > this.#most) {
      throw new LimitError("values", `There are more than ${this.#most} objects`);
    }
    const at = this.#reader.offset;
    const isKey = frame.pairs && frame.left % 2 === 1;
    const type = await this.#reader.int();
    switch (type) {
      case TYPE.nil:
        return;
      case TYPE.number: {
        const value = await this.#reader.double();
        if (isKey) frame.key = String(value);
        return;
      }
      case TYPE.boolean:
        await this.#reader.int();
        return;
      case TYPE.text: {
        const bytes = await this.#text();
        if (isKey) frame.key = shown(bytes);
        return;
      }
      case TYPE.function:
        await this.#function(at);
        return;
      case TYPE.table:
      case TYPE.object:
      case TYPE.oldClosure:
      case TYPE.closure:
        await this.#indexed(type, frame, at);
        return;
      default:
        throw new FormatError(`Cannot read Torch7 object: there is no type ${type}`, at);
    }
  }

  /** What is stored once and then named by its index. */
  async #indexed(type: number, frame: Frame, at: number): Promise<void> {
    const index = await this.#reader.int();
    if (frame.tensor !== undefined) frame.tensor.storage = index;
    if (this.#seen.has(index)) return;
    this.#seen.set(index, undefined);
    if (type === TYPE.table) {
      const size = await this.#reader.int();
      // Key and value have a type of one digit and a line feed at least.
      if (size < 0 || size * 4 > this.#reader.left) {
        throw new FormatError(`Cannot read table: it has ${size} pairs`, at);
      }
      this.#push({ left: 2 * size, pairs: true, name: "", key: "" });
    } else if (type === TYPE.object) await this.#object(index, at);
    else await this.#function(at);
  }

  async #object(index: number, at: number): Promise<void> {
    const first = shown(await this.#text());
    if (/^V /u.test(first) && !VERSION.test(first)) {
      throw new FormatError(`Cannot read object: "${first}" is no version`, at);
    }
    const name = VERSION.test(first) ? shown(await this.#text()) : first;
    const numbers = NUMBERS.exec(name);
    if (numbers !== null) {
      const kind = `${/^torch\.(?:Cuda|Cl)/u.exec(name)?.[0] ?? "torch."}${numbers[1] ?? ""}`;
      if (numbers[2] === "Storage") await this.#storage(index, kind, elementKind(numbers[1]));
      else await this.#tensor(name, kind, at);
      return;
    }
    this.#class(name, at);
    if (OWN_FORM.test(name)) {
      throw new FormatError(`Cannot read object: ${name} has a form of its own`, at);
    }
    this.#push({ left: 1, pairs: false, name, key: "" });
  }

  async #storage(index: number, kind: string, elements: ElementKind): Promise<void> {
    this.usesLongs = true;
    const at = this.#reader.offset;
    const [size = -1] = await this.#reader.longs(1);
    if (size < 0) throw new FormatError(`Cannot read storage: it has ${size} elements`, at);
    await this.#reader.elements(elements, size);
    this.#seen.set(index, { kind, size });
  }

  async #tensor(name: string, kind: string, at: number): Promise<void> {
    this.usesLongs = true;
    const dimensions = await this.#reader.int();
    if (dimensions < 0 || dimensions > DIMENSIONS) {
      throw new FormatError(`Cannot read tensor: it has ${dimensions} dimensions`, at);
    }
    const sizes = await this.#reader.longs(dimensions);
    const strides = await this.#reader.longs(dimensions);
    const [first = 0] = await this.#reader.longs(1);
    const place = this.#place();
    const tensor: Tensor = { place, at, kind, sizes, strides, first, storage: undefined };
    this.#tensors.push(tensor);
    this.#push({ left: 1, pairs: false, name, key: "", tensor });
  }

  /** A function, and the values around it that it uses, which follow. */
  async #function(at: number): Promise<void> {
    const length = await this.#reader.int();
    if (length < 0) throw new FormatError(`Cannot read function: it has ${length} bytes`, at);
    const bytes = await this.#reader.text(length);
    this.#push({ left: 1, pairs: false, name: "function", key: "" });
    const [kind] = COMPILED.find(([, magic]) => startsWith(bytes, ascii(magic))) ?? ["text"];
    const source = kind === "text";
    const certain = !source || (length >= SOURCE_CHARACTERS && looksLikeText(bytes));
    if (++this.#functionCount > REPORTED) return;
    const texts = source ? latin1(bytes, SHOWN_CHARACTERS) : textsOf(bytes);
    const fact: OperatorFact = {
      kind: "operator",
      language: "torch7",
      name: `function:${kind}`,
      expression: `a function (${source ? "" : `${kind}, `}${length} bytes)${this.#place()}`,
      evidence: [{
        kind: source ? "code" : "text",
        text: texts.slice(0, SHOWN_CHARACTERS),
        cut: texts.length > SHOWN_CHARACTERS || length > bytes.length,
      }],
    };
    const observation: Observation = { type: "fact", fact, count: 1, offset: at };
    this.#found.push(observation);
    if (certain) this.#functions.push(observation);
  }

  #class(name: string, at: number): void {
    if (this.#classes.has(name)) return;
    this.#classes.add(name);
    if (this.#classes.size > REPORTED) {
      throw new LimitError("values", `There are objects of more than ${REPORTED} classes`);
    }
    const fact: OperatorFact = {
      kind: "operator",
      language: "torch7",
      name: `class:${name}`,
      expression: `${name}${this.#place()}`,
    };
    this.#found.push({ type: "fact", fact, count: 1, offset: at });
  }

  async #text(): Promise<Uint8Array> {
    const at = this.#reader.offset;
    const length = await this.#reader.int();
    if (length < 0) throw new FormatError(`Cannot read text: it has ${length} bytes`, at);
    return await this.#reader.text(length);
  }

  /** Where the walk is, by keys and classes. */
  #place(): string {
    const names = this.#frames.map(({ name, key }) => name || key).filter((name) => name !== "");
    return names.length === 0 ? "" : ` in ${names.slice(-SHOWN_NAMES).join(" > ")}`;
  }

  /** Tensors that no check of Torch's compares with their storage. */
  #tensorAnomalies(): Observation[] {
    const found: Observation[] = [];
    for (const tensor of this.#tensors) {
      const why = this.#wrong(tensor);
      if (why === undefined) continue;
      const { sizes, place, at } = tensor;
      const detail = `A tensor of [${sizes.join(", ")}]${place} ${why}`;
      found.push({ type: "anomaly", rule: "torch7-tensor", detail, offset: at });
      if (found.length === REPORTED) break;
    }
    return found;
  }

  #wrong({ kind, sizes, strides, first, storage }: Tensor): string | undefined {
    if (sizes.some((size) => size < 0) || strides.some((stride) => stride < 0)) {
      return "has negative sizes or strides";
    }
    if (sizes.length === 0 || sizes.includes(0)) return undefined;
    const last = first + sizes.reduce((sum, size, at) => sum + (size - 1) * (strides[at] ?? 0), 0);
    const held = storage === undefined ? undefined : this.#seen.get(storage);
    if (held === undefined) return "has no storage";
    if (held.kind !== kind) return "has a storage of another type";
    const within = first >= 1 && last <= held.size;
    return within ? undefined : `uses elements ${first} to ${last} of ${held.size}`;
  }
}

/** Classes without a kind in their name are of floats. */
function elementKind(name: string | undefined): ElementKind {
  switch (name) {
    case "Byte":
    case "Char":
    case "Short":
    case "Int":
    case "Long":
    case "Double":
    case "Half":
      return name;
    default:
      return "Float";
  }
}

function shown(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, NAME_CHARACTERS));
}

/** Texts among the constants of compiled code: names of globals, of fields, and strings. */
function textsOf(bytes: Uint8Array): string {
  return latin1(bytes, bytes.length).match(/[A-Za-z_]\w+|[ -~]{4,}/gu)?.join(" ") ?? "";
}
