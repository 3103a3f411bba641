/**
 * Tokenizers: sentencepiece's models, `tokenizer.json`, tiktoken's ranks, merges of byte pairs.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { jsonLetters } from "../../parsers/json.ts";

/** Tokenizers. */
export const tokenizerDescriptor: FormatDescriptor = {
  id: "tokenizer",
  title: "Tokenizers",
  role: "data",
  claims: [
    { label: "tiktoken's ranks", extensions: "tiktoken" },
    { label: "a sentencepiece model", extensions: "spm" },
  ],
  readers: [
    {
      id: "sentencepiece",
      malformedRule: "sentencepiece-malformed",
      label: "a sentencepiece model",
      under: "model spm bpe vocab bin pb",
      mayMatch: ({ head }) => head[0] === 0x0a && head[2] === 0x0a,
      load: once(async () => (await import("./sentencepiece.ts")).sentencepieceFormat),
      samples: {
        harmful: "tokenizer/malformed/charsmap.model",
        harmless: "tokenizer/safe/unigram.model",
      },
    },
    {
      id: "tokenizer-json",
      malformedRule: "tokenizer-json-malformed",
      label: "a tokenizer",
      under: "json",
      mayMatch: mayBeTokenizerJson,
      load: once(async () => (await import("./tokenizer_json.ts")).tokenizerJsonFormat),
      samples: {
        harmful: "tokenizer/malformed/cut_tokenizer.json",
        harmless: "tokenizer/safe/bpe_tokenizer.json",
      },
    },
    {
      id: "token-list",
      malformedRule: "token-list-malformed",
      label: "a list of tokens",
      under: "tiktoken txt model bpe",
      mayMatch: ({ head }) => head.length > 3 && head[0] !== undefined && head[0] < 0x7b,
      load: once(async () => (await import("./token_list.ts")).tokenListFormat),
      samples: {
        harmful: "tokenizer/malformed/cut.tiktoken",
        harmless: "tokenizer/safe/ranks.tiktoken",
      },
    },
  ],
  coverage: [
    ["sentencepiece", "pieces, specifications, the table of characters"],
    ["`tokenizer.json`, tiktoken, merges", "that they are whole; identifiers of tokens"],
  ],
};

function mayBeTokenizerJson({ name, head }: Sample): boolean {
  return /(?:^|\/)(?=[^/]*\.json$)[^/]*?tokenizer/iu.test(name) &&
    /"model"|"added_tokens"/u.test(jsonLetters(head));
}
