/**
 * What YAML names in ways that another reader of YAML may see than PyYAML: tags of Python objects
 * wherever an exclamation mark stands, and `_target_` in a text that PyYAML refuses.
 * https://hydra.cc/docs/advanced/instantiate_objects/overview/, https://yaml.org/spec/1.1/
 *
 * @module
 */

import { pythonTags } from "../../parsers/yaml/tags.ts";
import { type YamlWord, yamlWords } from "../../parsers/yaml/tokens.ts";
import type { Interest, Observation, ReferenceFact } from "../../core/types.ts";
import { placer, type YamlText } from "./yaml_text.ts";

/** Names that are reported separately. The configurations of packages in use have none. CWE-779. */
const REPORTED = 500;
/** Names that are compared, equal ones included. The configurations of packages in use have none. CWE-834. */
const LOOKED_AT = 20_000;
/**
 * Values of one anchor, which may be set again and again. In 304 files of packages in use
 * one is set up to twice. CWE-834.
 */
const ANCHORED = 5000;
/** Characters of a text that are reported with a name. CWE-779. */
const EVIDENCE_CHARACTERS = 1024;

/** What was read of a YAML text. */
interface OtherNames {
  readonly observations: readonly Observation[];
  readonly words: readonly YamlWord[];
  /** The first thing that loaders refuse, in bytes from the start; undefined when all is well. */
  readonly syntaxError: { readonly message: string; readonly offset: number } | undefined;
}

/** How a text is looked at. */
interface Look {
  readonly interest: Interest;
  /** True when PyYAML does not compose the text. */
  readonly broken: boolean;
  /** Called now and then; may throw. */
  readonly check: () => void;
}

/** Names beside those of the composed text. */
export function otherYamlNames(yaml: YamlText, { interest, broken, check }: Look): OtherNames {
  const { text } = yaml;
  const { words, syntaxError } = yamlWords(text, check);
  const place = placer(yaml);
  const tagged = tags(text, check);
  const named = [...broken ? targets(words) : [], ...tagged].sort((one, two) => one.at - two.at);
  // Of equal ones the first is reported, so that hundreds of one class hide no other.
  const distinct = [...new Map(named.toReversed().map((one) => [one.path, one])).values()]
    .reverse().filter(({ path, by }) => by === "_target_" || isDangerous(path, interest));
  const observations: Observation[] = distinct.slice(0, REPORTED).map(({ path, by, at }) => {
    const { line, offset } = place(at);
    return fact(path, `${by} in line ${line}`, text.slice(at, at + EVIDENCE_CHARACTERS), offset);
  });
  const more = distinct.length > REPORTED || named.length >= LOOKED_AT
    ? { detail: `It names more than ${REPORTED} things`, at: named.at(-1)?.at ?? 0 }
    : undefined;
  const wrong = syntaxError ?? more;
  return {
    observations,
    words,
    syntaxError: wrong && { message: wrong.detail, offset: placer(yaml)(wrong.at).offset },
  };
}

interface Named {
  readonly path: string;
  readonly by: string;
  readonly at: number;
}

function isDangerous(path: string, { dangerOf }: Interest): boolean {
  const dot = path.lastIndexOf(".");
  if (dangerOf === undefined || dot < 0) return dot >= 0;
  return dangerOf(path.slice(0, dot), path.slice(dot + 1)) !== undefined;
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

function fact(path: string, where: string, context: string, offset: number): Observation {
  const dot = path.lastIndexOf(".");
  const [module, name] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
  const reference: ReferenceFact = {
    kind: "reference",
    language: "hydra",
    module,
    name,
    expression: path.slice(0, EVIDENCE_CHARACTERS),
    details: { where: where.slice(0, EVIDENCE_CHARACTERS) },
    evidence: [{ kind: "text", text: context.trim(), cut: context.length >= EVIDENCE_CHARACTERS }],
  };
  return { type: "fact", fact: reference, count: 1, offset };
}
