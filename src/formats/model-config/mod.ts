/**
 * Configurations: JSON, YAML, TOML, INI and gin files that name code for loaders to import, call or
 * evaluate, and hold chat templates. Which loader reads which file, and what it does with which value,
 * is the table `rules/loaders.toml`.
 *
 * @module
 */

import { jsonLetters } from "../../parsers/json.ts";
import type { Source } from "../../core/source.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Interest, Observation } from "../../core/types.ts";
import { baseName } from "../../parsers/base_name.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { configText, type Notation, notationOf, readConfig } from "../../parsers/config/read.ts";
import { substituted } from "../../parsers/config/substitute.ts";
import { type ConfigNode, textOf } from "../../parsers/config_node.ts";
import { HINT } from "../../core/hints.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import { hasKerasKeys, isKerasConfig } from "../../parsers/keras_config.ts";
import { bytesSource } from "../../sources/memory.ts";
import { loaderTable } from "../../parsers/config/match.ts";
import { configurationAbout } from "./about.ts";
import { loaderObservations } from "./loaders.ts";
import { jsonTemplates, yamlTemplates } from "./templates.ts";
import { looksLikeYaml, placer, type YamlText, yamlText } from "./yaml_text.ts";
import { otherYamlNames } from "./yaml_names.ts";

/**
 * Bytes of a configuration, which is read at once; a tokenizer's with all its added tokens has some
 * megabytes. CWE-770.
 */
const CONFIG_BYTES = 32 * 1024 * 1024;

/** Names under which loaders look for configurations. */
const NAMES = new RegExp(
  "^(?:(?:[a-z0-9_]+_)?config|config_[a-z0-9_]+|model_index|modules|chat_template|" +
    "special_tokens_map|added_tokens|.+\\.index(?:\\.[a-z0-9_]+)?)\\.json$",
  "iu",
);
/** Keys that make JSON of any name a configuration. */
const KEYS = new RegExp(
  '"(?:auto_map|custom_pipelines|trust_remote_code|_?attn_implementation(?:_internal)?|' +
    "chat_template|_target_|model_type|architectures|_class_name|weight_map|peft_type|" +
    'auto_mapping|tokenizer_class|processor_class)"\\s*:|' +
    // A prompt of LangChain's, which renders it.
    '"template_format"\\s*:\\s*"jinja2"',
  "u",
);
/** The same of YAML. */
const YAML_NAMES = new RegExp(
  "^(?:(?:[a-z0-9_-]+[_-])?config|hparams|hyperparams|params|(?:chat|instruction)[-_]?template)\\.ya?ml$",
  "iu",
);

/** Configurations. */
export const modelConfigFormat: Format = { id: "model-config", random: false, detect, scan };

function detect({ name, head, hint, size }: Sample, interest: Interest = NONE): boolean {
  if (hint === HINT.configuration) return /^[^\x21-\x7e]{0,64}\{/u.test(jsonLetters(head));
  if (hint !== undefined || head.length === 0) return false;
  const base = baseName(name);
  const notation = notationOf(base);
  if (notation === undefined) return false;
  const complete = head.length < SAMPLE_BYTES;
  const most = size === undefined || size <= CONFIG_BYTES;
  switch (notation) {
    case "json": {
      const text = jsonLetters(head);
      // Nothing but white space so far.
      if (!complete && most && !/[\x21-\x7e]/u.test(text)) return true;
      if (!/^[^\x21-\x7e]{0,64}[{[]/u.test(text)) return false;
      if (NAMES.test(base) || KEYS.test(text)) return true;
      break;
    }
    case "yaml": {
      const known = YAML_NAMES.test(base) || !complete && most;
      if (known && looksLikeYaml(head)) return true;
      break;
    }
    default:
      if (!looksLikeText(head)) return false;
  }
  const text = (): string => yamlText(head).text;
  if (notation !== "line" && loaderTable(interest).knowsFile(name, text) && looksLikeYaml(head)) {
    return true;
  }
  // What is longer than the sample may have its keys behind it.
  // Lines of JSON are data: their first ones are looked at.
  if (!complete && notation !== "json-lines") return most;
  const reading = { name, interest, together: false, check: () => {} };
  return everything(head, notation, reading).some(({ type }) => type !== "anomaly");
}

/** What is known where no rules are. */
const NONE: Interest = { argumentsMatter: () => true };

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { sample, interest, folder } = context;
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, CONFIG_BYTES, "a configuration", check);
  const notation = sample.hint === HINT.configuration
    ? "json"
    : notationOf(baseName(sample.name)) ?? "json";
  const name = folder?.member ?? sample.name;
  const reading = { name, interest, together: folder !== undefined, check };
  yield everything(bytes, notation, reading);
  if (sample.hint === HINT.configuration) yield within(bytes, reading);
}

/** Texts of metadata that are configurations themselves, as JSON or as Python writes a dictionary. */
function within(bytes: Uint8Array, reading: Reading): readonly Observation[] {
  const { roots } = readConfig(bytes, "json", reading.check);
  return roots.flatMap((root) => {
    if (root.kind !== "map") return [];
    return root.members.flatMap(([, value]) => {
      const text = textOf(value)?.trim() ?? "";
      if (!/^[{[]/u.test(text)) return [];
      const encoded = new TextEncoder().encode(text);
      const json = readConfig(encoded, "json", reading.check);
      const { roots } = json.syntaxError === undefined
        ? json
        : readConfig(encoded, "yaml", reading.check);
      const { interest, check, name } = reading;
      const place = { path: name, interest, together: false, check };
      return loaderObservations(roots, place).observations;
    });
  });
}

interface Reading {
  readonly name: string;
  readonly interest: Interest;
  readonly together: boolean;
  readonly check: () => void;
}

/** All that there is to say of a file, what is wrong with it last. */
function everything(
  bytes: Uint8Array,
  notation: Notation,
  { name, interest, together, check }: Reading,
): readonly Observation[] {
  const { roots: written, syntaxError } = readConfig(bytes, notation, check);
  const roots = [...written, ...substitutedRoots(bytes, notation, { name, check })];
  const { observations, cut } = loaderObservations(roots, {
    path: name,
    interest,
    together,
    check,
  });
  const found: Observation[] = [...observations];
  const about = configurationAbout(name, written);
  if (about !== undefined) found.push({ type: "about", about });
  let wrong = syntaxError &&
    { detail: `${syntaxError.message}, at byte ${syntaxError.at}`, at: syntaxError.at };
  if (notation === "yaml") {
    const text: YamlText = yamlText(bytes);
    const others = otherYamlNames(text, { interest, broken: syntaxError !== undefined, check });
    found.push(...others.observations, ...yamlTemplates(others.words));
    const offset = syntaxError === undefined
      ? others.syntaxError?.offset
      : placer(text)(syntaxError.at).offset;
    const message = syntaxError?.message ?? others.syntaxError?.message;
    wrong = message === undefined || offset === undefined
      ? undefined
      : { detail: `${message}, at byte ${offset}`, at: offset };
  } else if (notation === "json" || notation === "json-lines") {
    for (const root of roots) found.push(...jsonTemplates(root, check));
  }
  // A configuration of Keras that its beginning does not show; any other is read as one already.
  if ((notation === "json" || notation === "yaml") && isKerasConfig(written, check)) {
    if (!hasKerasKeys(bytes.subarray(0, SAMPLE_BYTES))) {
      const part = "(Keras configuration)";
      const source = bytesSource(part, bytes);
      found.push({ type: "entry", source, part, hint: HINT.kerasConfigText });
    }
  }
  if (wrong !== undefined) found.push(malformed(wrong.detail, wrong.at));
  if (cut) found.push(malformed("It has more values, or names more things, than are looked at", 0));
  return found;
}

/** The configuration once more where MMEngine puts other text into it before it is parsed. */
function substitutedRoots(
  bytes: Uint8Array,
  notation: Notation,
  { name, check }: Pick<Reading, "name" | "check">,
): readonly ConfigNode[] {
  if (notation !== "json" && notation !== "yaml") return [];
  const text = substituted(configText(bytes), name);
  return text === undefined
    ? []
    : readConfig(new TextEncoder().encode(text), notation, check).roots;
}

function malformed(detail: string, offset: number): Observation {
  return { type: "anomaly", rule: "config-malformed", detail, offset, unread: true };
}
