/**
 * `tokenizer.json` of the tokenizers library: a pipeline and a vocabulary. It holds no code.
 * https://github.com/huggingface/tokenizers, `tokenizers/src/tokenizer/serialization.rs`
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { isArray, isObject, jsonLetters, parseJson, valuesOf } from "../../parsers/json.ts";
import { readWhole } from "../../sources/read_all.ts";

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

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readWhole(source, TOKENIZER_BYTES, "a tokenizer", check);
  yield [];
  const { value, error } = parseJson(bytes, VALUES);
  if (error !== undefined) throw new FormatError(error.message, error.offset);
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
