import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../testing/scan.ts";
import { ggufFormat } from "./mod.ts";

const STRING = 8;
const ARRAY = 9;
const U32 = 4;
const F32 = 6;
const BOOL = 7;

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) => Math.floor(value / 256 ** at) % 256);
}

const text = (value: string) => [
  ...little(value.length, 8),
  ...Array.from(value, (one) => one.charCodeAt(0)),
];

/** A file without tensors. */
type Value = string | number | boolean | Float32Array | Uint32Array | readonly string[];
type Metadata = Readonly<Record<string, Value>>;
function file(metadata: Metadata): Uint8Array {
  const pairs = Object.entries(metadata).flatMap(([key, value]) => {
    if (typeof value === "string") return [...text(key), ...little(STRING, 4), ...text(value)];
    if (value instanceof Float32Array) {
      return [...text(key), ...little(F32, 4), ...new Uint8Array(value.buffer)];
    }
    if (value instanceof Uint32Array) {
      const items = Array.from(value).flatMap((one) => little(one, 4));
      return [
        ...text(key),
        ...little(ARRAY, 4),
        ...little(U32, 4),
        ...little(value.length, 8),
        ...items,
      ];
    }
    if (typeof value === "boolean") {
      return [...text(key), ...little(BOOL, 4), value ? 1 : 0];
    }
    if (typeof value === "number") return [...text(key), ...little(U32, 4), ...little(value, 4)];
    return [
      ...text(key),
      ...little(ARRAY, 4),
      ...little(STRING, 4),
      ...little(value.length, 8),
      ...value.flatMap(text),
    ];
  });
  const count = Object.keys(metadata).length;
  return Uint8Array.from([
    0x47,
    0x47,
    0x55,
    0x46,
    ...little(3, 4),
    ...little(0, 8),
    ...little(count, 8),
    ...pairs,
  ]);
}

const ARCHITECTURE = { "general.architecture": "llama" };

async function failed(metadata: Parameters<typeof file>[0]): Promise<number> {
  const { rules } = await run(ggufFormat, file({ ...ARCHITECTURE, ...metadata }));
  return rules.filter((rule) => rule === "gguf-loader-check").length;
}

test("values on which llama.cpp ends the process are reported", async () => {
  const values: Parameters<typeof file>[0][] = [
    { "llama.block_count": 0 },
    { "llama.block_count": 513 },
    { "llama.block_count": 0xffffffff },
    { "llama.context_length": 0xffffffff },
    { "llama.expert_count": 5000, "llama.expert_used_count": 2 },
    { "llama.expert_count": 2, "llama.expert_used_count": 3 },
    { "llama.expert_count": 2 },
    // One number for each layer, of which the greatest counts (`get_key_or_arr`).
    { "llama.expert_count": 2, "llama.expert_used_count": Uint32Array.of(1, 3, 2) },
    { "llama.block_count": 4, "llama.nextn_predict_layers": 4 },
    { "llama.block_count": 4, "llama.posnet.block_count": 5 },
    { "llama.block_count": 4, "llama.convnext.block_count": 5 },
    { "llama.expert_used_count": 2 },
    { "llama.block_count": 1, "llama.nextn_predict_layers": 2 },
    { "llama.expert_group_count": 1 },
    { "llama.expert_count": 8, "llama.expert_used_count": 2, "llama.expert_group_count": 3 },
    { "llama.attention.layer_norm_rms_epsilon": Float32Array.of(NaN) },
    { "llama.attention.layer_norm_rms_epsilon": Float32Array.of(-1) },
    { "llama.attention.layer_norm_epsilon": Float32Array.of(-1e-9) },
    { "llama.rope.scaling.type": "evil" },
    { "tokenizer.ggml.model": "llama" },
    { "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": [] },
    { "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["a", "b", "a"] },
    { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "\xff", "\xff"] },
  ];
  for (const value of values) assert.ok(await failed(value) >= 1, JSON.stringify(value));
});

const HEADS = { "embedding_length": 32, "attention.head_count": 4 };

/** Metadata of an architecture, whose name stands before each key. */
function of(architecture: string, numbers: Readonly<Record<string, number>>): Metadata {
  return Object.fromEntries([
    ["general.architecture", architecture],
    ...Object.entries({ ...HEADS, ...numbers }).map(([key, it]) => [`${architecture}.${key}`, it]),
  ]);
}

test("sizes of heads that the first request asserts are reported", async () => {
  const wrong: Metadata[] = [
    of("gemma3", { "rope.dimension_count": 16 }),
    of("gemma3", { "rope.dimension_count": 7 }),
    of("gemma3", { "rope.dimension_count_swa": 511 }),
    of("gemma3", { "attention.key_length": 4, "rope.dimension_count": 8 }),
    of("qwen2", { "rope.dimension_count": 4 }),
    of("qwen3", { "rope.dimension_count": 4 }),
    of("qwen2", { "attention.key_length": 5 }),
    of("phi3", { "attention.key_length": 5 }),
  ];
  for (const value of wrong) assert.equal(await failed(value), 1, JSON.stringify(value));
  const right: Metadata[] = [
    of("gemma3", { "rope.dimension_count": 8 }),
    of("phi3", { "rope.dimension_count": 4 }),
    of("qwen2", { "attention.key_length": 8, "rope.dimension_count": 8 }),
    // Heads of two sizes, of which a part is rotated.
    of("deepseek2", {
      ...{ "attention.key_length": 192, "attention.value_length": 128 },
      ...{ "rope.dimension_count": 64 },
    }),
    of("mamba", { "attention.head_count": 0, "rope.dimension_count": 8 }),
  ];
  for (const value of right) assert.equal(await failed(value), 0, JSON.stringify(value));
});

test("tokens on which the tokenizer gives up are reported", async () => {
  const kinds = { "tokenizer.ggml.token_type": Uint32Array.of(1, 6) };
  const bert = (more: Metadata): Metadata => ({
    ...{ "tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": ["a", "b"] },
    ...more,
  });
  const t5 = (more: Metadata): Metadata => bert({ "tokenizer.ggml.model": "t5", ...more });
  const first = { "tokenizer.ggml.bos_token_id": 1 };
  const adds = { "tokenizer.ggml.add_bos_token": true };
  const wrong: Metadata[] = [
    bert({ ...first, ...kinds }),
    // The kinds of tokens may stand before the tokenizer.
    { ...kinds, ...bert(first) },
    bert({}),
    bert({ "tokenizer.ggml.bos_token_id": 2 }),
    t5(adds),
  ];
  for (const value of wrong) assert.equal(await failed(value), 1, JSON.stringify(value));
  const right: Metadata[] = [
    bert(first),
    bert({ "tokenizer.ggml.add_bos_token": false }),
    bert({ "tokenizer.ggml.tokens": Array.from({ length: 102 }, (_, at) => `t${at}`) }),
    t5({}),
    t5({ ...kinds, ...adds, ...first }),
    { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "b"], ...kinds },
  ];
  for (const value of right) assert.equal(await failed(value), 0, JSON.stringify(value));
});

test("values of real models are not", async () => {
  const values: Parameters<typeof file>[0][] = [
    {},
    { "llama.block_count": 126, "llama.context_length": 10_485_760 },
    { "llama.expert_count": 896, "llama.expert_used_count": 8 },
    { "llama.expert_count": 0, "llama.expert_used_count": 0 },
    { "llama.expert_count": 64, "llama.expert_used_count": Uint32Array.of(8, 6, 64) },
    {
      "llama.block_count": 12,
      "llama.posnet.block_count": 6,
      "llama.convnext.block_count": 12,
    },
    {
      ...{ "llama.expert_count": 256, "llama.expert_used_count": 8 },
      ...{ "llama.expert_group_count": 8, "llama.expert_group_used_count": 4 },
    },
    { "llama.block_count": 62, "llama.nextn_predict_layers": 1 },
    { "llama.attention.layer_norm_rms_epsilon": Float32Array.of(1e-5) },
    { "llama.rope.scaling.type": "yarn" },
    { "other.rope.scaling.type": "evil" },
    { "other.block_count": 100_000 },
    { "tokenizer.ggml.model": "none" },
    { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "", "", "b", "\xfe", "\xff"] },
  ];
  for (const value of values) assert.equal(await failed(value), 0, JSON.stringify(value));
});
