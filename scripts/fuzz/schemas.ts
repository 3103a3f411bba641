/**
 * Schemas of skops files, Keras and hub configurations whose JSON is read by Python: trees of nodes with
 * the kinds that loaders know, keys twice, in any encoding. Python's findings in them
 * come from `reference.py`.
 *
 * @module
 */

import { buildZip } from "../../src/formats/testing/zip.ts";
import { HARMFUL_PICKLES, HARMLESS_PICKLE } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";
import { type Json, jsonText, type Members, object } from "./json_texts.ts";

/** `NODE_TYPE_MAPPING` of skops, older and newer, and what is in no mapping. */
const LOADERS = [
  ...["ObjectNode", "DictNode", "ListNode", "TupleNode", "SetNode", "JsonNode", "BytesNode"],
  ...["FunctionNode", "TypeNode", "PartialNode", "MethodNode", "OperatorFuncNode", "LossNode"],
  ...["NdArrayNode", "ConstructorFromReduceNode", "TreeNode", "SliceNode", "CachedNode"],
  ...["DefaultDictNode", "RandomStateNode", "UnknownNode", "", "objectnode"],
];
const NAMES: readonly (readonly [module: string, name: string])[] = [
  ["builtins", "list"],
  ["builtins", "dict"],
  ["sklearn.linear_model._logistic", "LogisticRegression"],
  ["numpy", "ndarray"],
  ["operator", "attrgetter"],
  ["operator", "methodcaller"],
  ["functools", "partial"],
  ["_loss", "CyHalfBinomialLoss"],
  ["collections", "OrderedDict"],
  ["os", "system"],
  ["builtins", "eval"],
  ["subprocess", "Popen"],
  ["", "x"],
  ["a b", "c"],
];
const HARMFUL = ["os", "builtins", "subprocess"];
const DEPTH = 5;

function skopsNode(dice: Dice, depth: number): Json {
  if (depth > DEPTH || dice.chance(1, 8)) {
    return dice.pick<Json>(["x", 1, null, true, [], object()]);
  }
  const [module, name] = dice.pick(NAMES);
  const loader = dice.pick(LOADERS);
  const child = () => skopsNode(dice, depth + 1);
  const members: [string, Json][] = [
    ["__class__", dice.chance(1, 30) ? dice.pick<Json>([null, 1, ["x"]]) : name],
    ["__module__", module],
    ["__loader__", loader],
    ["__id__", dice.below(4)],
    ["content", content(dice, loader, child)],
  ];
  if (loader === "OperatorFuncNode") members.push(["attrs", tuple(child())]);
  if (loader === "ConstructorFromReduceNode") {
    members.push(["__reduce__", object(["args", child()])]);
  }
  if (dice.chance(1, 8)) {
    const [otherModule, otherName] = dice.pick(NAMES);
    members.push(dice.pick<[string, Json]>([
      ["__class__", otherName],
      ["__module__", otherModule],
      ["__loader__", dice.pick(LOADERS)],
    ]));
  }
  if (dice.chance(1, 6)) members.reverse();
  if (dice.chance(1, 20)) members.splice(dice.below(members.length), 1);
  return { members };
}

function content(dice: Dice, loader: string, child: () => Json): Json {
  const children = () => Array.from({ length: dice.below(4) }, child);
  switch (loader) {
    case "ListNode":
    case "TupleNode":
    case "SetNode":
      return children();
    case "JsonNode":
      return dice.pick(["1", '"x"', "null", "{"]);
    case "PartialNode":
      return object(["func", child()], ["args", child()], ["kwds", child()]);
    case "MethodNode":
      return object(["func", dice.pick(["predict", "__globals__", "x"])], ["obj", child()]);
    case "FunctionNode": {
      const [module, name] = dice.pick(NAMES);
      return dice.chance(1, 2) ? name : object(["module_path", module], ["function", name]);
    }
    case "BytesNode":
    case "NdArrayNode":
      return dice.chance(1, 2) ? children() : "0.npy";
    default:
      return dice.chance(1, 2) ? child() : object(["a", child()], ["b", child()]);
  }
}

function tuple(...items: readonly Json[]): Members {
  return object(
    ["__class__", "tuple"],
    ["__module__", "builtins"],
    ["__loader__", "TupleNode"],
    ["content", items],
  );
}

/** A skops file, or a zip that only its loader knows to be one. */
export function skopsFile(dice: Dice): Generated {
  const schema = jsonText(skopsNode(dice, 0), dice).bytes;
  const members = [{ name: "schema.json", data: schema, deflate: dice.chance(1, 2) }];
  if (dice.chance(1, 3)) {
    const data = dice.pick([...HARMFUL_PICKLES, HARMLESS_PICKLE]);
    members.unshift({ name: "0.npy", data, deflate: false });
  }
  if (dice.chance(1, 10)) {
    members.push(
      {
        ...members[0],
        name: "schema.json",
        data: jsonText(skopsNode(dice, 0), dice).bytes,
      } as typeof members[number],
    );
  }
  return { name: dice.pick(["m.skops", "m.skops", "m.zip", "noname"]), bytes: buildZip(members) };
}

/** A layer, or anything else that Keras builds: with and without a module, functions, nested ones. */
function layer(dice: Dice, depth: number): Json {
  if (depth > DEPTH || dice.chance(1, 6)) return dice.pick<Json>(["relu", 1, null, [], object()]);
  const [module, name] = dice.chance(1, 2)
    ? dice.pick([["keras.layers", "Dense"], ["keras", "Sequential"], [
      "keras.layers",
      "Activation",
    ]])
    : dice.pick(NAMES);
  const child = () => layer(dice, depth + 1);
  const inner = dice.pick<() => Json>([
    child,
    () => object(["layers", Array.from({ length: dice.below(4) }, child)]),
    () => object(["activation", child()], ["units", 4], ["kernel_initializer", child()]),
    () => name ?? "",
  ]);
  const members: [string, Json][] = [["class_name", name ?? ""], ["config", inner()]];
  if (dice.chance(2, 3)) members.unshift(["module", module ?? ""]);
  if (dice.chance(1, 3)) {
    members.push(["registered_name", dice.pick<Json>([null, name ?? "", "a>B"])]);
  }
  if (dice.chance(1, 8)) {
    members.push(dice.pick<[string, Json]>([["module", "os"], ["class_name", "Dense"]]));
  }
  return { members };
}

/** A Keras model in JSON, by itself or in its archive. */
export function kerasModel(dice: Dice): Generated {
  const root = object(
    ["module", "keras"],
    ["class_name", "Sequential"],
    ["config", object(["name", "m"], ["layers", [layer(dice, 1), layer(dice, 1)]])],
  );
  const { bytes } = jsonText(root, dice);
  if (dice.chance(1, 3)) return { name: dice.pick(["model.json", "config.json", "noname"]), bytes };
  const metadata = { name: "metadata.json", data: '{"keras_version": "3.0.0"}' };
  return { name: "m.keras", bytes: buildZip([metadata, { name: "config.json", data: bytes }]) };
}

/** What a repository's configuration may name to be run, at the place where it counts. */
export function hubConfiguration(dice: Dice): Generated {
  const other = (): [string, Json] =>
    dice.pick<[string, Json]>([
      ["model_type", "llama"],
      ["architectures", ["XModel"]],
      ["quantization_config", object(["bits", 4], ["auto_map", "x"])],
      ["auto_map", object()],
      ["auto_map", object(["AutoModel", "modeling_x.XModel"])],
      ["auto_map", object(["AutoTokenizer", [null, "org/repo--tokenization_x.XTokenizer"]])],
      ["trust_remote_code", true],
      ["custom_pipelines", object(["a", object(["impl", "pipeline_x.XPipeline"])])],
      [dice.pick(HARMFUL), object(["_target_", "os.system"])],
    ]);
  const members = Array.from({ length: 1 + dice.below(5) }, other);
  const name = dice.pick(["config.json", "tokenizer_config.json", "processor_config.json"]);
  return { name, bytes: jsonText({ members }, dice).bytes };
}
