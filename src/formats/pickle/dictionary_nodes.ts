/**
 * The value that a pickle gives, written out as a configuration: containers, texts, and what objects were
 * given. What is not known is not left out: a key that may be any text stands for each that loaders look for,
 * and a container whose items are not all known makes the whole unread.
 *
 * @module
 */

import { withoutEnd } from "../../parsers/ends.ts";
import { type ConfigNode, textNode } from "../../parsers/config_node.ts";
import type { GlobalEntry, Heap } from "../../pickle/machine/heap.ts";
import { TEXT_LIMIT } from "../../pickle/machine/heap.ts";
import {
  type CallValue,
  CONTAINER,
  FALSE,
  type Handle,
  KIND,
  kindOf,
  LOST,
  NONE,
  TRUE,
  UNKNOWN,
} from "../../pickle/machine/values.ts";
import { isNoText, madeOf } from "../../pickle/semantics/possible.ts";

/**
 * Values that are written out, a shared one by each way to it, and levels of them. No hyper-parameters are
 * known to have as many. CWE-776.
 */
const VALUES = 300_000;
const DEPTH = 100;
/** Texts that one key may be that are written out; one that may be more may be any. CWE-834. */
const KEY_TEXTS = 64;

const NOTHING: ConfigNode = { kind: "scalar", at: 0, text: "null", value: null };

/** What is known of the loaders and of the pickle besides its values. */
interface Surroundings {
  /** Keys under which loaders look for something. */
  readonly keys: ReadonlySet<string>;
  /** Whether a text that is too long to be read names code. */
  readonly isLong: boolean;
  /** Whether the scan of the streams has said already what a text is named for by a key. */
  readonly isReported: (key: string, text: string) => boolean;
}

/** Writes values out as a configuration: containers and texts, what is neither as null. */
export class DictionaryNodes {
  readonly #heap: Heap;
  readonly #around: Surroundings;
  readonly #ancestors = new Set<Handle>();
  #remaining = VALUES;
  /** Why not all is written out; undefined when all is. */
  cut: string | undefined;

  /** @param heap of a machine that keeps what objects are given (`HeapOptions.rendered`) */
  constructor(heap: Heap, around: Surroundings) {
    this.#heap = heap;
    this.#around = around;
  }

  /** The value under STOP. */
  rootOf(result: Handle): ConfigNode {
    try {
      return this.#node(result, 0, false);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.cut ??= "hold the same texts over and over";
      return NOTHING;
    }
  }

  /** @param given whether the value was given to a call, which may have changed it for itself alone */
  #node(handle: Handle | undefined, depth: number, given: boolean): ConfigNode {
    if (handle === undefined || handle === NONE) return NOTHING;
    const heap = this.#heap;
    if (given && heap.numberOf(handle) !== undefined) return NOTHING;
    if (--this.#remaining < 0) this.cut ??= `have more than ${VALUES} values`;
    if (depth > DEPTH) this.cut ??= `are more than ${DEPTH} deep`;
    if (handle === LOST) this.cut ??= "have values that were not kept";
    if (this.cut !== undefined) return NOTHING;
    if (handle === TRUE || handle === FALSE) {
      const value = handle === TRUE;
      return { kind: "scalar", at: 0, text: String(value), value };
    }
    const text = heap.textOf(handle);
    if (text !== undefined) return textNode(text);
    if (heap.isWritten(handle)) {
      const { length } = heap.preview(handle, 0) ?? { length: 0 };
      if (length <= TEXT_LIMIT || this.#around.isLong) {
        this.cut ??= "have a text that cannot be read";
      }
      return NOTHING;
    }
    const number = heap.numberOf(handle);
    if (number !== undefined) {
      return { kind: "scalar", at: 0, text: String(number), value: Number(number) };
    }
    if (this.#ancestors.has(handle)) return NOTHING;
    this.#ancestors.add(handle);
    const node = handle < 0
      ? this.#container(handle, depth, given)
      : this.#object(handle, depth, given);
    this.#ancestors.delete(handle);
    return node;
  }

  #container(handle: Handle, depth: number, given: boolean): ConfigNode {
    const { containers } = this.#heap;
    if (containers.lossy(handle)) this.cut ??= "have more items than are kept";
    if (containers.changed(handle) && !given) {
      this.cut ??= "may be changed by what the pickle calls";
    }
    const items = this.#heap.keptItems(handle);
    return containers.kind(handle) === CONTAINER.DICT
      ? this.#map(items, depth, given)
      : this.#list(items, depth, given);
  }

  #list(values: readonly Handle[], depth: number, given: boolean): ConfigNode {
    const items = values.map((value) => this.#node(value, depth + 1, given));
    return given && items.every((item) => item === NOTHING)
      ? NOTHING
      : { kind: "list", at: 0, items };
  }

  #map(pairs: readonly Handle[], depth: number, given: boolean): ConfigNode {
    const members: (readonly [ConfigNode, ConfigNode])[] = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const value = this.#node(pairs[at + 1], depth + 1, given);
      for (const key of this.#textsOf(pairs[at] ?? UNKNOWN)) {
        const isReported = value.kind === "scalar" && this.#around.isReported(key, value.text);
        if (!isReported) members.push([textNode(key), value]);
      }
    }
    return { kind: "map", at: 0, members };
  }

  /** What an object may hold: of what a call gave, what opcodes and the call were given. */
  #object(handle: Handle, depth: number, given: boolean): ConfigNode {
    const value = this.#heap.valueOf(handle);
    switch (value?.type) {
      case "picked":
        return this.#node(value.value, depth, given);
      case "oneOf": {
        const isArray = value.values.every((each) =>
          this.#heap.instanceOf(each)?.key === "numpy.ndarray"
        );
        if (!given && !isArray) this.cut ??= "are made by calls whose results are not known";
        return isArray ? NOTHING : this.#list(value.values, depth, given);
      }
      case "call":
        return this.#call(value, depth, given);
      default: {
        // Results that are not told apart: what one of them was given, all may hold.
        const shared = this.#heap.instanceOf(handle);
        if (shared !== undefined && shared.passed.size > 0) {
          this.cut ??= "have values that were not kept";
        }
        return NOTHING;
      }
    }
  }

  #call(
    { args = [], kwargs, filled = [], state }: CallValue,
    depth: number,
    given: boolean,
  ): ConfigNode {
    const own = this.#map(filled, depth, given);
    const parts = [
      ...own.kind === "map" && own.members.length > 0 ? [own] : [],
      ...state === undefined ? [] : [this.#node(state, depth, given)],
      ...kwargs === undefined ? [] : [this.#node(kwargs, depth, true)],
      ...args.map((arg) => this.#argument(arg, depth)),
    ].filter((part) => part !== NOTHING);
    const [first] = parts;
    if (first === undefined) return NOTHING;
    return parts.length === 1 ? first : this.#joined(parts);
  }

  /** Maps as one, with the rest of the parts under no key: an object has the items of all. */
  #joined(parts: readonly ConfigNode[]): ConfigNode {
    const members = parts.flatMap((part) =>
      part.kind === "map" ? part.members : [[textNode(""), part] as const]
    );
    return { kind: "map", at: 0, members };
  }

  /** An argument of a call; a list of pairs may become a dictionary. */
  #argument(handle: Handle, depth: number): ConfigNode {
    const pairs = this.#pairsOf(handle);
    return pairs === undefined ? this.#node(handle, depth, true) : this.#map(pairs, depth, true);
  }

  #pairsOf(handle: Handle): readonly Handle[] | undefined {
    const { containers } = this.#heap;
    if (handle >= 0 || containers.kind(handle) === CONTAINER.DICT) return undefined;
    const items = this.#heap.keptItems(handle);
    const pairs = items.map((item) =>
      item < 0 && containers.count(item) === 2 ? containers.list(item) : []
    );
    return items.length > 0 && pairs.every(({ length }) => length === 2) ? pairs.flat() : undefined;
  }

  /** The texts that a key may be: itself, what it may be made of, or each that means something to a loader. */
  #textsOf(key: Handle): readonly string[] {
    const heap = this.#heap;
    const text = heap.textOf(key);
    if (text !== undefined) return [text];
    if (heap.isWritten(key)) {
      this.cut ??= "have a text that cannot be read";
      return [];
    }
    if (isNoText(heap, key)) return [""];
    const { values, complete } = madeOf(heap, key, (each) => this.#decides(each), KEY_TEXTS);
    if (!complete && values.length >= KEY_TEXTS) return [...this.#around.keys];
    const texts = new Set([""]);
    for (const each of values) {
      const some = this.#decided(each);
      if (some === undefined) return [...this.#around.keys];
      for (const one of some) texts.add(one);
    }
    return [...texts];
  }

  /** Whether a value that a key is made of decides what text the key may be. */
  #decides(handle: Handle): boolean {
    const heap = this.#heap;
    if (handle === UNKNOWN || handle === LOST || heap.textOf(handle) !== undefined) return true;
    const value = heap.valueOf(handle);
    if (value?.type === "oneOf") return true;
    if (value?.type === "global") return !this.#isListed(heap.globalOf(handle));
    return value?.type === "call" &&
      (isScalar(heap, value) || !this.#isListed(heap.globalOf(value.callee)));
  }

  /** The texts of such a value; undefined where it may be any. */
  #decided(handle: Handle): readonly string[] | undefined {
    const text = this.#heap.textOf(handle);
    if (text !== undefined) return [text];
    const value = this.#heap.valueOf(handle);
    return value?.type === "call" && isScalar(this.#heap, value)
      ? scalarTexts(this.#heap, value)
      : undefined;
  }

  #isListed(entry: GlobalEntry | undefined): boolean {
    return entry !== undefined && (entry.quiet || entry.restorable);
  }
}

function isScalar(heap: Heap, { callee }: CallValue): boolean {
  return /^numpy\.(_?core\.)?(_?multiarray\.)?scalar$/.test(heap.globalOf(callee)?.key ?? "");
}

/**
 * The texts that numpy's `scalar(dtype, data)` may be (`array_scalar` in numpy's `multiarraymodule.c`): a
 * `numpy.str_` of UTF-32 in either byte order, which is a str; none for other types. Undefined where the type or the
 * data are not known, and for objects, which are what they are given.
 */
function scalarTexts(heap: Heap, { args }: CallValue): readonly string[] | undefined {
  const [dtype = UNKNOWN, data = UNKNOWN] = args ?? [];
  const type = heap.valueOf(dtype);
  const code = type?.type === "call" ? heap.textOf(type.args?.[0] ?? UNKNOWN) : undefined;
  const letter = code === undefined ? undefined : /^[<>=|]?([a-zA-Z?])\d*$/.exec(code)?.[1];
  if (letter === undefined || letter === "O") return undefined;
  if (letter !== "U") return [];
  const latin1 = data >= 0 && kindOf(data) === KIND.STRING ? heap.textOf(data) : undefined;
  const bytes = heap.bytesOf(data) ??
    (latin1 === undefined ? undefined : Uint8Array.from(latin1, (each) => each.charCodeAt(0)));
  if (bytes === undefined) return undefined;
  return [true, false].map((isLittle) => utf32(bytes, isLittle));
}

/** UTF-32 without the NUL that fills up; what is no character is a question mark. */
function utf32(bytes: Uint8Array, isLittle: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, isLittle);
    text += code <= 0x10ffff ? String.fromCodePoint(code) : "?";
  }
  return withoutEnd(text, "\0");
}
