/**
 * What llama.cpp asserts of a file's metadata while it loads a model: where a check fails, the process
 * ends (`GGML_ABORT`), and a server with it. The limits are those of `src/llama-model.cpp`
 * (`load_hparams`), `src/llama-hparams.h` and `src/llama-vocab.cpp`, and what the first request asserts; each
 * was tried on llama.cpp's releases of October and November 2026.
 *
 * @module
 */

import type { Mismatch } from "./tensors.ts";

/** `LLAMA_MAX_LAYERS`. The largest real model has 126 layers. CWE-617. */
const LAYERS = 512n;
/** `LLAMA_MAX_EXPERTS` is 512, and grows with the models: the largest has 896. CWE-617. */
const EXPERTS = 1024n;
/** The cache of this many tokens cannot be had. The largest real model was trained on 10,485,760. CWE-789. */
const CONTEXT = 1n << 27n;
/** Tokens that are compared; the largest vocabularies have some 260,000. CWE-770. */
const TOKENS = 4_000_000;

/** Numbers by the end of their key, as far as the file has them. */
type Numbers = Readonly<Record<string, bigint | undefined>>;

/** A number that has to lie within bounds. */
interface Range {
  /** Behind the name of the architecture. */
  readonly key: string;
  readonly least: bigint;
  readonly most: bigint;
  /** The assertion, or what fails. */
  readonly check: string;
}

/** `load_hparams` of `src/llama-model.cpp`. */
const RANGES: readonly Range[] = [
  {
    key: "block_count",
    least: 1n,
    most: LAYERS,
    check: "n_layer_all > 0 && n_layer_all <= LLAMA_MAX_LAYERS",
  },
  { key: "context_length", least: 1n, most: CONTEXT, check: "the context fits into memory" },
  { key: "expert_count", least: 0n, most: EXPERTS, check: "n_expert <= LLAMA_MAX_EXPERTS" },
];

/** How numbers have to agree, in the same function: the check, and whether it fails. */
const RELATIONS: readonly (readonly [check: string, fails: (numbers: Numbers) => boolean])[] = [
  [
    "n_expert_used <= n_expert",
    ({ expert_used_count: used = 0n, expert_count: all = 0n }) => used > all,
  ],
  ["n_expert_used > 0 where there are experts", (
    { expert_used_count: used = 0n, expert_count: all = 0n },
  ) => all > 0n && used <= 0n],
  [
    "n_layer_nextn < n_layer_all",
    ({ nextn_predict_layers: next = 0n, block_count: all }) => all !== undefined && next >= all,
  ],
  // Of the architecture `wavtokenizer-dec`; no other has these keys.
  ...["posnet", "convnext"].map((part): [string, (numbers: Numbers) => boolean] => [
    `${part}.n_layer <= n_layer_all`,
    (numbers) => (numbers[`${part}.block_count`] ?? 0n) > (numbers["block_count"] ?? 0n),
  ]),
  ["n_expert_groups == 0 where there are no experts", (
    { expert_group_count: groups = 0n, expert_count: all = 0n },
  ) => all === 0n && groups !== 0n],
  [
    "n_expert_groups < n_expert",
    ({ expert_group_count: groups = 0n, expert_count: all = 0n }) => all > 0n && groups >= all,
  ],
  ["n_expert % n_expert_groups == 0", (
    { expert_group_count: groups = 0n, expert_count: all = 0n },
  ) => groups > 1n && all % groups !== 0n],
  ["n_group_used > 0 && n_group_used < n_expert_groups", (
    { expert_group_count: groups = 0n, expert_group_used_count: used = 0n },
  ) => groups > 1n && (used <= 0n || used >= groups)],
];

/** Dimensions that are rotated, which `ggml_compute_forward_rope_flt` asserts of (`ggml-cpu/ops.cpp`). */
const ROTATED: readonly string[] = ["rope.dimension_count", "rope.dimension_count_swa"];
/** Architectures whose graph asserts that a head is rotated whole: `src/models/ARCHITECTURE.cpp`. */
const ROTATED_WHOLE: ReadonlySet<string> = new Set(["qwen2", "qwen3"]);
/** Those whose graph asserts that keys and values have heads of one size. */
const HEADS_OF_ONE_SIZE: ReadonlySet<string> = new Set(["qwen2", "qwen3", "phi3"]);

/** Keys that a check needs, behind the name of the architecture. */
const NUMBERS: readonly string[] = [
  ...RANGES.map(({ key }) => key),
  ...["expert_used_count", "nextn_predict_layers", "expert_group_count"],
  ...["expert_group_used_count", "posnet.block_count", "convnext.block_count"],
  ...["embedding_length", "attention.head_count", "attention.key_length"],
  ...["attention.value_length", ...ROTATED],
];

/** Keys whose value may be a list with a number for each layer, of which the greatest counts. */
const LISTS: readonly string[] = ["expert_used_count"];

/** Kinds of tokens, one for each, and the kind of a byte (`LLAMA_TOKEN_TYPE_BYTE`). */
const TOKEN_TYPES = "tokenizer.ggml.token_type";
const BYTE_TOKEN = 6n;
/** The token that a text begins with, and whether one is put there. */
const FIRST_TOKEN = "tokenizer.ggml.bos_token_id";
const ADDS_FIRST = "tokenizer.ggml.add_bos_token";
/**
 * Tokenizers that assert of the first token (`tokenize`), which of them add one unless it says otherwise, and
 * the token that stands for one which is missing or behind the end (`llama_vocab::impl::load`).
 */
const ASSERTING: Readonly<Record<string, { readonly adds: boolean; readonly usual?: bigint }>> = {
  bert: { adds: true, usual: 101n },
  t5: { adds: false },
};

/** Numbers that `ggml_norm` and `ggml_rms_norm` assert to be 0 or greater (`ggml-cpu/ops.cpp`). */
const EPSILONS: readonly string[] = [
  "attention.layer_norm_rms_epsilon",
  "attention.layer_norm_epsilon",
  "attention.group_norm_epsilon",
];

/** `LLAMA_ROPE_SCALING_TYPES`: another is UNSPECIFIED, which is asserted against. */
const ROPE_SCALING = "rope.scaling.type";
const ROPE_SCALINGS = /^(?:none|linear|yarn|longrope)$/u;

/** Collects what the checks need, key by key. */
export class LoaderChecks {
  readonly #numbers = new Map<string, bigint>();
  readonly #epsilons = new Map<string, number>();
  readonly #scalings = new Map<string, string>();
  readonly #tokens = new Set<string>();
  #architecture: string | undefined;
  #tokenizer: string | undefined;
  #count = 0;
  #repeated: number | undefined;
  #byteToken = false;
  #addsFirst: boolean | undefined;
  readonly #lengths = new Map<string, bigint>();

  /** True for a key whose number is wanted. */
  usesNumber(key: string): boolean {
    return key === FIRST_TOKEN || NUMBERS.some((name) => key.endsWith(`.${name}`));
  }

  /** True for a list of numbers that are wanted, each by `oneOf`. */
  usesNumbers(key: string, count: bigint): boolean {
    // Of the tokenizers of nearly all files the kinds of tokens, a megabyte, are not needed.
    if (key === TOKEN_TYPES) return !/^(?:llama|gpt2|t5|rwkv)$/u.test(this.#tokenizer ?? "");
    return count <= LAYERS && LISTS.some((name) => key.endsWith(`.${name}`));
  }

  /** A value that is true or false. */
  flag(key: string, value: boolean): void {
    if (key === ADDS_FIRST) this.#addsFirst = value;
  }

  /** True for a key whose fraction is wanted. */
  wantsFraction(key: string): boolean {
    return EPSILONS.some((name) => key.endsWith(`.${name}`));
  }

  /** True for a key whose text is wanted. */
  usesText(key: string): boolean {
    return key === "general.architecture" || key === "tokenizer.ggml.model" ||
      key.endsWith(`.${ROPE_SCALING}`);
  }

  /** True for the list whose texts are wanted, each. */
  usesTexts(key: string): boolean {
    return key === "tokenizer.ggml.tokens";
  }

  number(key: string, value: bigint): void {
    this.#numbers.set(key, value);
  }

  /** One number of a list. */
  oneOf(key: string, value: bigint): void {
    if (key === TOKEN_TYPES) {
      this.#byteToken ||= value === BYTE_TOKEN;
      return;
    }
    const before = this.#numbers.get(key);
    if (before === undefined || value > before) this.#numbers.set(key, value);
  }

  fraction(key: string, value: number): void {
    this.#epsilons.set(key, value);
  }

  text(key: string, text: string): void {
    if (key === "general.architecture") this.#architecture = text;
    else if (key.endsWith(`.${ROPE_SCALING}`)) this.#scalings.set(key, text);
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
  *failed(): Iterable<Mismatch> {
    const numbers = this.#numbersByName();
    for (const { key, least, most, check } of RANGES) {
      const value = numbers[key];
      if (value === undefined || (value >= least && value <= most)) continue;
      yield mismatch(`${check}: its ${key} is ${value}`);
    }
    for (const [check, fails] of RELATIONS) if (fails(numbers)) yield mismatch(check);
    yield* this.#heads(numbers);
    for (const name of EPSILONS) {
      const value = this.#epsilons.get(`${this.#architecture}.${name}`);
      if (value !== undefined && !(value >= 0)) yield mismatch(`eps >= 0: its ${name} is ${value}`);
    }
    const scaling = this.#scalings.get(`${this.#architecture}.${ROPE_SCALING}`);
    if (scaling !== undefined && !ROPE_SCALINGS.test(scaling)) {
      yield mismatch(`rope_scaling_type_train != UNSPECIFIED: its ${ROPE_SCALING} is "${scaling}"`);
    }
    if (this.#tokenizer !== undefined && !/^(?:none|no_vocab)?$/u.test(this.#tokenizer)) {
      yield* this.#vocabulary(this.#tokenizer);
    }
  }

  /** The sizes of heads, where they are the same in all layers. */
  *#heads(numbers: Numbers): Iterable<Mismatch> {
    const architecture = this.#architecture ?? "";
    const { embedding_length: width, "attention.head_count": heads } = numbers;
    const equal = width === undefined || heads === undefined || heads <= 0n
      ? undefined
      : width / heads;
    const key = numbers["attention.key_length"] ?? equal;
    const value = numbers["attention.value_length"] ?? equal;
    if (key === undefined || value === undefined) return;
    if (key !== value && HEADS_OF_ONE_SIZE.has(architecture)) {
      yield mismatch(`n_embd_head == n_embd_head_k: they are ${value} and ${key}`);
    }
    for (const name of ROTATED) {
      const rotated = numbers[name];
      if (rotated === undefined) continue;
      if (rotated > key || rotated % 2n !== 0n) {
        yield mismatch(`n_dims <= ne0 and n_dims % 2 == 0: ${rotated} of ${key} are rotated`);
      } else if (rotated !== key && name === ROTATED[0] && ROTATED_WHOLE.has(architecture)) {
        yield mismatch(`n_embd_head == n_rot: they are ${key} and ${rotated}`);
      }
    }
  }

  *#vocabulary(tokenizer: string): Iterable<Mismatch> {
    const tokens = this.#lengths.get("tokenizer.ggml.tokens") ?? 0n;
    if (tokens === 0n) yield mismatch(`the tokenizer "${tokenizer}" has tokens: there are none`);
    if (this.#repeated !== undefined) {
      yield mismatch(
        `id_to_token.size() == token_to_id.size(): token ${this.#repeated} is there twice`,
      );
    }
    if (tokenizer === "bert" && this.#byteToken) {
      yield mismatch(`token_to_byte is for other tokenizers than "bert": a token is a byte`);
    }
    const asserting = Object.hasOwn(ASSERTING, tokenizer) ? ASSERTING[tokenizer] : undefined;
    if (asserting !== undefined && (this.#addsFirst ?? asserting.adds)) {
      const first = this.#numbers.get(FIRST_TOKEN);
      const there = (one: bigint | undefined) => one !== undefined && one < tokens;
      if (!there(first) && !there(asserting.usual)) {
        yield mismatch("special_bos_id != LLAMA_TOKEN_NULL: no token begins a text");
      }
    }
    for (const name of ["scores", "token_type"]) {
      const count = this.#lengths.get(`tokenizer.ggml.${name}`);
      if (count === undefined || count >= tokens) continue;
      yield mismatch(
        `each token has its item of "${name}": there are ${count} for ${tokens} tokens`,
      );
    }
  }

  #numbersByName(): Numbers {
    return Object.fromEntries(
      NUMBERS.map((name) => [name, this.#numbers.get(`${this.#architecture}.${name}`)]),
    );
  }
}

function mismatch(check: string): Mismatch {
  return { type: "anomaly", rule: "gguf-loader-check", detail: `The loader checks that ${check}` };
}
