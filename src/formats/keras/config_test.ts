import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { kerasConfigFormat } from "./config.ts";
import { kerasMetadataFormat } from "./metadata.ts";
import { decodeBase64 } from "./code.ts";
import { LimitError } from "../../core/errors.ts";
import { run, sampleOf, type Seen } from "../testing/scan.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const scan = (config: unknown, hint = "keras-config") =>
  run(kerasConfigFormat, utf8(typeof config === "string" ? config : JSON.stringify(config)), {
    hint,
  });

/** `lambda x: __import__('os').system('echo hi') or x`, by Python 3.11. */
const CODE =
  "4wEAAAAAAAAAAAAAAAMAAAADAAAA80oAAACXAHQBAAAAAAAAAAAAAGQBpgEAAKsBAAAAAAAAAACgAQAAAAAAAAAAAAAA" +
  "AAAAAAAAAAAAZAKmAQAAqwEAAAAAAAAAAHABfABTACkDTtoCb3N6B2VjaG8gaGkpAtoKX19pbXBvcnRfX9oGc3lzdGVt" +
  "KQHaAXhzAQAAACD6CG1vZGVsLnB5+gg8bGFtYmRhPnIHAAAAAQAAAHMhAAAAgACNapgU0Q4e1A4e1w4l0g4loGnRDjDUDj" +
  "DQDjWwQYAA8wAAAAA=\n";

/** What was stated: references as paths, layers by name with the names in their code. */
function reported({ facts }: Seen): string[] {
  return facts.map(({ fact }) => {
    if (fact.kind === "reference") return `${fact.module}:${fact.name}`;
    if (fact.kind !== "operator") return fact.kind;
    const names = fact.code?.flatMap((one) => one.names).join(",");
    return `${fact.name}${fact.role === undefined ? "" : `/${fact.role}`}${
      names === undefined ? "" : `(${names})`
    }`;
  }).sort();
}

const named = (module: string | null, name: string) => ({
  module,
  class_name: "function",
  config: name,
  registered_name: "function",
});
const lambda = (config: object) => ({ class_name: "Lambda", config: { name: "l", ...config } });
const FOUND = ["Lambda(__import__,system)"];

test("a configuration is known by its keys, in any encoding, or by a hint", () => {
  const text = JSON.stringify({ class_name: "Sequential", config: {} });
  const wide = Uint8Array.from([
    0xff,
    0xfe,
    ...Array.from(text).flatMap((c) => [c.charCodeAt(0), 0]),
  ]);
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8(text))));
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8(`\ufeff \n${text}`))));
  assert.ok(kerasConfigFormat.detect(sampleOf(wide)));
  const escaped = text.replace("class", "cl\\u0061ss").replace("config", "\\u0063onfig");
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8(escaped))));
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8("x"), { hint: "keras-config-h5" })));
  for (const other of ['{"a": 1}', "", '{"class_name": "x"}', `text ${text}`]) {
    assert.ok(!kerasConfigFormat.detect(sampleOf(utf8(other))), other);
  }
});

test("the code of a Lambda is read in every layout", async () => {
  const layouts = [
    lambda({ function: { class_name: "__lambda__", config: { code: CODE, defaults: null } } }),
    lambda({ function: { class_name: "__lambda__", config: { value: [CODE, null, null] } } }),
    {
      class_name: "__lambda__",
      config: { value: { class_name: "__tuple__", items: [CODE, null, null] } },
    },
    lambda({ function: [CODE, null, null], function_type: "lambda" }),
    lambda({ function: CODE, function_type: "lambda" }),
    lambda({ function: { class_name: "__tuple__", items: [CODE] }, function_type: "lambda" }),
    { class_name: "Custom", config: { function: [CODE], function_type: "lambda" } },
    { class_name: "Custom", config: { mask: [CODE], mask_type: "lambda" } },
  ];
  for (const config of layouts) {
    assert.deepEqual(reported(await scan(config)), FOUND, JSON.stringify(config).slice(0, 90));
  }
});

test("evidence names what the code uses, details say where it is and which Python wrote it", async () => {
  const { facts } = await scan(lambda({ function: [CODE], function_type: "lambda" }));
  const [{ fact, offset }] = facts as [typeof facts[0] & object];
  assert.ok(fact.kind === "operator");
  assert.deepEqual(fact.evidence?.map(({ kind, text }) => [kind, text]), [
    ["code", "names: __import__, system"],
    ["text", "os"],
    ["text", "echo hi"],
  ]);
  assert.deepEqual(fact.details, { layer: "l", python: "3.11 to 3.14", file: "model.py" });
  assert.equal(offset, 32);
});

test("base64 is read as Python reads it: letters of no meaning are dropped", async () => {
  const odd = Array.from(CODE).join("-").replaceAll("A", "A\n_");
  assert.deepEqual(reported(await scan(lambda({ function: [odd] }))), FOUND);
  assert.deepEqual(decodeBase64("aGk=b2xk"), utf8("hi"));
  assert.deepEqual(decodeBase64("=a=G=k="), utf8("hi"));
  assert.deepEqual(decodeBase64("aGkh"), utf8("hi!"));
  for (const wrong of ["a", "aGk", "aG=", "é"]) assert.equal(decodeBase64(wrong), undefined, wrong);
});

test("code that is no base64 is taken as it stands, as func_load does", async () => {
  const raw = String.fromCharCode(...(decodeBase64(CODE) ?? []));
  assert.deepEqual(
    reported(await scan(lambda({ function: [raw], function_type: "lambda" }))),
    FOUND,
  );
});

test("code that no Python wrote is still a Lambda, and searched for names", async () => {
  assert.deepEqual(reported(await scan(lambda({ function: ["AAAA"] }))), ["Lambda()"]);
  const cut = CODE.slice(0, 200);
  assert.match(reported(await scan(lambda({ function: [cut] })))[0] ?? "", /__import__/);
});

test("a Lambda in HDF5 is reported as one there", async () => {
  const config = lambda({ function: named("builtins", "mine") });
  assert.ok(reported(await scan(config, "keras-config-h5")).includes("Lambda/h5"));
});

test("classes and functions are reported with their modules, at any nesting", async () => {
  let config: unknown = named("os", "system");
  for (let depth = 0; depth < 2000; depth++) {
    config = { class_name: "Bidirectional", config: { layer: [config] } };
  }
  assert.deepEqual(reported(await scan(config)), ["os:system"]);
  const seen = await scan({
    module: "keras",
    class_name: "Sequential",
    config: { layers: [{ module: null, class_name: "A", registered_name: "p>A", config: {} }] },
    compile_config: { loss: named("subprocess", "run") },
    build_config: { class_name: "__typespec__", module: "os", spec_name: "popen", config: [] },
  });
  assert.deepEqual(reported(seen), [":p>A", "keras:Sequential", "os:popen", "subprocess:run"]);
});

test("equal references are counted, not repeated", async () => {
  const dense = { module: "keras.layers", class_name: "Dense", config: {} };
  const { facts } = await scan([dense, dense, dense]);
  assert.deepEqual(facts.map(({ count }) => count), [3]);
});

test("layers that reach outside are reported with what they reach", async () => {
  const cases: [string, object, string][] = [
    ["TFSMLayer", { filepath: "/tmp/m" }, "TFSMLayer"],
    // `export/export_lib.py` of Keras 2.13 to 2.15 and of tf_keras, which reads it while it is made.
    ["ReloadedLayer", { filepath: "/tmp/m" }, "ReloadedLayer"],
    ["KerasLayer", { handle: "https://example.com/m" }, "KerasLayer"],
    ["StringLookup", { vocabulary: "/etc/passwd" }, "vocabulary"],
    ["TextVectorization", { vocabulary: "/etc/passwd" }, "vocabulary"],
    ["my>IntegerLookup", { vocabulary: "/etc/passwd" }, "vocabulary"],
  ];
  for (const [class_name, config, name] of cases) {
    const seen = await scan({ class_name, config: { name: "x", ...config } });
    const fact = seen.facts.map((one) => one.fact).find((one) => one.kind === "operator");
    assert.equal(fact?.name, name);
    assert.equal(fact?.evidence?.[0]?.text, Object.values(config)[0]);
  }
  const list = { class_name: "StringLookup", config: { vocabulary: ["/etc/passwd"] } };
  assert.deepEqual(reported(await scan(list)), []);
  const op = { class_name: "TFOpLambda", config: { function: "io.write_file" } };
  assert.deepEqual(reported(await scan(op)), ["io.write_file"]);
  const torch = { class_name: "TorchModuleWrapper", config: { module: "gAJOLg==" } };
  const { entries } = await scan(torch);
  assert.deepEqual(entries.map(({ text, hint }) => [text, hint]), [["\x80\x02N.", "pickle"]]);
});

test("every layer that stands for a function of TensorFlow names it", async () => {
  const layers: [string, object, string[]][] = [
    ["SlicingOpLambda", { function: "load_op_library" }, ["load_op_library"]],
    ["pkg>SlicingOpLambda", { function: "load_op_library" }, [
      ":pkg>SlicingOpLambda",
      "load_op_library",
    ]],
    ["ClassMethod", { cls_symbol: "io.write_file", method_name: "__call__" }, ["io.write_file"]],
    ["ClassMethod", { cls_symbol: "RaggedTensor", method_name: "from_row_splits" }, [
      "RaggedTensor",
    ]],
    ["InstanceMethod", { method_name: "to_tensor" }, []],
    ["InstanceMethod", { method_name: "__getattribute__" }, ["reflection"]],
    ["InstanceProperty", { attr_name: "__class__" }, ["reflection"]],
  ];
  for (const [class_name, config, names] of layers) {
    assert.deepEqual(reported(await scan({ class_name, config })), names, class_name);
  }
  const registered = {
    class_name: "Gone",
    registered_name: "TFOpLambda",
    config: { function: "io.write_file" },
  };
  assert.deepEqual(reported(await scan(registered)), ["io.write_file"]);
});

test("a function layer over an export of Keras names what Keras exports", async () => {
  const layer = (name: string) => ({
    class_name: "TFOpLambda",
    config: { function: name },
    inbound_nodes: [["_CONSTANT_VALUE", -1, "x", { origin: "https://example.com/x" }]],
  });
  const cases: [string, string[]][] = [
    ["keras.utils.get_file", ["keras.utils:get_file"]],
    ["compat.v1.keras.models.load_model", ["keras.models:load_model"]],
    ["keras.layers.StringLookup", ["keras.layers:StringLookup", "vocabulary"]],
  ];
  for (const [name, wanted] of cases) {
    const seen = await scan(layer(name));
    assert.deepEqual(reported(seen), wanted);
    const fact = seen.facts.map((one) => one.fact).find((one) => one.kind === "reference");
    assert.equal(fact?.evidence?.[0]?.text, "https://example.com/x");
  }
  // Another export only begins with the word.
  assert.deepEqual(reported(await scan(layer("keras_x"))), ["keras_x"]);
});

test("functions that compute but for one argument play the part of a file by it", async () => {
  const layer = (name: string, given: object) => ({
    class_name: "TFOpLambda",
    config: { function: name },
    inbound_nodes: [["x", 0, 0, given]],
  });
  const cases: [string, object, string][] = [
    ["print", { output_stream: "file:///tmp/x" }, "print/file"],
    ["print", { output_stream: "stderr" }, "print"],
    ["random.fixed_unigram_candidate_sampler", { vocab_file: "/x" }, "/file"],
    ["io.decode_proto", { descriptor_source: "/x" }, "/file"],
    ["io.decode_proto", { descriptor_source: "local://" }, ""],
  ];
  for (const [name, given, wanted] of cases) {
    const [first = ""] = reported(await scan(layer(name, given)));
    assert.ok(first.endsWith(wanted) && (wanted !== "" || !first.endsWith("/file")), first);
  }
});

test("an operator of TensorFlow is handed on as a graph of one node", async () => {
  const nodes: [unknown, string[]][] = [
    [{ name: "x", op: "WriteFile", input: ["a"], attr: { path: { s: "L2V0Yw==" } } }, [
      "WriteFile",
      "/etc",
    ]],
    ["\n\u0001x\u0012\bReadFile", ["ReadFile"]],
    [{ op: "X", attr: { f: { func: { name: "g" } }, l: { list: { s: ["YWJj"] } } } }, ["g", "abc"]],
  ];
  for (const [node_def, words] of nodes) {
    const { entries } = await scan({ class_name: "TensorFlowOpLayer", config: { node_def } });
    for (const word of words) assert.ok(entries[0]?.text.includes(word), word);
  }
  const raw = { class_name: "TFOpLambda", config: { function: "raw_ops.ReadFile" } };
  assert.ok((await scan(raw)).entries[0]?.text.includes("ReadFile"));
});

test("where a module lacks a name, the registered name counts as well", async () => {
  const seen = await scan({ ...named("builtins", "my_activation"), registered_name: "eval" });
  assert.deepEqual(reported(seen), ["builtins:eval", "builtins:my_activation"]);
  const custom = { ...named("mine", "f"), registered_name: "package>f" };
  assert.deepEqual(reported(await scan(custom)), ["mine:f"]);
});

test("a class in the place of a function is constructed with what the file gives", async () => {
  const call = { ...named("keras.layers", "TFSMLayer"), inbound_nodes: [{ args: ["/tmp/m"] }] };
  assert.deepEqual(reported(await scan(call)), ["TFSMLayer", "keras.layers:TFSMLayer"]);
  const lookup = named("keras.layers", "StringLookup");
  assert.deepEqual(reported(await scan(lookup)), ["keras.layers:StringLookup", "vocabulary"]);
});

test("the module of a class that looks like a value is imported, and judged", async () => {
  const object = (name: string, module?: string) => ({ class_name: name, module, config: {} });
  // tf_keras imports the module of a class that it does not know as a value.
  for (const name of ["__x__", "__tuple__", "__builtins__"]) {
    assert.deepEqual(reported(await scan(object(name, "evil"))), [`evil:${name}`]);
  }
  for (const module of [undefined, "", "builtins"]) {
    assert.deepEqual(reported(await scan(object("__tensor__", module))), []);
  }
});

test("files that tokenizers read besides their vocabulary are reported, what a model holds is not", async () => {
  const reads = async (config: object) =>
    reported(await scan({ class_name: "AlbertTokenizer", config })).includes("vocabulary");
  for (const key of ["vocabulary", "merges", "special_tokens", "language_tokens", "proto"]) {
    assert.ok(await reads({ [key]: "/etc/passwd" }), key);
    assert.ok(!await reads({ [key]: null }), key);
  }
  assert.ok(!await reads({ merges: ["a b"], vocabulary: { a: 1 } }));
  const inline = "AAAA".repeat(600);
  assert.ok(!await reads({ proto: inline }));
  for (const path of [`./${"a".repeat(2400)}`, "AAAA".repeat(512), `${inline}A`]) {
    assert.ok(await reads({ proto: path }), path.slice(0, 9));
  }
});

test("paths of feature columns and tokenizers are files that are read", async () => {
  for (const key of ["vocabulary_file", "vocab_file", "ckpt_to_load_from"]) {
    const column = { class_name: "Column", config: { key: "k", [key]: "/etc/passwd" } };
    assert.deepEqual(reported(await scan({ class_name: "X", config: { columns: [column] } })), [
      "vocabulary",
    ]);
    assert.deepEqual(reported(await scan({ class_name: "X", config: { [key]: "" } })), []);
  }
});

test("a pickle in base64 among the texts is looked into", async () => {
  const { entries } = await scan({
    class_name: "DistributionLambda",
    config: { make_distribution_fn: ["gASVBAAAAAAAAABLAS4=", null] },
  });
  assert.deepEqual(entries.map(({ hint }) => hint), ["pickle"]);
});

test("what a function is given is shown with it", async () => {
  const { facts } = await scan(lambda({
    function: named("keras.utils", "get_file"),
    arguments: { origin: "https://example.com/x", fname: "x" },
  }));
  const fact = facts.map((one) => one.fact).find((one) => one.kind === "reference");
  assert.deepEqual(fact?.kind === "reference" && fact.evidence.map(({ text }) => text), [
    "https://example.com/x",
    "x",
  ]);
});

test("a function beside the name of its module is looked up there, whatever field it is for", async () => {
  const seen = await scan(lambda({
    function: "relu",
    function_type: "function",
    output_shape: "system",
    output_shape_type: "function",
    output_shape_module: "os",
  }));
  assert.ok(reported(seen).includes("os:system"));
});

test("equal keys are an anomaly, and all of their values count", async () => {
  const seen = await scan(
    '{"class_name": "function", "module": "os", "module": "keras", "config": "a", "config": "b"}',
  );
  assert.deepEqual(seen.rules, ["keras-config-duplicate-key"]);
  assert.deepEqual(reported(seen), ["keras:a", "keras:b", "os:a", "os:b"]);
});

test("a configuration in a text is looked into, some levels deep", async () => {
  let config: unknown = named("os", "system");
  for (let depth = 0; depth < 3; depth++) config = { inner: JSON.stringify(config) };
  assert.deepEqual(reported(await scan(config)), ["os:system"]);
});

test("text that breaks off is unread, and what came before is reported", async () => {
  const complete = JSON.stringify([lambda({ function: [CODE] }), { a: [1, 2, { b: "c" }] }]);
  for (let length = 0; length < complete.length; length += 7) {
    const seen = await scan(complete.slice(0, length));
    assert.deepEqual([seen.unread, seen.rules], [true, ["keras-config-malformed"]]);
  }
  assert.deepEqual(reported(await scan(complete.slice(0, -5))), FOUND);
  assert.ok((await scan("[".repeat(100_000))).unread);
  assert.ok((await run(kerasConfigFormat, utf8("[1,2,3,4]"), { limits: { values: 3 } })).unread);
});

test("values of odd types in the places of others are no defect", async () => {
  for (const odd of [null, 1, "x", [], {}, [[]], true]) {
    await scan({ class_name: odd, config: odd, module: odd, registered_name: odd });
    await scan(lambda({ function: odd, function_type: odd, arguments: odd, module: odd }));
    await scan({ class_name: "TorchModuleWrapper", config: { module: odd, vocabulary: odd } });
    await scan(odd);
  }
});

test("the metadata of a SavedModel hands on each node's configuration", async () => {
  const path = new URL(
    "../../../testdata/keras/safe/saved_model/keras_metadata.pb",
    import.meta.url,
  );
  const bytes = new Uint8Array(readFileSync(path));
  assert.ok(kerasMetadataFormat.detect(sampleOf(bytes)));
  const { entries, error } = await run(kerasMetadataFormat, bytes);
  assert.equal(error, undefined);
  assert.equal(entries[0]?.part, "root");
  assert.ok(entries.length > 5);
  for (const { text, hint } of entries) {
    assert.equal(hint, "keras-config");
    assert.equal(typeof JSON.parse(text), "object");
  }
});

test("metadata that is cut off anywhere is unread", async () => {
  const path = new URL("../../../testdata/keras/harmful/keras_metadata.pb", import.meta.url);
  const bytes = new Uint8Array(readFileSync(path));
  for (let length = 1; length < bytes.length; length += 11) {
    assert.ok((await run(kerasMetadataFormat, bytes.subarray(0, length))).unread, String(length));
  }
});

test("a module of a package of aliases stands for the one that it holds again", async () => {
  // `keras.saving.load_model` of Keras 3.4.1 and 3.8.0 calls `get_file` by the first of these.
  const aliases: [string, string][] = [
    ["keras._tf_keras.keras.utils", "keras.utils:get_file"],
    ["keras.api._tf_keras.keras.utils", "keras.utils:get_file"],
    ["keras.api.utils", "keras.utils:get_file"],
    ["keras.api._v2.keras.utils", "keras.utils:get_file"],
    ["tf_keras.api._v1.keras.utils", "tf_keras.utils:get_file"],
    ["keras.api", "keras:get_file"],
    ["tensorflow.keras.utils", "keras.utils:get_file"],
    ["tensorflow.keras", "keras:get_file"],
    ["tensorflow.compat.v1.keras.utils", "keras.utils:get_file"],
    ["tensorflow._api.v2.v2.keras.utils", "keras.utils:get_file"],
    ["tensorflow.kerasx", "tensorflow.kerasx:get_file"],
    ["tensorflow.python.keras.utils", "tensorflow.python.keras.utils:get_file"],
    ["keras.apiary", "keras.apiary:get_file"],
    ["keras.utils", "keras.utils:get_file"],
  ];
  for (const [module, found] of aliases) {
    assert.deepEqual(reported(await scan(named(module, "get_file"))), [found], module);
  }
});

test("a file's name that is no literal is unknown, and the last of many equal keys counts", async () => {
  const sampler = (vocabulary: unknown) => ({
    class_name: "TFOpLambda",
    config: { function: "random.fixed_unigram_candidate_sampler" },
    inbound_nodes: [["in", 0, 0, { vocab_file: vocabulary }]],
  });
  const name = "random.fixed_unigram_candidate_sampler";
  for (const harmless of ["", null]) {
    assert.deepEqual(reported(await scan(sampler(harmless))), [name]);
  }
  for (const other of ["/etc/passwd", ["layer", 0, 0], { class_name: "__bytes__" }, 1]) {
    assert.ok(reported(await scan(sampler(other))).includes(`${name}/file`), String(other));
  }
  const keys = ["keras", "keras", "keras", "keras", "keras", "os"];
  const text = `{"class_name": "function", "config": "system", ${
    keys.map((key) => `"module": "${key}"`).join(", ")
  }}`;
  assert.ok(reported(await scan(text)).includes("os:system"));
});

/** As `yaml.dump` of PyYAML 3.13 writes what `to_yaml` of TensorFlow 1.14 gives. */
const YAML = `backend: tensorflow
class_name: Sequential
config:
  layers:
  - class_name: Lambda
    config:
      function: !!python/tuple
      - "${CODE.replaceAll("\n", "\\n")}"
      - null
      - null
      function_type: lambda
      name: l
keras_version: 2.2.4-tf
`;

test("a configuration in YAML is read as the same in JSON", async () => {
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8(YAML))));
  const seen = await run(kerasConfigFormat, utf8(YAML), {});
  assert.deepEqual(reported(seen), FOUND);
  assert.deepEqual(seen.anomalies, []);
  const flow =
    "{class_name: Lambda, config: &c {name: l, function: [AAAA], function_type: lambda}}";
  assert.deepEqual(reported(await run(kerasConfigFormat, utf8(flow), {})), ["Lambda()"]);
});

test("keys of YAML count in every style and encoding", async () => {
  const wide = Uint8Array.from([
    ...[0xff, 0xfe],
    ...Array.from(YAML).flatMap((c) => [c.charCodeAt(0), 0]),
  ]);
  const styles: (string | Uint8Array)[] = [
    YAML.replaceAll("class_name", '"cl\\x61ss_name"'),
    YAML.replaceAll("class_name", '"cl\\U00000061ss_name"'),
    YAML.replaceAll("class_name", "!!str class_name"),
    `%YAML 1.1\n---\n${YAML}`,
    YAML.replaceAll("    config:", "    ? config\n    :"),
    wide,
  ];
  for (const style of styles) {
    const bytes = typeof style === "string" ? utf8(style) : style;
    assert.ok(kerasConfigFormat.detect(sampleOf(bytes)), String(style).slice(0, 60));
    assert.deepEqual(reported(await run(kerasConfigFormat, bytes, {})), FOUND);
  }
  assert.ok(!kerasConfigFormat.detect(sampleOf(utf8("Set the class_name: config: is a map"))));
});

test("what is neither JSON nor YAML is malformed, and YAML where only JSON is read", async () => {
  const broken = await run(kerasConfigFormat, utf8(`${YAML}[`), {});
  assert.deepEqual(reported(broken), FOUND);
  assert.equal(broken.anomalies.length, 1);
  assert.equal((await scan(YAML)).anomalies.length, 1);
});

test("aliases of YAML that repeat themselves are bounded", async () => {
  const lines = ["class_name: A", "config: &c0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
  for (let i = 1; i < 9; i++) {
    lines.push(`k${i}: &c${i} [${Array.from({ length: 10 }, () => `*c${i - 1}`).join(", ")}]`);
  }
  const { error } = await run(kerasConfigFormat, utf8(lines.join("\n")), {});
  assert.ok(error instanceof LimitError);
});

test("Python with lines that begin with the keys is no configuration that was cut short", async () => {
  const python =
    '"""\nCommands\n"""\n\nclass Info:\n    class_name: str\n    config: dict\n\nINFO = {\n    "a": Info(1)}\n';
  const malformed = async (name: string): Promise<boolean> => {
    const { anomalies } = await run(kerasConfigFormat, utf8(python), { name });
    return anomalies.some(({ rule }) => rule === "keras-config-malformed");
  };
  assert.ok(kerasConfigFormat.detect(sampleOf(utf8(python))));
  assert.ok(!await malformed("commands.py"));
  assert.ok(await malformed("commands.yaml"));
  assert.ok(await malformed("commands"));
});
