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
  const result: ConfigNode[] = [NOTHING];
  const waiting: Waiting[] = [{ from: root, into: result, at: 0 }];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { from, into, at } = one;
    if (isObject(from)) {
      // Lists of their own length: one that grows holds room for sixteen.
      const members = from.members.map(([key, value]): [ConfigNode, ConfigNode] => {
        const member: [ConfigNode, ConfigNode] = [textNode(key), NOTHING];
        if (typeof value === "object" && value !== null) {
          waiting.push({ from: value, into: member, at: 1 });
        } else member[1] = scalarOf(value);
        return member;
      });
      into[at] = { kind: "map", at: from.at, members };
    } else if (isArray(from)) {
      const items: ConfigNode[] = from.items.map((item) =>
        typeof item === "object" && item !== null ? NOTHING : scalarOf(item)
      );
      into[at] = { kind: "list", at: from.at, items };
      for (const [index, item] of from.items.entries()) {
        if (typeof item === "object" && item !== null) {
          waiting.push({ from: item, into: items, at: index });
        }
      }
    } else into[at] = scalarOf(from);
  }
  return result[0] ?? NOTHING;
}

/** JSON, and the place where its node belongs. */
interface Waiting {
  readonly from: JsonValue;
  readonly into: ConfigNode[];
  readonly at: number;
}

/** What stands where a container will. */
const NOTHING: ConfigNode = { kind: "scalar", at: 0, text: "", value: null };

function scalarOf(value: string | number | boolean | null): ConfigScalar {
  return { kind: "scalar", at: 0, text: value === null ? "null" : String(value), value };
}
