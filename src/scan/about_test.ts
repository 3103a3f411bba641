import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelAbout } from "../core/about.ts";
import { loadRules } from "../rules/rules.ts";
import { scanMany } from "./scan_inputs.ts";

const rules = loadRules();

/** What each file of a folder says, by its name. */
async function aboutOf(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<Record<string, ModelAbout | undefined>> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-about-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const report = await scanMany([folder], { rules });
    return Object.fromEntries(
      report.files.map(({ path, about }) => [path.slice(folder.length + 1), about]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function safetensors(header: Readonly<Record<string, unknown>>, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

test("safetensors says how many numbers of which type it has", async () => {
  const tensor = (dtype: string, shape: readonly number[], begin: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const { "m.safetensors": about } = await aboutOf({
    "m.safetensors": safetensors({
      __metadata__: { "modelspec.title": "Tiny", "modelspec.license": "MIT", other: "x" },
      a: tensor("F32", [2, 3], 0, 24),
      b: tensor("BF16", [10], 24, 44),
      scalar: tensor("F32", [], 44, 48),
    }, 48),
  });
  assert.deepEqual(about, {
    parameters: 17,
    types: { BF16: 10, F32: 7 },
    name: "Tiny",
    licenses: ["MIT"],
  });
});

test("where one shape is none, nothing is said of the number of parameters", async () => {
  const { "m.safetensors": about } = await aboutOf({
    "m.safetensors": safetensors({
      a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      b: { dtype: "F32", shape: [-1], data_offsets: [4, 8] },
    }, 8),
  });
  assert.equal(about, undefined);
});

test("GGUF says its name, family, parameters and quantisation", async () => {
  const path = new URL("../../testdata/gguf/safe/quantized.gguf", import.meta.url);
  const { "q.gguf": about } = await aboutOf({ "q.gguf": new Uint8Array(readFileSync(path)) });
  assert.deepEqual(about, {
    parameters: 389,
    types: { F32: 128, Q4_0: 128, Q8_0: 128, F16: 5 },
    name: "tiny",
    family: "llama",
    quantization: "Q4_0",
  });
});

test("configurations and the card say architecture, task, licence, base model and data", async () => {
  const config = {
    architectures: ["LlamaForCausalLM", "Other"],
    model_type: "llama",
    torch_dtype: "torch.bfloat16",
    quantization_config: { quant_method: "gptq", bits: 4 },
  };
  const adapter = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: "org/base",
  };
  const card = "---\nlicense: other\nlicense_name: llama3.1\nbase_model:\n- org/a\n- org/b\n" +
    "datasets: org/data\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Card\n";
  const about = await aboutOf({
    "config.json": JSON.stringify(config),
    "other.json": JSON.stringify(config),
    "lora/adapter_config.json": JSON.stringify(adapter),
    "README.md": card,
    "docs/README.md": "# nothing\n---\nlicense: mit\n---\n",
  });
  assert.deepEqual(about, {
    "README.md": {
      task: "text-generation",
      library: "transformers",
      licenses: ["llama3.1"],
      baseModels: ["org/a", "org/b"],
      datasets: ["org/data"],
    },
    "config.json": {
      architecture: "LlamaForCausalLM",
      family: "llama",
      dtype: "bfloat16",
      quantization: "gptq, 4 bits",
    },
    "docs/README.md": undefined,
    "lora/adapter_config.json": {
      task: "CAUSAL_LM",
      library: "peft",
      baseModels: ["org/base"],
    },
    "other.json": undefined,
  });
});

test("what is said is bounded, and a card that is no YAML says nothing", async () => {
  const many = Array.from({ length: 5000 }, (_, at) => `- org/${at}`).join("\n");
  const about = await aboutOf({
    "a/README.md": `---\nlicense: ${"x".repeat(5000)}\ndatasets:\n${many.slice(0, 4000)}\n---\n`,
    "b/README.md": "---\nlicense: [mit\n---\n",
    "c/README.md": "---\n- license\n---\n",
  });
  assert.equal(about["a/README.md"]?.licenses?.[0]?.length, 300);
  assert.equal(about["a/README.md"]?.datasets?.length, 100);
  assert.equal(about["b/README.md"], undefined);
  assert.equal(about["c/README.md"], undefined);
});
