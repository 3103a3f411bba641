/**
 * Chat templates in configurations: of JSON, those under a key that speaks of templates; of YAML also
 * those that speak of a conversation, as user interfaces keep them.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Observation } from "../../core/types.ts";
import { type ConfigNode, textOf } from "../../parsers/config_node.ts";
import { parseTemplate } from "../../parsers/jinja/parser.ts";
import { hasJinja, isGoTemplate, speaksOfConversation } from "../../parsers/jinja/recognise.ts";
import type { YamlWord } from "../../parsers/yaml/tokens.ts";
import { bytesSource } from "../../sources/memory.ts";

/** A template of Go's that is longer counts as one of Jinja's. */
const GO_CHARACTERS = 64 * 1024;
/** Characters of a place. */
const PATH_CHARACTERS = 1024;
/** Nodes looked at. The largest tokenizer has some 1,500,000. CWE-770. */
const NODES = 4_000_000;

interface Step {
  readonly node: ConfigNode;
  readonly path: string;
  /** Whether a key on the way speaks of templates. */
  readonly inside: boolean;
}

/** The templates of JSON. */
export function jsonTemplates(root: ConfigNode, check: () => void): Observation[] {
  const found: Observation[] = [];
  const waiting: Step[] = [{ node: root, path: "", inside: false }];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined && seen < NODES; next = waiting.pop()) {
    if (++seen % 10_000 === 0) check();
    const { node, path, inside } = next;
    if (node.kind === "scalar") {
      if (!inside && !/^\s*\{[{%]/u.test(node.text)) continue;
      if (/\{[{%#]/u.test(node.text)) found.push(entry(path || "template", node.text));
    } else if (node.kind === "list") {
      for (const [index, item] of node.items.entries()) {
        waiting.push({ node: item, path: below(path, `[${index}]`), inside });
      }
    } else {
      for (const [key, value] of node.members) {
        const name = textOf(key) ?? "";
        waiting.push({
          node: value,
          path: path === "" ? name : below(path, `.${name}`),
          inside: inside || /template/iu.test(name),
        });
      }
    }
  }
  return found;
}

/** Texts of YAML that are Jinja and stand under a template's key, or speak of a conversation. */
export function yamlTemplates(words: readonly YamlWord[]): Observation[] {
  const found: Observation[] = [];
  for (const { kind, key, value, under } of words) {
    if (kind === "alias" || key || !hasJinja(value)) continue;
    const named = under.some((one) => /template/iu.test(one)) && !isGo(value);
    if (!named && !speaksOfConversation(value)) continue;
    found.push(entry(under.join(".").slice(0, PATH_CHARACTERS) || "template", value));
  }
  return found;
}

function entry(part: string, text: string): Observation {
  const source = bytesSource(part, new TextEncoder().encode(text));
  return { type: "entry", source, part, hint: HINT.chatTemplate };
}

/** What looks like Go and is none of Jinja's either: Jinja renders nothing of what it cannot parse. */
function isGo(text: string): boolean {
  return text.length < GO_CHARACTERS && isGoTemplate(text) &&
    parseTemplate(text).faults.length > 0;
}

/** A path and one step further; a long path stays as it is, however deep the text goes on. */
function below(path: string, step: string): string {
  return path.length > PATH_CHARACTERS ? path : path + step;
}
