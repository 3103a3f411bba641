/**
 * Chat templates in configurations: in JSON, texts under a key with "template" in its name; in YAML
 * also texts that use the variables of a conversation, as user interfaces store them.
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

/**
 * Characters of a template of Go's; a longer one counts as one of Jinja's. No longer one is known. CWE-770.
 */
const GO_CHARACTERS = 64 * 1024;
/** Characters of a place. The longest seen has 135. CWE-779. */
const PATH_CHARACTERS = 1024;
/** Nodes looked at. The largest tokenizer has some 1,500,000. CWE-770. */
const NODES = 4_000_000;

interface Step {
  readonly node: ConfigNode;
  readonly path: string;
  /** Whether a key of the path has "template" in its name. */
  readonly inside: boolean;
}

/** The templates of JSON. */
export function jsonTemplates(root: ConfigNode, check: () => void): Observation[] {
  const found: Observation[] = [];
  const waiting: Step[] = [{ node: root, path: "", inside: false }];
  let visited = 0;
  for (let next = waiting.pop(); next !== undefined && visited < NODES; next = waiting.pop()) {
    if (++visited % 10_000 === 0) check();
    const { node, path, inside } = next;
    if (node.kind === "scalar") {
      if (!inside && !/^\s*\{[{%]/u.test(node.text)) continue;
      // A comment alone renders nothing.
      if (/\{[{%]/u.test(node.text)) found.push(entry(path || "template", node.text));
    } else if (node.kind === "list") {
      const lines = inside ? node.items.map((item) => textOf(item)) : [];
      if (addLines(found, path, lines)) continue;
      for (const [index, item] of node.items.entries()) {
        waiting.push({ node: item, path: below(path, `[${index}]`), inside });
      }
    } else {
      const other = isOtherLanguage(node.members);
      for (const [key, value] of node.members) {
        const name = textOf(key) ?? "";
        waiting.push({
          node: value,
          path: path === "" ? name : below(path, `.${name}`),
          inside: (inside || /template/iu.test(name)) && !other,
        });
      }
    }
  }
  return found;
}

/** Texts of YAML that are Jinja and are under a template's key, or use the variables of a conversation. */
export function yamlTemplates(words: readonly YamlWord[]): Observation[] {
  const found: Observation[] = [];
  const listed = new Map<string, string[]>();
  for (const { kind, key, value, under } of words) {
    if (kind === "alias" || key || !hasJinja(value)) continue;
    const path = under.join(".").slice(0, PATH_CHARACTERS);
    if (namesChatTemplate(path) && !isOther(value)) {
      listed.set(path, [...listed.get(path) ?? [], value]);
    } else if (isTemplate(value, under)) found.push(entry(path || "template", value));
  }
  for (const [path, lines] of listed) {
    if (addLines(found, path, lines)) continue;
    for (const line of lines) found.push(entry(path, line));
  }
  return found;
}

/** Keys that name a template of a conversation, or of a prompt. */
const CHAT_KEY = /chat|instruction|prompt|system|tool/iu;

function namesChatTemplate(path: string): boolean {
  return path.split(".").some((key) => {
    const found = CHAT_KEY.exec(key);
    return found !== null && /template/iu.test(key.slice(found.index + found[0].length));
  });
}

/**
 * A template that is kept as a list of its lines. Returns true when the lines make one that is
 * well-formed, so that they are none for themselves.
 */
function addLines(
  found: Observation[],
  path: string,
  lines: readonly (string | undefined)[],
): boolean {
  if (lines.length < 2 || lines.includes(undefined)) return false;
  const text = lines.map((line = "") => line.endsWith("\n") ? line : `${line}\n`).join("");
  if (!/\{[{%]/u.test(text)) return false;
  found.push(entry(path || "template", text));
  return parseTemplate(text).errors.length === 0;
}

/** Whether a text that stands under any key is a template of Jinja's. */
function isTemplate(text: string, under: readonly string[]): boolean {
  if (speaksOfConversation(text)) return true;
  const named = under.some((one) => /template/iu.test(one));
  // Charts and workflows have templates in other languages, and scripts with such signs in them.
  return named && /\{[{%]/u.test(text) && !isOther(text);
}

/** Whether a prompt says that its template is of another language: LangChain's `f-string`, `mustache`. */
function isOtherLanguage(members: readonly (readonly [ConfigNode, ConfigNode])[]): boolean {
  return members.some(([key, value]) => {
    const language = textOf(key) === "template_format" ? textOf(value) : undefined;
    return language !== undefined && language !== "jinja2";
  });
}

function entry(part: string, text: string): Observation {
  const source = bytesSource(part, new TextEncoder().encode(text));
  return { type: "entry", source, part, hint: HINT.chatTemplate };
}

/** What is well-formed in none of Jinja's words: Jinja renders nothing of what it cannot parse. */
function isOther(text: string): boolean {
  if (text.length >= GO_CHARACTERS || text.includes("{%")) return false;
  return parseTemplate(text).errors.length > 0 &&
    (isGoTemplate(text) || !speaksOfConversation(text));
}

/** A path and one more step; a path at the limit stays as it is. */
function below(path: string, step: string): string {
  return path.length > PATH_CHARACTERS ? path : path + step;
}
