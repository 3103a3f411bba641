/**
 * `tokenizer.json` of the tokenizers library: a pipeline and a vocabulary. It holds no code, but its decoder
 * may replace what the model writes, and its regular expressions are run on every text.
 * https://github.com/huggingface/tokenizers, `tokenizers/src/tokenizer/serialization.rs`
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import {
  isArray,
  isObject,
  jsonLetters,
  type JsonObject,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a tokenizer. The largest real one has 34 MiB. CWE-770. */
const TOKENIZER_BYTES = 256 * 1024 * 1024;
/** Values of a tokenizer. The largest real one has 2 million. CWE-770. */
const VALUES = 32_000_000;

/** Tokenizers in JSON. */
export const tokenizerJsonFormat: Format = { id: "tokenizer-json", random: false, detect, scan };

function detect({ name, head }: Sample): boolean {
  if (!/(?:^|\/)(?=[^/]*\.json$)[^/]*?tokenizer/iu.test(name)) return false;
  const letters = jsonLetters(head);
  return /^\s*\{/u.test(letters) && /"(?:model|added_tokens)"\s*:\s*[{[]/u.test(letters) &&
    /"(?:version|truncation|normalizer|pre_tokenizer)"\s*:/u.test(letters);
}

/** Parts of the pipeline that have steps. */
const PARTS = ["normalizer", "pre_tokenizer", "post_processor", "decoder"];
/** Steps that are looked at: real pipelines have some dozens. CWE-770. */
const STEPS = 10_000;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Letters that make a replacement a word: marks of a space, of bytes and of quotes have none. */
const WORD = /[\p{L}\p{N}]{3,}|:\/\//u;
/** A repetition without an end. */
const REPEATED = /[+*]|\{\d*,\}/uy;

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, TOKENIZER_BYTES, "a tokenizer", check);
  yield [];
  const { value, error } = parseJson(bytes, VALUES);
  if (error !== undefined) throw new FormatError(error.message, error.offset);
  if (isObject(value)) yield pipelineAnomalies(value);
  const [model] = isObject(value) ? valuesOf(value, "model") : [];
  const [vocabulary] = isObject(model) ? valuesOf(model, "vocab") : [];
  if (isObject(vocabulary)) {
    const wrong = vocabulary.members.find(([, id]) => !Number.isInteger(id) || Number(id) < 0);
    if (wrong !== undefined) {
      throw new FormatError(`Cannot read tokenizer: "${wrong[0]}" has the identifier ${wrong[1]}`);
    }
  } else if (!isArray(vocabulary)) {
    throw new FormatError("Cannot read tokenizer: its model has no vocabulary");
  }
}

/** What steps of the pipeline replace, and regular expressions that take exponential time. */
function pipelineAnomalies(root: JsonObject): Observation[] {
  const found: Observation[] = [];
  let steps = 0;
  for (const part of PARTS) {
    const waiting = valuesOf(root, part);
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (++steps > STEPS || found.length >= REPORTED) {
        const detail = `More than ${STEPS} steps, or ${REPORTED} anomalies, are not looked at`;
        return [...found, { type: "anomaly", rule: "tokenizer-regex", detail, unread: true }];
      }
      if (isArray(step)) waiting.push(...step.items.slice(0, STEPS));
      if (!isObject(step)) continue;
      for (const [key, value] of step.members) {
        if (key !== "pattern" && typeof value === "object" && value !== null) waiting.push(value);
      }
      found.push(...stepAnomalies(step, part));
    }
  }
  return found;
}

function stepAnomalies(step: JsonObject, part: string): Observation[] {
  const anomaly = (rule: string, detail: string): Observation => ({
    type: "anomaly",
    rule,
    detail,
    offset: step.at,
  });
  const texts = (key: string): string[] =>
    valuesOf(step, key).flatMap((value) => typeof value === "string" ? [value] : []);
  const patterns = valuesOf(step, "pattern").filter(isObject);
  const expressions = patterns.flatMap((pattern) => valuesOf(pattern, "Regex"))
    .flatMap((value) => typeof value === "string" ? [value] : []);
  const found = expressions.filter((text) => nestsRepetitions(text))
    .map((text) => anomaly("tokenizer-regex", `Its ${part} has /${text.slice(0, 200)}/`));
  if (part !== "decoder" || !texts("type").includes("Replace")) return found;
  const written = patterns.flatMap((pattern) => valuesOf(pattern, "String"))
    .flatMap((value) => typeof value === "string" ? [value] : []);
  const words = [...texts("content"), ...written].some((text) => WORD.test(text)) ||
    expressions.some((text) => WORD.test(text.replaceAll(/\\[pP]\{\w+\}/gu, "")));
  if (!words) return found;
  const what = [...written, ...expressions].join().slice(0, 200);
  const by = texts("content").join().slice(0, 200);
  return [...found, anomaly("tokenizer-rewrites", `Its decoder replaces "${what}" by "${by}"`)];
}

/** True for a group with a repetition without an end in it that is repeated without an end itself. */
function nestsRepetitions(expression: string): boolean {
  const isRepeated = (at: number): boolean => {
    REPEATED.lastIndex = at;
    return REPEATED.test(expression);
  };
  let [inGroup, repeats] = [false, false];
  for (let at = 0; at < expression.length; at++) {
    const character = expression[at];
    if (character === "\\") at++;
    else if (character === "(") [inGroup, repeats] = [true, false];
    else if (character === ")") {
      if (inGroup && repeats && isRepeated(at + 1)) return true;
      inGroup = false;
    } else repeats ||= inGroup && isRepeated(at);
  }
  return false;
}
