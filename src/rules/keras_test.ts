import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "../core/types.ts";
import { loadRules } from "./rules.ts";

const rules = loadRules({ strict: true });
const location = { path: "m.keras", parts: [] };

function judged(fact: Fact) {
  const [finding] = rules.judge([{ type: "fact", fact, count: 1, offset: 0 }], location);
  assert.ok(finding !== undefined);
  return finding;
}

const reference = (path: string) => {
  const dot = path.lastIndexOf(".");
  const [module, name] = [path.slice(0, Math.max(0, dot)), path.slice(dot + 1)];
  const common = { language: "keras", expression: path, evidence: [] } as const;
  const { severity, safety, ruleId } = judged({ kind: "reference", module, name, ...common });
  return `${severity} ${safety} ${ruleId}`;
};

const code = (...names: string[]) =>
  judged({
    kind: "operator",
    language: "keras",
    name: "Lambda",
    expression: "a Lambda layer",
    code: [{ names, strings: [] }],
  });

test("what a configuration names gets the worse verdict of Python's tables and Keras' own", () => {
  const cases: readonly (readonly [path: string, verdict: string])[] = [
    ["os.system", "critical dangerous keras-dangerous-reference"],
    ["builtins.eval", "critical dangerous keras-dangerous-reference"],
    ["builtins.__import__", "critical dangerous keras-dangerous-reference"],
    ["shutil.rmtree", "high dangerous keras-dangerous-reference"],
    ["builtins.setattr", "high suspicious keras-dangerous-reference"],
    ["keras.src.os.system", "critical dangerous keras-dangerous-reference"],
    ["keras.utils.get_file", "critical dangerous keras-gadget"],
    ["tf_keras.models.load_model", "critical dangerous keras-gadget"],
    ["tensorflow.io.write_file", "high dangerous keras-dangerous-reference"],
    ["keras.utils.save_img", "high dangerous keras-file-function"],
    ["mylib.Thing", "medium suspicious keras-unknown-module"],
    // Keras before 3.9 reads the file that `descriptor_source` names.
    [
      "tensorflow.python.ops.gen_decode_proto_ops.decode_proto_v2",
      "medium suspicious keras-unknown-module",
    ],
    ["tensorflow.python.ops.nn_ops.leaky_relu", "info innocuous keras-tensorflow-function"],
    ["keras.layers.Dense", "info innocuous keras-own-object"],
    ["keras.src.models.functional.Functional", "info innocuous keras-own-object"],
    ["keras_hub.src.models.bert.bert_backbone.BertBackbone", "info innocuous keras-own-object"],
    // Modules of Keras that no model is made of, and what modules of layers only import.
    ["keras.src.callbacks.csv_logger.CSVLogger", "medium suspicious keras-helper"],
    ["keras.src.unheard_of.Thing", "medium suspicious keras-helper"],
    ["keras.src.optimizers.adam.register_keras_serializable", "medium suspicious keras-helper"],
    // Names that no release has, in modules of layers and functions.
    ["keras.layers.UnheardOf", "medium suspicious keras-helper"],
    ["keras.src.ops.numpy.unheard_of", "medium suspicious keras-helper"],
    ["tensorflow.python.keras.layers.core.UnheardOf", "medium suspicious keras-helper"],
    ["keras.layers.deserialize", "medium suspicious keras-other-name"],
    // Modules of old releases and of companions.
    ["keras.layers.convolutional.Conv2D", "info innocuous keras-own-object"],
    ["tf_keras.src.layers.core.dense.Dense", "info innocuous keras-own-object"],
    [
      "tensorflow_addons.layers.normalizations.GroupNormalization",
      "info innocuous keras-own-object",
    ],
    ["qkeras.qlayers.QDense", "info innocuous keras-own-object"],
    [
      "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper.PruneLowMagnitude",
      "info innocuous keras-own-object",
    ],
    ["builtins.relu", "info innocuous keras-custom-function"],
    ["builtins.exit", "high suspicious keras-console-function"],
    ["__main__.Mine", "info innocuous keras-custom-function"],
    ["Mine", "info innocuous keras-custom-object"],
    ["collections.OrderedDict", "info innocuous pickle-known-harmless"],
  ];
  for (const [path, verdict] of cases) assert.equal(reference(path), verdict, path);
});

test("code is judged by the dangerous names in it, which the finding gives", () => {
  const cases: readonly (readonly [names: string[], wanted: string[]])[] = [
    [["__import__", "system"], ["__import__"]],
    [["os", "system"], ["os.system"]],
    [["tf", "py_function"], ["py_function"]],
    [["x", "__globals__"], ["__globals__"]],
    [["code", "interact"], ["code.interact"]],
    [["subprocess"], ["subprocess"]],
  ];
  for (const [names, wanted] of cases) {
    const finding = code(...names);
    assert.equal(finding.ruleId, "keras-lambda-harmful", names.join());
    assert.equal(finding.safety, "dangerous");
    for (const name of wanted) {
      assert.ok(finding.message.includes(name), finding.message);
      assert.ok((finding.details["names"] as string[]).includes(name), name);
    }
  }
  assert.equal(code("os", "system").severity, "critical");
  assert.equal(code("tf", "io", "read_file").severity, "high");
});

test("code over names of every day is a plain Lambda", () => {
  const names = "tf math reduce_sum K image signal stft linalg trace code test backend shape";
  for (const each of [names.split(" "), ["trace", "signal"], ["code"], []]) {
    assert.equal(code(...each).ruleId, "keras-lambda", each.join());
  }
});

test("texts are names where the code looks things up by text, and only there", () => {
  const byText = (names: string[], strings: string[]) =>
    judged({
      kind: "operator",
      language: "keras",
      name: "Lambda",
      expression: "a Lambda layer",
      code: [{ names, strings }],
    }).ruleId;
  assert.equal(byText(["globals"], ["__builtins__", "eval", "1 + 1"]), "keras-lambda-harmful");
  assert.equal(byText(["getattr", "tf"], ["py_function"]), "keras-lambda-harmful");
  assert.equal(byText(["getattr", "tf"], ["reduce_sum", "a sentence about os"]), "keras-lambda");
  assert.equal(byText(["tf", "reduce_sum"], ["eval", "os"]), "keras-lambda");
});

test("harmless code does not speak for harmful code of a layer with the same name", () => {
  const facts = [["tf", "reduce_sum"], ["os", "system"]].map((names) => ({
    type: "fact" as const,
    fact: {
      kind: "operator" as const,
      language: "keras",
      name: "Lambda",
      expression: "a Lambda layer",
      code: [{ names, strings: [] }],
    },
    count: 1,
    offset: 0,
  }));
  assert.deepEqual(rules.judge(facts, location).map(({ ruleId }) => ruleId).sort(), [
    "keras-lambda",
    "keras-lambda-harmful",
  ]);
});
