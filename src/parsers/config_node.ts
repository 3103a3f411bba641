/**
 * A configuration of any notation as a tree of maps, lists and scalars. Every member of a map is kept,
 * also one that a duplicate key hides.
 *
 * @module
 */

import { isArray, isObject, type JsonValue } from "./json.ts";

/** A scalar: its text, and the value that the loader of its notation reads from it. */
export interface ConfigScalar {
  readonly kind: "scalar";
  /** Character from the start of the text. */
  readonly at: number;
  readonly text: string;
  readonly value: string | number | boolean | null;
  /** The full tag of YAML; undefined where none is written. */
  readonly tag?: string | undefined;
}

/** A map, in the order of the text. */
export interface ConfigMap {
  readonly kind: "map";
  readonly at: number;
  readonly members: readonly (readonly [key: ConfigNode, value: ConfigNode])[];
  readonly tag?: string | undefined;
}

/** A list. */
export interface ConfigList {
  readonly kind: "list";
  readonly at: number;
  readonly items: readonly ConfigNode[];
  readonly tag?: string | undefined;
}

export type ConfigNode = ConfigScalar | ConfigMap | ConfigList;

/** What was read, and the first thing that loaders refuse. */
export interface ConfigDocuments {
  /** The root of each document. */
  readonly roots: readonly ConfigNode[];
  /** In characters from the start of the text; undefined when all is well. */
  readonly syntaxError: { readonly message: string; readonly at: number } | undefined;
}

/** The text of a scalar; undefined for everything else. */
export function textOf(node: ConfigNode | undefined): string | undefined {
  return node?.kind === "scalar" ? node.text : undefined;
}

/** A scalar of text. */
export function textNode(text: string, at = 0): ConfigScalar {
  return { kind: "scalar", at, text, value: text };
}

/** True when a map has a key. */
export function hasMember(node: ConfigNode, key: string): boolean {
  return node.kind === "map" && node.members.some(([name]) => textOf(name) === key);
}

/**
 * True for a value that Python takes for true: everything but empty text and containers, zero, False
 * and None.
 */
export function isTrue(node: ConfigNode): boolean {
  switch (node.kind) {
    case "map":
      return node.members.length > 0;
    case "list":
      return node.items.length > 0;
    case "scalar":
      return node.value !== null && node.value !== false && node.value !== 0 && node.value !== "";
  }
}

/** JSON as a configuration. Iterative: JSON may be nested deeper than the call stack. */
export function fromJson(root: JsonValue): ConfigNode {
  interface Step {
    readonly from: JsonValue;
    readonly assign: (node: ConfigNode) => void;
  }
  let result: ConfigNode = { kind: "scalar", at: 0, text: "", value: null };
  const waiting: Step[] = [{ from: root, assign: (node) => result = node }];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    const { from, assign: put } = step;
    if (isObject(from)) {
      const members: [ConfigNode, ConfigNode][] = [];
      put({ kind: "map", at: from.at, members });
      for (const [key, value] of from.members) {
        const member: [ConfigNode, ConfigNode] = [textNode(key), textNode("")];
        members.push(member);
        if (typeof value === "object" && value !== null) {
          waiting.push({ from: value, assign: (node) => member[1] = node });
        } else member[1] = scalarOf(value);
      }
    } else if (isArray(from)) {
      const items: ConfigNode[] = from.items.map((item) =>
        typeof item === "object" && item !== null ? textNode("") : scalarOf(item)
      );
      put({ kind: "list", at: from.at, items });
      for (const [index, item] of from.items.entries()) {
        if (typeof item === "object" && item !== null) {
          waiting.push({ from: item, assign: (node) => items[index] = node });
        }
      }
    } else put(scalarOf(from));
  }
  return result;
}

function scalarOf(value: string | number | boolean | null): ConfigScalar {
  return { kind: "scalar", at: 0, text: value === null ? "null" : String(value), value };
}
