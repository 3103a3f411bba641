/**
 * Workflows and actions as plain values, by this program's own reader of YAML.
 *
 * @module
 */

import type { ConfigNode } from "../../src/parsers/config_node.ts";
import { composeYaml } from "../../src/parsers/yaml/compose.ts";

/** A value of a YAML file; scalars are their texts, as environment variables will have them. */
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

/**
 * Reads the only document of a text.
 *
 * @throws SyntaxError when it is no YAML, or not one document
 */
export function readYaml(text: string): Yaml {
  const { roots, syntaxError } = composeYaml(text);
  const [root] = roots;
  if (syntaxError !== undefined) throw new SyntaxError(syntaxError.message);
  if (root === undefined || roots.length > 1) throw new SyntaxError("not one document");
  return valueOf(root);
}

function valueOf(node: ConfigNode): Yaml {
  if (node.kind === "list") return node.items.map(valueOf);
  if (node.kind === "scalar") return node.text;
  return Object.fromEntries(node.members.map(([key, value]) => {
    if (key.kind !== "scalar") throw new SyntaxError("a key is no scalar");
    return [key.text, valueOf(value)];
  }));
}

/** A member of a map; undefined where the value is none, or has it not. */
export function member(value: Yaml | undefined, key: string): Yaml | undefined {
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const map = value as { readonly [key: string]: Yaml };
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Members of a map, in order; none where the value is no map. */
export function membersOf(value: Yaml | undefined): readonly (readonly [string, Yaml])[] {
  return typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
}

/** Items of a list; none where the value is no list. */
export function itemsOf(value: Yaml | undefined): readonly Yaml[] {
  return Array.isArray(value) ? value : [];
}

/** A text; empty where the value is none. */
export function textOf(value: Yaml | undefined): string {
  return typeof value === "string" ? value : "";
}
