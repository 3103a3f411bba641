/**
 * Values as a person would write them in Python.
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import { decodeLatin1, decodeUtf8 } from "../machine/literals.ts";
import {
  CONTAINER,
  FALSE,
  type Handle,
  indexOf,
  KIND,
  kindOf,
  LOST,
  NONE,
  TRUE,
  UNKNOWN,
  type Value,
} from "../machine/values.ts";

/** Characters of an expression, in all. The longest seen has 4,132. CWE-779. */
const EXPRESSION_LIMIT = 2048;
/** Characters of a text in it, items of one container, and containers in one another. CWE-779. */
const STRING_LIMIT = 1024;
const ITEMS_SHOWN = 32;
const DEPTH_SHOWN = 8;

/** The expression of a value, at most `EXPRESSION_LIMIT` characters, cut with an ellipsis. */
export function render(heap: Heap, handle: Handle): string {
  return cut(new Renderer(heap).value(handle, 0));
}

/** The expression of a call. `args` undefined means that nothing knows them. */
export function renderCall(
  heap: Heap,
  callee: string,
  args: readonly Handle[] | undefined,
  kwargs: Handle | undefined,
): string {
  return cut(`${callee}(${new Renderer(heap).args(args, kwargs, 0)})`);
}

function cut(text: string): string {
  return text.length <= EXPRESSION_LIMIT ? text : `${text.slice(0, EXPRESSION_LIMIT - 1)}…`;
}

/** A text as Python's `repr` writes it. */
export function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = quote;
  for (const character of text) out += escaped(character, quote);
  return out + quote;
}

function escaped(character: string, quote: string): string {
  if (character === "\\" || character === quote) return `\\${character}`;
  const short = ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" } as const)[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : character;
}

/** Bytes as Python's `repr` writes them. */
export function reprBytes(bytes: Uint8Array): string {
  const text = decodeLatin1(bytes);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = `b${quote}`;
  for (const character of text) {
    const code = character.charCodeAt(0);
    out += code >= 0xa0 ? `\\x${code.toString(16)}` : escaped(character, quote);
  }
  return out + quote;
}

class Renderer {
  private left = EXPRESSION_LIMIT;
  private readonly heap: Heap;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  args(args: readonly Handle[] | undefined, kwargs: Handle | undefined, depth: number): string {
    if (args === undefined) return "*…";
    const parts = this.list(args, depth);
    if (kwargs === undefined) return parts;
    const items = kwargs < 0 ? this.heap.containers.list(kwargs, ITEMS_SHOWN * 2) : undefined;
    const named = items === undefined ? "**…" : this.named(items, depth);
    return [parts, named].filter((part) => part !== "").join(", ");
  }

  private named(items: readonly Handle[], depth: number): string {
    const parts: string[] = [];
    for (let at = 0; at + 1 < items.length; at += 2) {
      const name = this.heap.textOf(items[at] as number) ?? "?";
      parts.push(`${name}=${this.value(items[at + 1] as number, depth + 1)}`);
    }
    return parts.join(", ");
  }

  private list(items: readonly Handle[], depth: number): string {
    const parts = items.slice(0, ITEMS_SHOWN).map((item) => this.value(item, depth + 1));
    if (items.length > ITEMS_SHOWN) parts.push("…");
    return parts.join(", ");
  }

  value(handle: Handle, depth: number): string {
    if (this.left <= 0 || depth > DEPTH_SHOWN) return "…";
    const text = handle < 0 ? this.container(handle, depth) : this.scalar(handle, depth);
    this.left -= Math.min(text.length, STRING_LIMIT);
    return text;
  }

  private container(handle: Handle, depth: number): string {
    const { containers } = this.heap;
    const kind = containers.kind(handle);
    const items = containers.list(handle, ITEMS_SHOWN * 2 + 1);
    const more = containers.lossy(handle) ? ", …" : "";
    if (kind === CONTAINER.DICT) return `{${this.pairs(items, depth)}${more}}`;
    const list = this.list(items, depth) + more;
    switch (kind) {
      case CONTAINER.TUPLE:
        return items.length === 1 && more === "" ? `(${list},)` : `(${list})`;
      case CONTAINER.LIST:
        return `[${list}]`;
      case CONTAINER.SET:
        return items.length === 0 ? "set()" : `{${list}}`;
      default:
        return `frozenset({${list}})`;
    }
  }

  private pairs(items: readonly Handle[], depth: number): string {
    const parts: string[] = [];
    for (let at = 0; at + 1 < items.length && parts.length < ITEMS_SHOWN; at += 2) {
      const key = this.value(items[at] as number, depth + 1);
      parts.push(`${key}: ${this.value(items[at + 1] as number, depth + 1)}`);
    }
    return parts.join(", ");
  }

  private scalar(handle: Handle, depth: number): string {
    switch (kindOf(handle)) {
      case KIND.CONSTANT:
        return constant(handle);
      case KIND.INTEGER:
        return String(indexOf(handle));
      case KIND.NEGATIVE:
        return String(-indexOf(handle));
      case KIND.NUMBER:
        return String(this.heap.numberOf(handle) ?? "…");
      case KIND.STRING:
      case KIND.BYTES:
        return this.literal(handle);
      case KIND.INSTANCE: {
        const entry = this.heap.instanceOf(handle);
        return `${entry?.module}.${entry?.name}(…)`;
      }
      default: {
        const value = this.heap.valueOf(handle);
        return value === undefined ? "?" : this.object(value, depth);
      }
    }
  }

  private literal(handle: Handle): string {
    const bytes = kindOf(handle) === KIND.BYTES;
    const literal = bytes ? this.heap.bytesOf(handle) : this.heap.textOf(handle);
    if (typeof literal === "string" && literal.length <= STRING_LIMIT) return reprText(literal);
    if (typeof literal === "object" && literal.length <= STRING_LIMIT) return reprBytes(literal);
    if (typeof literal === "string") return `${reprText(literal.slice(0, STRING_LIMIT))}…`;
    if (typeof literal === "object") return `${reprBytes(literal.subarray(0, STRING_LIMIT))}…`;
    const preview = this.heap.preview(handle, STRING_LIMIT);
    if (preview === undefined) return "…";
    return `${bytes ? reprBytes(preview.bytes) : reprText(decodeUtf8(preview.bytes))}…`;
  }

  private object(value: Value, depth: number): string {
    switch (value.type) {
      case "global":
        return `${value.module}.${value.name}`;
      case "module":
        return value.module;
      case "text":
        return value.text.length <= STRING_LIMIT
          ? reprText(value.text)
          : `${reprText(value.text.slice(0, STRING_LIMIT))}…`;
      case "bytes":
        return value.bytes.length <= STRING_LIMIT
          ? reprBytes(value.bytes)
          : `${reprBytes(value.bytes.subarray(0, STRING_LIMIT))}…`;
      case "call":
        return `${this.value(value.callee, depth + 1)}(${
          this.args(value.args, value.kwargs, depth)
        })`;
      case "partial":
        return `functools.partial(${
          this.args([value.callee, ...(value.args ?? [UNKNOWN])], value.kwargs, depth)
        })`;
      case "method":
        return `${this.value(value.self, depth + 1)}.${value.name}`;
      case "getter":
        return `operator.${value.kind}(${this.args(value.args, undefined, depth)})`;
      case "picked":
        return this.value(value.value, depth + 1);
      case "oneOf":
        return value.values.length === 0 ? "?" : this.value(value.values[0] as number, depth + 1);
      case "persistent":
        return `persistent_load(${this.value(value.id, depth + 1)})`;
    }
  }
}

function constant(handle: Handle): string {
  if (handle === NONE) return "None";
  if (handle === TRUE) return "True";
  if (handle === FALSE) return "False";
  return handle === LOST ? "…" : "?";
}
