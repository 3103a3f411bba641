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
import { concat } from "../../parsers/bytes.ts";
import { bytesField } from "../../parsers/protobuf.ts";
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
    bytesField(1, name ?? "node"),
    bytesField(2, op),
    ...inputs.map((input) => bytesField(3, input)),
    ...texts.map(([key, text]) =>
      bytesField(5, concat([bytesField(1, key), bytesField(2, bytesField(2, text))]))
    ),
    ...functions.map((text) =>
      bytesField(
        5,
        concat([bytesField(1, "f"), bytesField(2, bytesField(10, bytesField(1, text)))]),
      )
    ),
  ]);
}

/** A GraphDef of one node. */
export function graphOf(node: Uint8Array): Uint8Array {
  return bytesField(1, node);
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
