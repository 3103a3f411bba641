/**
 * Keras configurations in YAML, `model.to_yaml()` of Keras before 2.6: the same maps and lists as in JSON, read as
 * PyYAML reads them. `model_from_yaml` builds the model of it, Lambda layers included.
 *
 * @module
 */

import { LimitError } from "../../core/errors.ts";
import type { ConfigNode } from "../../parsers/config_node.ts";
import type { JsonValue } from "../../parsers/json.ts";
import { composeYaml } from "../../parsers/yaml/compose.ts";

/** Maps, lists and scalars, those that aliases repeat each time. A model of 1,041 layers has 107,304. CWE-776. */
const NODES = 4_000_000;
/** Collections inside others. The parser's own bound is 500, an alias may add to it. CWE-674. */
const DEPTH = 1000;

/** What was read, and what is wrong with it. */
interface YamlConfig {
  readonly values: readonly JsonValue[];
  /** Characters from the start of the text; undefined when all is well. */
  readonly error: { readonly message: string; readonly offset: number } | undefined;
}

/**
 * The documents of a text as values of JSON; offsets count characters.
 *
 * @param check called now and then; may throw
 * @throws LimitError when there are too many values, or one lies too deep
 */
export function readYamlConfig(text: string, check: () => void): YamlConfig {
  const { roots, syntaxError } = composeYaml(text, check);
  const state = { nodes: 0 };
  return {
    values: roots.map((root) => valueOf(root, state, DEPTH)),
    error: syntaxError && { message: syntaxError.message, offset: syntaxError.at },
  };
}

function valueOf(node: ConfigNode, state: { nodes: number }, depth: number): JsonValue {
  if (++state.nodes > NODES || depth === 0) {
    throw new LimitError(
      "values",
      `The configuration has more than ${NODES} values, or is too deep`,
    );
  }
  const { at } = node;
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") {
    return { kind: "array", at, items: node.items.map((one) => valueOf(one, state, depth - 1)) };
  }
  const members = node.members.map(([key, value]): [string, JsonValue] => [
    key.kind === "scalar" ? key.text : "",
    valueOf(value, state, depth - 1),
  ]);
  return { kind: "object", at, members };
}
