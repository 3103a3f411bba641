import assert from "node:assert/strict";
import { test } from "node:test";
import { modelConfigFormat } from "./mod.ts";
import { loadRules } from "../../rules/rules.ts";
import { assertLinear } from "../../parsers/testing/growth.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";
import { run, sampleOf, type Seen } from "../testing/scan.ts";

import { SAMPLE_BYTES } from "../../core/format.ts";

const encoder = new TextEncoder();
const { interest } = loadRules();

function scan(value: unknown, name = "config.json"): Promise<Seen> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return run(modelConfigFormat, encoder.encode(text), { name, interest });
}

/** Names of operators, and paths of references. */
function named({ facts }: Seen): string[] {
  return facts.map(({ fact }) =>
    fact.kind === "operator"
      ? fact.name
      : fact.kind === "reference"
      ? `${fact.language} ${fact.module}.${fact.name}`
      : ""
  );
}

test("a configuration is known by its name or its keys, and never by its name alone", () => {
  const detect = (text: string, name: string, hint?: string) =>
    modelConfigFormat.detect(
      sampleOf(encoder.encode(text), { name, ...(hint && { hint }) }),
      interest,
    );
  for (const name of ["config.json", "tokenizer_config.json", "model.safetensors.index.json"]) {
    assert.equal(detect("{}", name), true, name);
    assert.equal(detect("hello", name), false, name);
  }
  assert.equal(detect('{"auto_map": {}}', "anything.json"), true);
  assert.equal(detect('{"\\u0061uto\\u005Fmap": {}}', "anything.json"), true);
  assert.equal(detect('{"a": 1}', "anything.json"), false);
  assert.equal(detect("{}", "config.json", "keras-config"), false);
  assert.equal(detect("a:\n  _target_: x.y\n", "a.yaml"), true);
  assert.equal(detect("a: 1\n", "a.yaml"), false);
});

test("a target behind more text than is sampled is found, in YAML of any length", async () => {
  const text = `${"# padding\n".repeat(20_000)}model:\n  _target_: os.system\n`;
  const bytes = encoder.encode(text);
  const name = "model_config.yaml";
  assert.equal(modelConfigFormat.detect(sampleOf(bytes, { name })), true);
  assert.deepEqual(named(await run(modelConfigFormat, bytes, { name, interest })), [
    "hydra os.system",
  ]);
});

test("a configuration of Keras that its beginning does not show is handed on", async () => {
  const model = '{"class_name": "Lambda", "config": {}}';
  const far = `{"a": ${JSON.stringify("x".repeat(SAMPLE_BYTES))}, ${model.slice(1)}`;
  const alias = "k: [&a class_name, &b config]\n*a : Lambda\n*b : {}\n";
  const texts: (readonly [name: string, text: string, expected: number])[] = [
    ["m.json", far, 1],
    ["m.json", `${" ".repeat(SAMPLE_BYTES)}${model}`, 1],
    ["m.yaml", alias, 1],
    ["m.yaml", `${"#\n".repeat(SAMPLE_BYTES)}class_name: Lambda\nconfig: {}\n`, 1],
    // The reader of Keras' configurations sees these by itself.
    ["config.json", model, 0],
    ["config.yaml", "class_name: Lambda\nconfig: {}\n", 0],
    ["config.yaml", "class_names: Lambda\nconfig: {}\n", 0],
  ];
  for (const [name, text, expected] of texts) {
    const bytes = encoder.encode(text);
    if (expected > 0) assert.ok(modelConfigFormat.detect(sampleOf(bytes, { name }), interest));
    const { entries } = await run(modelConfigFormat, bytes, { name, interest });
    assert.equal(entries.length, expected, text.slice(0, 60));
    for (const entry of entries) {
      assert.equal(entry.hint, "keras-config-text");
      assert.equal(entry.text, text);
    }
  }
});

test("templates are handed on from wherever they lie", async () => {
  const seen = await scan({
    chat_template: "{{ a }}",
    nested: { chat_template: [{ name: "x", template: "{% b %}" }] },
    other: "{{ c }}",
    plain: "no template here",
  }, "tokenizer_config.json");
  assert.deepEqual(seen.entries.map(({ part, text }) => [part, text]).sort(), [
    ["chat_template", "{{ a }}"],
    ["nested.chat_template[0].template", "{% b %}"],
    ["other", "{{ c }}"],
  ]);
});

test("kernels of other repositories are reported, plain ways of computing attention are not", async () => {
  for (const value of ["eager", "sdpa", "flash_attention_2", null, { text: "sdpa" }]) {
    assert.deepEqual(named(await scan({ _attn_implementation_internal: value })), []);
  }
  assert.deepEqual(named(await scan({ a: [{ attn_implementation: "x/y" }] })), ["kernel.foreign"]);
  assert.deepEqual(named(await scan({ _attn_implementation: "paged|kernels-community/y" })), [
    "kernel.community",
  ]);
});

test("code of repositories is reported, and trust that a file gives itself", async () => {
  assert.deepEqual(named(await scan({ auto_map: { AutoModel: "m.C" } })), ["code.own"]);
  assert.deepEqual(named(await scan({ auto_map: { AutoTokenizer: ["t.T", null] } })), ["code.own"]);
  assert.deepEqual(named(await scan({ auto_map: { A: "o/r--m.C" } })), ["code.foreign"]);
  assert.deepEqual(named(await scan({ a: { trust_remote_code: true } })), ["trust.set"]);
  assert.deepEqual(named(await scan({ a: { trust_remote_code: false } })), []);
  assert.deepEqual(named(await scan({ trust_remote_code: true, a: { auto_map: { A: "m.C" } } })), [
    "trust.reached",
    "code.own",
  ]);
  assert.deepEqual(named(await scan({ custom_pipelines: { t: { impl: "p.P", pt: ["a.B"] } } })), [
    "code.own",
  ]);
});

test("modules that libraries import are references", async () => {
  assert.deepEqual(
    named(await scan({ auto_mapping: { base_model_class: "C", parent_library: "a.b" } })),
    ["config a.b.C"],
  );
  assert.deepEqual(
    named(
      await scan({ _class_name: "P", unet: ["lib", "U"], x: [null, null] }, "model_index.json"),
    ),
    ["config lib.U"],
  );
  assert.deepEqual(named(await scan([{ type: "a.b.C" }], "modules.json")), ["config a.b.C"]);
  assert.deepEqual(named(await scan({ m: [{ _target_: "os.system" }] })), ["hydra os.system"]);
});

test("shards that lead out are reported", async () => {
  const map = { a: "ok.safetensors", b: "../x", c: "/x", d: "C:\\x", e: "a/../../x" };
  assert.deepEqual(
    named(await scan({ weight_map: map }, "m.index.json")),
    Array(4).fill("shard.outside"),
  );
});

test("what another name of the same object hides counts, and what stands before an error", async () => {
  assert.deepEqual(
    named(await scan('{"_attn_implementation": "a/b", "_attn_implementation": "x"}')),
    [
      "kernel.foreign",
    ],
  );
  const broken = await scan('{"_attn_implementation": "a/b", ');
  assert.deepEqual(named(broken), ["kernel.foreign"]);
  assert.deepEqual(broken.rules, ["config-malformed"]);
  assert.equal(broken.unread, true);
});

test("hostile configurations take linear time", LARGE_INPUT, async () => {
  const json: readonly (readonly [(count: number) => string, number])[] = [
    [(count) => '{"a":'.repeat(count), 50_000],
    [(count) => "[".repeat(count), 50_000],
    [(count) => `{"weight_map": {${'"a": "../b",'.repeat(count)}"x": 1}}`, 12_000],
    [(count) => `{${'"auto_map": {"a": "b.c"},'.repeat(count)}"x": 1}`, 5000],
  ];
  for (const [input, count] of json) await assertLinear(input, (text) => scan(text), count);
  const yaml: readonly (readonly [(count: number) => string, number])[] = [
    [(count) => '_target_: "\n'.repeat(count), 12_000],
    [(count) => "_target_: *a\n".repeat(count), 12_000],
    [(count) => `_target_: ${"&a ".repeat(count)}`, 12_000],
    [(count) => "!".repeat(count), 100_000],
    [(count) => "!!%70".repeat(count), 50_000],
    [(count) => "!!python/".repeat(count), 25_000],
    [(count) => `%TAG ! tag:yaml.org,2002:\n${"!!".repeat(count)}`, 20_000],
    [(count) => "{".repeat(count), 50_000],
    [(count) => "- ".repeat(count), 50_000],
    [(count) => "? ".repeat(count), 50_000],
    [(count) => "[a, {".repeat(count), 25_000],
    [(count) => "|\n ".repeat(count), 50_000],
    [(count) => `"\\\n`.repeat(count), 25_000],
    [(count) => "'a\n".repeat(count), 25_000],
    [(count) => "a: {{ b }}\n".repeat(count), 8000],
    [(count) => `${"&a x\n".repeat(count / 10)}${"*a : *a\n".repeat(count)}`, 12_000],
    [(count) => "!!python/name:".repeat(count), 12_000],
    [(count) => `"${"\\".repeat(count)}`, 100_000],
  ];
  for (const [input, count] of yaml) {
    await assertLinear(input, (text) => scan(text, "config.yaml"), count);
  }
});

test("a template is found however deep it lies, and its place is reported in so many characters", async () => {
  const text = `${'{"template_of":'.repeat(20_000)}["{{ cycler.__init__ }}"]${"}".repeat(20_000)}`;
  const { entries } = await scan(text);
  assert.equal(entries.length, 1);
  assert.ok((entries[0]?.part.length ?? Infinity) < 1100, `${entries[0]?.part.length} characters`);
});

test(
  "a name behind thousands of others is reported, or what is read is not all",
  LARGE_INPUT,
  async () => {
    const name = "config.yaml";
    const scanYaml = (text: string) =>
      run(modelConfigFormat, encoder.encode(text), { name, interest });
    const equal = `${"- _target_: torch.nn.Linear\n".repeat(3000)}- _target_: os.system\n`;
    assert.deepEqual(named(await scanYaml(equal)), ["hydra torch.nn.Linear", "hydra os.system"]);
    const others = Array.from({ length: 3000 }, (_, at) => `- _target_: a.B${at}\n`).join("");
    assert.equal((await scanYaml(`${others}- _target_: os.system\n`)).unread, true);
    const tags = `${"- !!python/name:a.b\n".repeat(30_000)}- !!python/name:os.system\n`;
    assert.equal((await scanYaml(tags)).unread, true);
  },
);

test("what only looks like a template of Go's is a chat's all the same", async () => {
  const hidden = "{{ ()|attr('\\x5f\\x5fclass\\x5f\\x5f') }}";
  const entries = async (text: string) =>
    (await run(modelConfigFormat, encoder.encode(`chat_template: |-\n  ${text}\n`), {
      name: "config.yaml",
    })).entries.length;
  assert.equal(await entries(`{{ end }}${hidden}`), 1);
  assert.equal(await entries(`{{ "}}{{ .x" }}${hidden}`), 1);
  assert.equal(await entries("{{ .System }}{{ end }}"), 0);
});

test("a list of more texts than are taken, or too deep, makes the file incomplete", async () => {
  const listed = (texts: unknown) => scan({ auto_map: { AutoModel: texts } });
  assert.notEqual((await listed(Array.from({ length: 900 }, () => "m.A"))).unread, true);
  const many = await listed([...Array.from({ length: 1000 }, () => "m.A"), "hidden.B"]);
  assert.equal(many.unread, true);
  assert.equal((await listed([[[[["hidden.B"]]]]])).unread, true);
  assert.notEqual((await listed([[[[[1, 2]]]]])).unread, true);
});

test(
  "Python of one file is read within a budget, and what is left out is said",
  LARGE_INPUT,
  async () => {
    const long = `system(x) or ${"f(x) or ".repeat(400)}`;
    const bundle = (count: number) =>
      scan({ imports: Array.from({ length: count }, (_, at) => `$${long}a${at}`) }, "train.json");
    assert.notEqual((await bundle(3)).unread, true);
    assert.equal((await bundle(700)).unread, true);
  },
);

test("the deadline is looked at while a configuration's Python is read", async () => {
  const long = `system(x) or ${"f(x) or ".repeat(400)}`;
  const checks = async (mark: string): Promise<number> => {
    let count = 0;
    const text = JSON.stringify({ imports: [`${mark}${long.repeat(20)}a`] });
    await run(modelConfigFormat, encoder.encode(text), {
      ...{ name: "train.json", interest },
      checkDeadline: () => {
        count++;
      },
    });
    return count;
  };
  // MONAI evaluates what a `$` begins, and nothing else.
  assert.ok(await checks("$") > await checks("?") + 3);
});

test("what a configuration evaluates without brackets is found", async () => {
  const download = "import os\n@os.system\n@'echo x'.format\nclass X: pass\n";
  const yaml = JSON.stringify({ train: "a", names: ["b"], download });
  assert.deepEqual(named(await scan(yaml, "data.yaml")), ["python-config os.system"]);
});

test("names and calls of what runs code are found at any key, in every form in which loaders write them", async () => {
  const operators = async (value: unknown) => named(await scan({ model_type: "x", hook: value }));
  for (
    const value of [
      ...["os.system", " os.system\n", "os:system", "ext://os.system", "os.path.os.system"],
      ...["__builtins__.eval", "importlib.import_module", "torch.os.system"],
    ]
  ) assert.deepEqual(await operators(value), ["text.callable"], value);
  for (
    const value of [
      ...[
        "__import__('os').system('echo x')",
        "getattr(os, 'system')('echo x')",
        "os . system('x')",
      ],
      ...["lambda: os.system('echo x')", "import os\n@os.system\n@'echo x'.format\nclass A: pass"],
    ]
  ) assert.deepEqual(await operators(value), ["text.python"], value);
  for (
    const value of [
      ...["os.path.join", "torch.nn.Linear", "a:b", "http://os.system/", "see os.system", "16:9"],
      ...["lambda x: x + 1", "getattr(os, 'sep')", "f(x) or g(y)", "12:30:45", "system:run"],
      ...["os.version", "os:linux", "subprocess.timeout", "importlib.metadata"],
    ]
  ) assert.deepEqual(await operators(value), [], value);
});

test("what MMEngine puts into a text before it parses it is read", async () => {
  const yaml = (text: string, name: string) => scan(text, name).then(named);
  const type = "model: {type: '{{$UNSET:os.system}}', command: echo x}\n";
  assert.deepEqual(await yaml(type, "config.yaml"), ["loader os.system"]);
  const own = "model: {type: '{{ fileBasenameNoExtension }}.system'}\n";
  assert.deepEqual(await yaml(own, "os.yaml"), ["loader os.system"]);
  assert.deepEqual(await yaml("root: '{{$DATA:/data}}/a'\n", "config.yaml"), []);
});

test("base64 is unpickled as Python decodes it: foreign characters dropped, up to the padding", async () => {
  const entries = async (text: string) =>
    (await scan({ policy_class: { ":serialized:": text } }, "config.json")).entries.map((entry) =>
      entry.text
    );
  const plain = await entries("gASVBQAAAAAAAABLAS4=");
  assert.equal(plain.length, 1);
  for (
    const spelt of ["g~A*S-V BQAAAAAAAABLAS4=", "=gASVBQAAAAAAAABLAS4=", "gASVBQAAAAAAAABLAS4==xx"]
  ) {
    assert.deepEqual(await entries(spelt), plain, spelt);
  }
  // binascii.Error: Incorrect padding.
  assert.deepEqual(await entries("gASVBQAAAAAAAABLAS4"), []);
});
