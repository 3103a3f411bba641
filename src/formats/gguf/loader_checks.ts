/**
 * What llama.cpp asserts of a file's metadata while it loads a model: where a check fails, the process
 * ends (`GGML_ABORT`), and a server with it. The limits are those of `src/llama-model.cpp`
 * (`load_hparams`), `src/llama-hparams.h` and `src/llama-vocab.cpp`; each was tried on llama.cpp's
 * release of October 2026.
 *
 * @module
 */

import type { Lie } from "./tensors.ts";

/** `LLAMA_MAX_LAYERS`. The largest real model has 126 layers. CWE-617. */
const LAYERS = 512n;
/** `LLAMA_MAX_EXPERTS` is 512, and grows with the models: the largest has 896. CWE-617. */
const EXPERTS = 1024n;
/** The cache of this many tokens cannot be had. The largest real model was trained on 10,485,760. CWE-789. */
const CONTEXT = 1n << 27n;
/** Tokens that are compared; the largest vocabularies have some 260,000. CWE-770. */
const TOKENS = 4_000_000;

/** Keys that a check needs, behind the name of the architecture. */
const NUMBERS: readonly string[] = [
  "block_count",
  "context_length",
  "expert_count",
  "expert_used_count",
];

/** Collects what the checks need, key by key. */
export class LoaderChecks {
  readonly #numbers = new Map<string, bigint>();
  readonly #tokens = new Set<string>();
  #architecture: string | undefined;
  #tokenizer: string | undefined;
  #count = 0;
  #repeated: number | undefined;
  readonly #lengths = new Map<string, bigint>();

  /** True for a key whose number is wanted. */
  wantsNumber(key: string): boolean {
    return NUMBERS.some((name) => key.endsWith(`.${name}`));
  }

  /** True for a key whose text is wanted. */
  wantsText(key: string): boolean {
    return key === "general.architecture" || key === "tokenizer.ggml.model";
  }

  /** True for the list whose texts are wanted, each. */
  wantsTexts(key: string): boolean {
    return key === "tokenizer.ggml.tokens";
  }

  number(key: string, value: bigint): void {
    this.#numbers.set(key, value);
  }

  text(key: string, text: string): void {
    if (key === "general.architecture") this.#architecture = text;
    else this.#tokenizer = text;
  }

  /** One token; empty ones get names of their own from the loader. */
  token(text: string): void {
    const index = this.#count++;
    if (text === "" || this.#count > TOKENS) return;
    if (this.#tokens.has(text)) this.#repeated ??= index;
    else this.#tokens.add(text);
  }

  /** How many items a list has. */
  list(key: string, count: bigint): void {
    this.#lengths.set(key, count);
  }

  /** The checks that fail. */
  *failed(): Iterable<Lie> {
    const { block_count, context_length, expert_count, expert_used_count } = this.#given();
    if (block_count !== undefined && (block_count <= 0n || block_count > LAYERS)) {
      yield lie(`n_layer <= LLAMA_MAX_LAYERS: it has ${block_count} blocks, ${LAYERS} at most`);
    }
    if (context_length !== undefined && (context_length <= 0n || context_length > CONTEXT)) {
      yield lie(`the context fits into memory: its length is ${context_length}`);
    }
    if (expert_count !== undefined && (expert_count < 0n || expert_count > EXPERTS)) {
      yield lie(`n_expert <= LLAMA_MAX_EXPERTS: it has ${expert_count} experts`);
    }
    const experts = expert_count ?? 0n;
    if (expert_used_count !== undefined && expert_used_count > experts) {
      yield lie(`n_expert_used <= n_expert: ${expert_used_count} of ${experts} experts are used`);
    }
    if (experts > 0n && (expert_used_count ?? 0n) <= 0n) {
      yield lie(`n_expert_used > 0: none of ${experts} experts is used`);
    }
    if (this.#tokenizer !== undefined && !/^(?:none|no_vocab)?$/u.test(this.#tokenizer)) {
      yield* this.#vocabulary(this.#tokenizer);
    }
  }

  *#vocabulary(tokenizer: string): Iterable<Lie> {
    const tokens = this.#lengths.get("tokenizer.ggml.tokens") ?? 0n;
    if (tokens === 0n) yield lie(`the tokenizer "${tokenizer}" has tokens: there are none`);
    if (this.#repeated !== undefined) {
      yield lie(`id_to_token.size() == token_to_id.size(): token ${this.#repeated} is there twice`);
    }
    for (const name of ["scores", "token_type"]) {
      const count = this.#lengths.get(`tokenizer.ggml.${name}`);
      if (count === undefined || count >= tokens) continue;
      yield lie(`each token has its item of "${name}": there are ${count} for ${tokens} tokens`);
    }
  }

  #given(): Readonly<Record<string, bigint | undefined>> {
    return Object.fromEntries(
      NUMBERS.map((name) => [name, this.#numbers.get(`${this.#architecture}.${name}`)]),
    );
  }
}

function lie(check: string): Lie {
  return { type: "anomaly", rule: "gguf-loader-check", detail: `The loader checks that ${check}` };
}
