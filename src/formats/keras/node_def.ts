/**
 * A NodeDef in a Keras configuration, `TensorFlowOpLayer.node_def`: JSON as `json_format.ParseDict` reads
 * it, put back on the wire so that it is judged by the same reader as any other graph.
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/node_def.proto
 *
 * @module
 */

import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  valuesOf,
} from "../../parsers/json.ts";
import { decodeBase64 } from "./code.ts";

/** Attributes of one node that are taken over; operators have some tens. CWE-770. */
const ATTRIBUTES = 256;
/** Texts of one list. No operator is known to have as many. CWE-770. */
const ITEMS = 1024;

/** What of a node decides what it does. */
interface NodeParts {
  readonly op: string;
  readonly name?: string | undefined;
  readonly inputs?: readonly string[];
  /** Attributes that are texts, by name. */
  readonly texts: readonly (readonly [name: string, text: string | Uint8Array])[];
  /** Functions that attributes name. */
  readonly functions?: readonly string[];
}

/** A node on the wire. */
export function encodeNode(
  { op, name, inputs = [], texts, functions = [] }: NodeParts,
): Uint8Array {
  return concat([
    field(1, name ?? "node"),
    field(2, op),
    ...inputs.map((input) => field(3, input)),
    ...texts.map(([key, text]) => field(5, concat([field(1, key), field(2, field(2, text))]))),
    ...functions.map((text) =>
      field(5, concat([field(1, "f"), field(2, field(10, field(1, text)))]))
    ),
  ]);
}

/** A GraphDef of one node. */
export function graphOf(node: Uint8Array): Uint8Array {
  return field(1, node);
}

/**
 * A NodeDef in JSON.
 *
 * @returns the message on the wire; undefined when it has no operator
 */
export function nodeDefOf(object: JsonObject): Uint8Array | undefined {
  const [op] = textsOf(object, "op");
  if (op === undefined) return undefined;
  const texts: [string, string | Uint8Array][] = [];
  const functions: string[] = [];
  for (const attributes of valuesOf(object, "attr")) {
    if (!isObject(attributes)) continue;
    for (const [key, value] of attributes.members.slice(0, ATTRIBUTES)) {
      collect(key, value, texts, functions);
    }
  }
  const inputs = valuesOf(object, "input").flatMap((list) =>
    isArray(list) ? list.items.slice(0, ITEMS).filter((it) => typeof it === "string") : []
  );
  return encodeNode({ op, name: textsOf(object, "name")[0], inputs, texts, functions });
}

/** Bytes, lists of bytes and functions of one AttrValue; in JSON, bytes are base64. */
function collect(
  key: string,
  value: JsonValue,
  texts: [string, string | Uint8Array][],
  functions: string[],
): void {
  if (!isObject(value)) return;
  for (const text of textsOf(value, "s")) texts.push([key, decodeBase64(text) ?? text]);
  for (const func of valuesOf(value, "func")) {
    if (isObject(func)) functions.push(...textsOf(func, "name"));
  }
  for (const list of valuesOf(value, "list")) {
    if (!isObject(list)) continue;
    for (const items of valuesOf(list, "s")) {
      for (const text of isArray(items) ? items.items.slice(0, ITEMS) : []) {
        if (typeof text === "string") texts.push([key, decodeBase64(text) ?? text]);
      }
    }
  }
}

function textsOf(object: JsonObject, key: string): string[] {
  return valuesOf(object, key).filter((value) => typeof value === "string");
}

/** A field with bytes. */
function field(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return concat([varint(number << 3 | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = value;; left = Math.floor(left / 128)) {
    if (left < 128) {
      bytes.push(left);
      return Uint8Array.from(bytes);
    }
    bytes.push(left % 128 | 128);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
