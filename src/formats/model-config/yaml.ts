/**
 * What YAML names for Hydra to look up and call (`_target_`), what Python's unsafe loaders make of
 * `!!python/…` tags, and the chat templates in it, as user interfaces keep them. Scalars in every style
 * that YAML has are read.
 * https://hydra.cc/docs/advanced/instantiate_objects/overview/, https://yaml.org/spec/1.1/
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { parseTemplate } from "../../parsers/jinja/parser.ts";
import { hasJinja, isGoTemplate, speaksOfConversation } from "../../parsers/jinja/recognise.ts";
import { pythonTags } from "../../parsers/yaml/tags.ts";
import { type YamlWord, yamlWords } from "../../parsers/yaml/tokens.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Observation, ReferenceFact } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";

const TOLD = 500;
/** Names that are looked at, equal ones among them. */
const LOOKED_AT = 20_000;
/** Values of one anchor, which may be set again and again. */
const ANCHORED = 5000;
const EVIDENCE_CHARACTERS = 1024;
/** A template of Go's that is longer counts as one of Jinja's. */
const GO_CHARACTERS = 64 * 1024;
/** Characters of a place. */
const PATH_CHARACTERS = 1024;

/** A text, and how its bytes lie. */
interface YamlText {
  readonly text: string;
  /** UTF-8 or UTF-16, whose units have two bytes. */
  readonly wide: boolean;
  /** Bytes of the byte order mark. */
  readonly mark: number;
}

/** What was read of a YAML text. */
interface YamlRead {
  readonly observations: readonly Observation[];
  /** The first thing that loaders refuse, in bytes from the start; undefined when all is well. */
  readonly fault: { readonly message: string; readonly offset: number } | undefined;
}

/** The text of bytes as PyYAML decodes them: UTF-8, or UTF-16 behind its byte order mark. */
export function yamlText(bytes: Uint8Array): YamlText {
  const [first, second, third] = bytes;
  const little = first === 0xff && second === 0xfe;
  if (little || (first === 0xfe && second === 0xff)) {
    const label = little ? "utf-16le" : "utf-16be";
    return { text: new TextDecoder(label).decode(bytes), wide: true, mark: 2 };
  }
  const marked = first === 0xef && second === 0xbb && third === 0xbf;
  return { text: new TextDecoder().decode(bytes), wide: false, mark: marked ? 3 : 0 };
}

/** True when the bytes are text in an encoding of YAML; what is cut off at the end does not matter. */
export function looksLikeYaml(bytes: Uint8Array): boolean {
  const { text, wide } = yamlText(bytes);
  if (!wide) return looksLikeText(bytes);
  return looksLikeText(new TextEncoder().encode(text));
}

/**
 * Everything in a YAML text that names Python, and its chat templates.
 *
 * @param check called now and then; may throw
 */
export function readYaml(yaml: YamlText, check: () => void = () => {}): YamlRead {
  const { text } = yaml;
  const { words, fault } = yamlWords(text, check);
  const place = placer(yaml);
  const named = [...targets(words), ...tags(text, check)].sort((one, two) => one.at - two.at);
  // Of equal ones the first is told, so that hundreds of one class hide no other.
  const facts = [...new Map(named.toReversed().map((one) => [one.path, one])).values()].reverse();
  const observations: Observation[] = facts.slice(0, TOLD).map(({ path, by, at }) => {
    const { line, offset } = place(at);
    return fact(path, `${by} in line ${line}`, text.slice(at, at + EVIDENCE_CHARACTERS), offset);
  });
  observations.push(...templates(words));
  const more = facts.length > TOLD || named.length >= LOOKED_AT
    ? { detail: `It names more than ${TOLD} things`, at: named.at(-1)?.at ?? 0 }
    : undefined;
  const wrong = fault ?? more;
  return {
    observations,
    fault: wrong && { message: wrong.detail, offset: placer(yaml)(wrong.at).offset },
  };
}

interface Named {
  readonly path: string;
  readonly by: string;
  readonly at: number;
}

/** What stands behind the key `_target_`, however that is written. */
function targets(words: readonly YamlWord[]): Named[] {
  const anchored = new Map<string, Set<string>>();
  for (const { anchor, kind, value } of words) {
    if (anchor === undefined || kind === "alias") continue;
    const values = anchored.get(anchor) ?? new Set<string>();
    if (values.size < ANCHORED) anchored.set(anchor, values.add(value));
  }
  const valuesOf = ({ kind, value }: YamlWord): Iterable<string> =>
    kind === "scalar" ? [value] : anchored.get(value) ?? [];
  const found: Named[] = [];
  words.forEach((word, index) => {
    if (!word.key || found.length >= LOOKED_AT) return;
    const named = word.kind === "scalar"
      ? word.value === "_target_"
      : anchored.get(word.value)?.has("_target_");
    if (named !== true) return;
    const value = words[index + 1];
    if (value === undefined || value.key) return;
    for (const path of valuesOf(value)) {
      if (path.trim() !== "") found.push({ path: path.trim(), by: "_target_", at: word.at });
    }
  });
  return found;
}

function tags(text: string, check: () => void): Named[] {
  return pythonTags(text, LOOKED_AT, check).map(({ kind, name, written, at }) => {
    return { path: kind === "module" ? `${name}.*` : name, by: written, at };
  });
}

/** Texts that are Jinja and stand under a template's key, or speak of a conversation. */
function templates(words: readonly YamlWord[]): Observation[] {
  const found: Observation[] = [];
  for (const { kind, key, value, under } of words) {
    if (kind === "alias" || key || !hasJinja(value)) continue;
    const named = under.some((one) => /template/iu.test(one)) && !isGo(value);
    if (!named && !speaksOfConversation(value)) continue;
    const part = under.join(".").slice(0, PATH_CHARACTERS) || "template";
    const source = bytesSource(part, new TextEncoder().encode(value));
    found.push({ type: "entry", source, part, hint: HINT.chatTemplate });
  }
  return found;
}

/** What looks like Go and is none of Jinja's either: Jinja renders nothing of what it cannot parse. */
function isGo(text: string): boolean {
  return text.length < GO_CHARACTERS && isGoTemplate(text) &&
    parseTemplate(text).faults.length > 0;
}

function fact(path: string, where: string, around: string, offset: number): Observation {
  const dot = path.lastIndexOf(".");
  const [module, name] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
  const reference: ReferenceFact = {
    kind: "reference",
    language: "hydra",
    module,
    name,
    expression: path.slice(0, EVIDENCE_CHARACTERS),
    details: { where: where.slice(0, EVIDENCE_CHARACTERS) },
    evidence: [{ kind: "text", text: around.trim(), cut: around.length >= EVIDENCE_CHARACTERS }],
  };
  return { type: "fact", fact: reference, count: 1, offset };
}

/** Line, from 1, and byte of a character; asked with growing places it goes through the text once. */
function placer({ text, wide, mark }: YamlText): (at: number) => { line: number; offset: number } {
  let [line, counted, offset] = [1, 0, mark];
  return (at) => {
    for (; counted < at; counted++) {
      const code = text.charCodeAt(counted);
      if (code === 0x0a) line++;
      // Half a surrogate pair has two of its four bytes.
      const bytes = code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
      offset += wide ? 2 : bytes;
    }
    return { line, offset };
  };
}
