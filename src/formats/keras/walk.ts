/**
 * Walks a Keras configuration and states what it names: classes and functions, layers that bring
 * code or reach outside the file. No recursion: the nesting of the text is its author's choice.
 *
 * @module
 */

import { endOf } from "../../parsers/ends.ts";
import { HINT } from "../../core/hints.ts";
import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Evidence, Fact, Observation } from "../../core/types.ts";
import { codeTexts, decodeBase64, kindOf, piece, readKerasCode } from "./code.ts";
import { encodeNode, graphOf, nodeDefOf } from "./node_def.ts";

/** Characters of an expression. The longest seen has 53. CWE-779. */
const EXPRESSION_LENGTH = 2048;
/** Nested texts that hold a configuration in their turn. The models seen nest none. CWE-674. */
const NESTED_TEXTS = 4;
/** Values of a duplicate key that are combined with those of others. Keras writes no key twice. CWE-834. */
const READINGS = 4;
/** Values searched for the texts that a layer is given. A few configurations in use have more. CWE-834. */
const GIVEN_LOOKED_AT = 200;
/** Texts of them that are reported: evidence, and no listing. CWE-779. */
const GIVEN_KEPT = 8;
const STEPS_PER_CHECK = 4096;
const DUPLICATES_REPORTED = 10;
/** Texts of one configuration that are looked into as pickles; real models have one a layer, if any. */
const PICKLES = 256;

/** Classes that read a vocabulary from a file when they are given a path (CVE-2025-12058). */
const LOOKUPS: ReadonlySet<string> = new Set([
  ...["StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"],
  ...["StringIndex", "IntegerIndex"],
]);
/** Classes of companions that take a vocabulary, too: keras_hub's tokenizers, lookups by other names. */
const LOOKUP_WORD = /Lookup|Vectorization|Tokenizer|Vocabulary|CategoricalColumn/u;
/**
 * Keys of these classes whose text is a path. In a model it is an array, or nothing: `byte_pair_tokenizer.py`,
 * `whisper_tokenizer.py` and `sentence_piece_tokenizer.py` of keras_hub.
 */
const VOCABULARY_KEYS = ["vocabulary", "merges", "special_tokens", "language_tokens", "proto"];
/** A longer text of `proto` is a model in base64, if it is that: `SentencePieceTokenizer.set_proto`. */
const PROTO_PATH_CHARACTERS = 2048;
/** Keys whose text is the path of a file that the object reads while it is rebuilt or called. */
const PATH_KEYS: readonly string[] = [
  ...["vocabulary_file", "vocab_file", "ckpt_to_load_from", "vocabulary_path", "vocab_path"],
];
/**
 * Layers that stand for an exported function of TensorFlow, by the key that names it
 * (`from_config` in `tf_keras/src/layers/core/tf_op_layer.py`): rebuilding the model calls it, with
 * the file's constants where it has such.
 */
const FUNCTION_LAYERS: Readonly<Record<string, string>> = {
  TFOpLambda: "function",
  SlicingOpLambda: "function",
  ClassMethod: "cls_symbol",
};
/** Layers that take an attribute of what they are given, by the key that names it. */
const ATTRIBUTE_LAYERS: Readonly<Record<string, string>> = {
  InstanceMethod: "method_name",
  InstanceProperty: "attr_name",
};
/** Attributes by which an object of Python leads to others; operators such as `__add__` do not. */
const REFLECTIVE =
  /^__(?:class|dict|globals|getattribute|getattr|reduce|reduce_ex|subclasses|init|init_subclass|new|mro|bases?|code|closure|builtins|module|self|func|wrapped|import|loader|setattr|delattr|setstate)__$/u;
/** Layers that bring code or reach outside the file by what they are constructed with. */
const CONSTRUCTED: ReadonlySet<string> = new Set([
  ...["Lambda", "TFSMLayer", "ReloadedLayer", "TorchModuleWrapper", "KerasLayer"],
]);
/** Methods of a class that stand for calling it. */
const CALLING: ReadonlySet<string> = new Set(["", "__call__", "__new__", "__init__"]);
/**
 * Functions of TensorFlow that only compute but for one argument, and values of it that name no file
 * (`logging_ops.print_v2`, `candidate_sampling_ops`, `gen_decode_proto_ops`).
 */
const FILE_ARGUMENTS: readonly (readonly [name: RegExp, argument: string, harmless: RegExp])[] = [
  [/(?:^|\.)print$/u, "output_stream", /^(?:stdout|stderr|log\((?:info|warning|error)\)|)$/u],
  [/(?:^|\.)fixed_unigram_candidate_sampler$/u, "vocab_file", /^$/u],
  [/(?:^|\.)(?:de|en)code_proto$/u, "descriptor_source", /^(?:$|local:\/\/|bytes:\/\/)/u],
];
/** Pickles in base64, of protocols 2 to 5: `DistributionLambda` and other layers unpickle such texts. */
const PICKLE_TEXT = /^gA[I-X][A-Za-z0-9+/\n]/u;

/** An export of Keras, by the module and the name in it. */
const OF_KERAS = /^(?:compat\.v[12]\.)?(?<module>(?:tf_)?keras(?:\.[^.]+)*)\.(?<name>[^.]+)$/su;

/** TensorFlow holds Keras as a package of its own, which its internal packages hold again. */
const OF_TENSORFLOW =
  /^tensorflow\.(?:_api\.v[12]\.(?:v[12]\.)?)?(?:compat\.v[12]\.)?(?=keras(?:\.|$))/u;
/**
 * Packages that hold Keras' names a second time: what `keras.utils` exports lies in `keras.api.utils`,
 * `keras._tf_keras.keras.utils` and `keras.api._v2.keras.utils`, too.
 */
const ALIAS_PACKAGE =
  /^(?<root>(?:tf_)?keras|keras_core)\.(?:api(?=\.|$)\.?)?(?:(?:_tf_keras|_v[12])\.keras(?=\.|$)\.?)?/u;

interface Step {
  readonly value: JsonValue;
  /** Name of the nearest layer around it. */
  readonly layer: string;
  readonly nested: number;
  /** What the nearest call around it is given. */
  readonly given: readonly Evidence[];
}

interface Counted {
  readonly fact: Fact;
  readonly offset: number;
  count: number;
}

/** One walk. */
export class ConfigWalk {
  readonly #inH5: boolean;
  readonly #check: () => void;
  readonly #facts = new Map<string, Counted>();
  readonly #others: Observation[] = [];
  /** Where the configurations of Lambda layers begin, whose code was found. */
  readonly #lambdas = new Set<JsonObject>();
  #duplicates = 0;
  #payloads = 0;
  /** Texts that were handed on as pickles. */
  readonly #pickles = new Set<string>();

  /**
   * @param inH5 true for the configuration of an HDF5 file
   * @param check called now and then; throws once time is spent
   */
  constructor(inH5: boolean, check: () => void) {
    this.#inH5 = inH5;
    this.#check = check;
  }

  /** Walks a value and all in it. */
  add(root: JsonValue): void {
    const waiting: Step[] = [{ value: root, layer: "", nested: 0, given: [] }];
    let steps = 0;
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (++steps % STEPS_PER_CHECK === 0) this.#check();
      const { value, nested } = step;
      if (isArray(value)) {
        for (const item of value.items) {
          if (typeof item === "object" || typeof item === "string") {
            waiting.push({ ...step, value: item });
          }
        }
      } else if (isObject(value)) {
        const layer = layerName(value) ?? step.layer;
        this.#object(value, layer, step.given);
        const called = valuesOf(value, "arguments");
        const around = called.length > 0 ? given(called, false) : step.given;
        for (const [, member] of value.members) {
          waiting.push({ ...step, value: member, layer, given: around });
        }
      } else if (typeof value === "string" && nested < NESTED_TEXTS && mayHoldConfig(value)) {
        const inner = parseJson(new TextEncoder().encode(value)).value;
        if (inner !== undefined) waiting.push({ ...step, value: inner, nested: nested + 1 });
      } else if (typeof value === "string" && PICKLE_TEXT.test(value)) {
        this.#pickle(value);
      }
    }
  }

  /** All that was seen. */
  finish(): readonly Observation[] {
    const facts = [...this.#facts.values()].map(({ fact, count, offset }): Observation => ({
      type: "fact",
      fact,
      count,
      offset,
    }));
    return [...facts, ...this.#others];
  }

  #object(object: JsonObject, layer: string, around: readonly Evidence[]): void {
    this.#duplicateKeys(object);
    const configs = someOf(valuesOf(object, "config"));
    const names = textsOf(object, "class_name");
    // Where the module lacks the class, every release before Keras 3.9 takes the registered name.
    const others = textsOf(object, "registered_name").map(bareName);
    for (const name of names) this.#classOf(object, name, configs, layer, around);
    const bare = new Set(names.some(isSpecial) ? [] : [...names.map(bareName), ...others]);
    for (const name of bare) {
      for (const config of configs) if (isObject(config)) this.#layer(name, object, config, layer);
    }
    this.#functionFields(object, layer);
    if (names.length === 0) this.#vocabulary("", object, layer);
    this.#paths(object, layer);
  }

  /** What an object is an instance of, and what follows from that. */
  #classOf(
    object: JsonObject,
    name: string,
    configs: readonly JsonValue[],
    layer: string,
    around: readonly Evidence[],
  ): void {
    const at = object.at;
    if (name === "__lambda__") {
      for (const config of configs) this.#code("lambda", codeTexts(config), at, layer, around);
      return;
    }
    if (name === "function") {
      for (const config of configs) {
        if (typeof config === "string") {
          this.#reference(object, config, "function", layer, around);
          this.#constructed(object, config, layer);
        }
      }
      return;
    }
    if (name === "__typespec__") {
      for (const spec of textsOf(object, "spec_name")) {
        this.#reference(object, spec, "type", layer, []);
      }
      return;
    }
    // Values such as `__tensor__` have no module. Each generation of Keras has its own of them, and imports
    // the module of every other class: `deserialize_keras_object` in `serialization_lib.py`.
    const isValue = /^__\w+__$/u.test(name);
    if (isValue && textsOf(object, "module").every((it) => it === "" || it === "builtins")) return;
    this.#reference(object, name, "class", layer, given(valuesOf(object, "config"), true));
  }

  #layer(name: string, object: JsonObject, config: JsonObject, layer: string): void {
    const { at } = config;
    if (name === "Lambda") {
      this.#lambda(config, layer);
    } else if (name === "TorchModuleWrapper") {
      this.#operator(name, `${named(name, layer)} with a pickled PyTorch module`, at, layer, []);
      for (const module of textsOf(config, "module")) this.#payload(module);
    } else if (name === "TFSMLayer" || name === "ReloadedLayer") {
      const paths = textsOf(config, "filepath");
      const expression = `${named(name, layer)} over ${quoted(paths[0] ?? "a SavedModel")}`;
      this.#operator(name, expression, at, layer, paths.map((path) => piece("path", path)));
    } else if (name === "KerasLayer") {
      const handles = textsOf(config, "handle");
      const expression = `${named(name, layer)} over ${quoted(handles[0] ?? "a module")}`;
      this.#operator(name, expression, at, layer, handles.map((it) => piece(kindOf(it), it)));
    } else if (isLookupName(name)) {
      this.#vocabulary(name, config, layer);
    } else if (name === "TensorFlowOpLayer") {
      for (const value of someOf(valuesOf(config, "node_def"))) this.#nodeDef(value);
    } else if (Object.hasOwn(FUNCTION_LAYERS, name)) {
      const methods = name === "ClassMethod" ? textsOf(config, "method_name") : [];
      for (const path of textsOf(config, FUNCTION_LAYERS[name] ?? "")) {
        this.#tensorflow(path, methods, object, layer);
      }
      for (const method of methods) this.#attribute(name, method, at, layer);
    } else if (Object.hasOwn(ATTRIBUTE_LAYERS, name)) {
      for (const key of textsOf(config, ATTRIBUTE_LAYERS[name] ?? "")) {
        this.#attribute(name, key, at, layer);
      }
    }
  }

  #attribute(name: string, key: string, at: number, layer: string): void {
    if (!REFLECTIVE.test(key) || CALLING.has(key)) return;
    const expression = `${named(name, layer)} that takes the attribute ${quoted(key)}`;
    this.#operator("reflection", expression, at, layer, []);
  }

  /** A `TensorFlowOpLayer` is one operator of TensorFlow: it is judged as a graph of one node. */
  #nodeDef(value: JsonValue): void {
    const node = typeof value === "string"
      ? new TextEncoder().encode(value)
      : isObject(value)
      ? nodeDefOf(value)
      : undefined;
    if (node === undefined) return;
    const part = `(operator ${this.#payloads++}).pb`;
    this.#others.push({ type: "entry", source: bytesSource(part, graphOf(node)), part });
  }

  /** Files that an object reads by a path in its configuration: feature columns, tokenizers. */
  #paths(object: JsonObject, layer: string): void {
    for (const key of PATH_KEYS) {
      for (const path of textsOf(object, key)) {
        if (path === "") continue;
        const what = layer === "" ? "an object" : `an object of the layer ${quoted(layer)}`;
        const expression = `${what} with ${key} ${quoted(path)}`;
        this.#operator("vocabulary", expression, object.at, layer, [piece("path", path)]);
      }
    }
  }

  /** A class in the place of a function is called, and so constructed with the file's arguments. */
  #constructed(object: JsonObject, name: string, layer: string): void {
    for (const one of new Set([name, ...textsOf(object, "registered_name")].map(bareName))) {
      const isLookup = isLookupName(one);
      if (!isLookup && !CONSTRUCTED.has(one)) continue;
      const evidence = given(valuesOf(object, "inbound_nodes"), false);
      const expression = `${named(one, layer)} that is constructed by a call`;
      this.#operator(isLookup ? "vocabulary" : one, expression, object.at, layer, evidence);
    }
  }

  /** The older layouts of a Lambda layer; what is of the newer is an object of its own. */
  #lambda(config: JsonObject, layer: string): void {
    const functions = someOf(valuesOf(config, "function"));
    const objects = functions.filter(isObject).filter((one) =>
      textsOf(one, "class_name").some((name) => name !== "__tuple__")
    );
    const types = textsOf(config, "function_type");
    const texts = functions.filter((one) => !objects.includes(one as JsonObject));
    const isName = types.length > 0 && types.every((type) => type === "function");
    if (isName) {
      for (const name of texts) {
        if (typeof name !== "string") continue;
        // Older Keras looks in the module beside it, among what is imported already.
        for (const module of textsOf(config, "module")) {
          this.#named(module, name, "function", config.at, layer, []);
        }
      }
    }
    const lambdas = objects.some((one) => textsOf(one, "class_name").includes("__lambda__"));
    if (lambdas) return;
    const codes = isName ? [] : texts.flatMap((text) => codeTexts(text));
    const around = given([config], true);
    if (codes.length === 0) {
      this.#operator("Lambda", named("Lambda", layer), config.at, layer, around);
      return;
    }
    this.#lambdas.add(config);
    this.#code("Lambda layer", codes, config.at, layer, around);
  }

  /** Functions in the notation of older Keras, wherever they stand: `…_type` says what they are. */
  #functionFields(object: JsonObject, layer: string): void {
    for (const [type, value] of object.members) {
      if (!type.endsWith("_type") || type === "function_type") continue;
      const key = type.slice(0, -"_type".length);
      if (value === "lambda") {
        const texts = valuesOf(object, key).flatMap((one) => codeTexts(one));
        this.#code(key, texts, object.at, layer, []);
      } else if (value === "function") {
        // `_parse_function_from_config` of Keras before 3 looks in the module that is named beside it.
        for (const module of textsOf(object, `${key}_module`)) {
          for (const name of textsOf(object, key)) {
            this.#named(module, name, "function", object.at, layer, []);
          }
        }
      }
    }
    const isFunction = textsOf(object, "function_type").includes("lambda");
    if (isFunction && !this.#lambdas.has(object)) {
      const texts = valuesOf(object, "function").flatMap((one) => codeTexts(one));
      this.#code("function", texts, object.at, layer, []);
    }
  }

  /** A class or function that the configuration names. */
  #reference(
    object: JsonObject,
    name: string,
    what: string,
    layer: string,
    evidence: readonly Evidence[],
  ): void {
    const modules = textsOf(object, "module");
    const registered = textsOf(object, "registered_name");
    if (modules.length > 0) {
      // Releases look for the registered name, too, where the module has none of the other.
      const others = registered.filter((it) => it !== name && !it.includes(">"));
      for (const module of modules) {
        for (const one of [name, ...others]) {
          if (one === what && one !== name) continue;
          this.#named(module, one, what, object.at, layer, evidence);
        }
      }
    } else if (name.includes(">") || registered.some((it) => it.includes(">"))) {
      this.#named("", registered[0] ?? name, what, object.at, layer, evidence);
    } else if (valuesOf(object, "module").includes(null) || what === "function") {
      this.#named("", name, what, object.at, layer, evidence);
    }
  }

  /** An exported name of TensorFlow, and the class method that is called of it. */
  #tensorflow(
    path: string,
    methods: readonly string[],
    object: JsonObject,
    layer: string,
  ): void {
    const { at } = object;
    const raw = /^(?:compat\.v[12]\.)?raw_ops\.(?<op>.*)$/su.exec(path)?.groups?.op;
    if (raw !== undefined) {
      // The exported operators take their arguments by name, as a node has its attributes.
      const texts = argumentsOf(object, this.#check).flatMap(([key, value]): [string, string][] =>
        typeof value === "string" ? [[key, value]] : []
      );
      const node = { op: raw, texts };
      const part = `(operator ${this.#payloads++}).pb`;
      this.#others.push({
        type: "entry",
        source: bytesSource(part, graphOf(encodeNode(node))),
        part,
      });
      return;
    }
    const taken = given(valuesOf(object, "inbound_nodes"), false)
      .filter(({ kind, text }) => kind === "url" || /[\\/]/u.test(text));
    const own = OF_KERAS.exec(path)?.groups;
    if (own !== undefined) {
      // Up to Keras 2.15 its exports stand in the same table as those of TensorFlow.
      this.#named(own.module ?? "", own.name ?? "", "function", at, layer, taken);
      this.#constructed(object, own.name ?? "", layer);
      return;
    }
    const called = methods.filter((method) => !CALLING.has(method)).map((it) => `.${it}`);
    const file = FILE_ARGUMENTS.some(([name, argument, harmless]) =>
      name.test(path) &&
      argumentsOf(object, this.#check).some(([key, value]) =>
        key === argument && value !== null && !(typeof value === "string" && harmless.test(value))
      )
    );
    const expression = `${cut(path)}${cut(called[0] ?? "")} (function of ${
      layer === "" ? "a layer" : `the layer ${quoted(layer)}`
    })`;
    this.#count(`function\n${path}\n${file}\n${taken.length > 0 ? at : ""}`, at, {
      kind: "operator",
      language: "tensorflow-function",
      name: cut(path),
      expression,
      evidence: taken,
      ...(file && { role: "file" }),
      ...(layer !== "" && { details: { layer: cut(layer) } }),
    });
  }

  #named(
    module: string,
    name: string,
    what: string,
    at: number,
    layer: string,
    evidence: readonly Evidence[],
  ): void {
    const expression = cut(module === "" ? name : `${module}.${name}`);
    this.#count(`reference\n${module}\n${name}\n${evidence.length > 0 ? at : ""}`, at, {
      kind: "reference",
      language: "keras",
      module: cut(homeOf(module)),
      name: cut(name),
      expression,
      evidence,
      details: { used_as: what, ...(layer !== "" && { layer: cut(layer) }) },
    });
  }

  /** Code that a layer brings along. */
  #code(
    what: string,
    texts: readonly string[],
    at: number,
    layer: string,
    around: readonly Evidence[],
  ): void {
    for (const text of texts) {
      const { code, evidence, versions, filename } = readKerasCode(text);
      const unreadable = versions === undefined ? " that no known Python wrote" : "";
      const where = layer === "" ? "" : ` in ${quoted(layer)}`;
      this.#count(`code\n${text}\n${at}`, at, {
        kind: "operator",
        language: "keras",
        name: "Lambda",
        expression: cut(
          `${/^[aeiou]/.test(what) ? "an" : "a"} ${what} with Python code${unreadable}${where}`,
        ),
        ...(this.#inH5 && { role: "h5" }),
        evidence: [...evidence, ...around],
        code,
        details: {
          ...(layer !== "" && { layer: cut(layer) }),
          ...(versions !== undefined && { python: versions }),
          ...(filename !== "" && { file: cut(filename) }),
        },
      });
    }
  }

  #vocabulary(name: string, config: JsonObject, layer: string): void {
    for (const key of name === "" ? ["vocabulary"] : VOCABULARY_KEYS) {
      for (const path of textsOf(config, key)) {
        if (path === "" || (key === "proto" && isInlineProto(path))) continue;
        const what = named(name === "" ? "lookup" : name, layer);
        const expression = `${what} with its ${key} in ${quoted(path)}`;
        this.#operator("vocabulary", expression, config.at, layer, [piece("path", path)]);
      }
    }
  }

  /** What `TorchModuleWrapper` hands to `torch.load`. */
  #payload(text: string): void {
    const bytes = decodeBase64(text);
    if (bytes === undefined || bytes.length === 0) return;
    this.#pickles.add(text);
    const part = `(torch module ${this.#payloads++})`;
    this.#others.push({ type: "entry", source: bytesSource(part, bytes), part, hint: HINT.pickle });
  }

  /** A pickle among the texts of a configuration: layers of companions unpickle their functions. */
  #pickle(text: string): void {
    const bytes = this.#pickles.has(text) ? undefined : decodeBase64(text);
    if (bytes === undefined || this.#pickles.size >= PICKLES) return;
    this.#pickles.add(text);
    const part = `(pickle ${this.#payloads++})`;
    this.#others.push({ type: "entry", source: bytesSource(part, bytes), part, hint: HINT.pickle });
  }

  #operator(
    name: string,
    expression: string,
    at: number,
    layer: string,
    evidence: readonly Evidence[],
  ): void {
    const role = this.#inH5 && name === "Lambda" ? { role: "h5" } : {};
    this.#count(`operator\n${name}\n${expression}\n${at}`, at, {
      kind: "operator",
      language: "keras",
      name,
      expression: cut(expression),
      evidence,
      ...role,
      ...(layer !== "" && { details: { layer: cut(layer) } }),
    });
  }

  #count(key: string, offset: number, fact: Fact): void {
    const known = this.#facts.get(key);
    if (known === undefined) this.#facts.set(key, { fact, offset, count: 1 });
    else known.count++;
  }

  #duplicateKeys(object: JsonObject): void {
    const seen = new Set<string>();
    for (const [key] of object.members) {
      if (seen.has(key) && this.#duplicates++ < DUPLICATES_REPORTED) {
        this.#others.push({
          type: "anomaly",
          rule: "keras-config-duplicate-key",
          detail: `An object has the key ${quoted(key)} twice: readers disagree about which holds`,
          offset: object.at,
        });
      }
      seen.add(key);
    }
  }
}

/** The texts among the values of a key; of many, the last, which Python takes, is among them. */
function textsOf(object: JsonObject, key: string): string[] {
  return someOf(valuesOf(object, key).filter((value) => typeof value === "string"));
}

/** As many of equal keys as are combined with others, the first and the last. */
function someOf<T>(values: readonly T[]): T[] {
  return values.length <= READINGS
    ? [...values]
    : [...values.slice(0, READINGS - 1), ...values.slice(-1)];
}

/** The module that a module of a package of aliases stands for. */
function homeOf(module: string): string {
  const own = module.replace(OF_TENSORFLOW, "");
  const found = ALIAS_PACKAGE.exec(own);
  if (found === null) return own;
  const rest = own.slice(found[0].length);
  const root = found.groups?.root ?? "";
  return rest === "" ? root : `${root}.${rest}`;
}

function bareName(name: string): string {
  return name.slice(name.lastIndexOf(">") + 1);
}

/** Marks of Keras' own notation, which name neither class nor layer. */
function isSpecial(name: string): boolean {
  return name === "function" || /^__\w+__$/u.test(name);
}

/** What a layer is called with, by the name of the argument, and what is in it by its keys. */
function argumentsOf(object: JsonObject, check: () => void): [string, JsonValue][] {
  const waiting: JsonValue[] = [...valuesOf(object, "inbound_nodes")];
  const found: [string, JsonValue][] = [];
  let steps = 0;
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (++steps % STEPS_PER_CHECK === 0) check();
    if (isArray(value)) { for (const item of value.items) waiting.push(item); }
    else if (isObject(value)) {
      for (const [key, member] of value.members) {
        found.push([key, member]);
        if (typeof member === "object") waiting.push(member);
      }
    }
  }
  return found;
}

/** The name that a layer has in its configuration. */
function layerName(object: JsonObject): string | undefined {
  for (const config of valuesOf(object, "config")) {
    const name = isObject(config) ? textsOf(config, "name")[0] : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Text that holds JSON with a configuration, as `keras_metadata.pb` and some wrappers have it. */
function mayHoldConfig(text: string): boolean {
  return text.length > 20 && /^\s*[{[]/u.test(text) && text.includes("class_name");
}

/** URLs, and other texts unless only URLs are asked for, among what a layer is given. */
function given(values: readonly JsonValue[], urlsOnly: boolean): Evidence[] {
  const waiting = values.slice(0, GIVEN_LOOKED_AT);
  const found: Evidence[] = [];
  for (let looked = 0; looked < GIVEN_LOOKED_AT && found.length < GIVEN_KEPT; looked++) {
    const value = waiting[looked];
    if (value === undefined) break;
    if (typeof value === "string") {
      if (!urlsOnly || kindOf(value) === "url") found.push(piece(kindOf(value), value));
    } else if (isArray(value)) waiting.push(...value.items.slice(0, GIVEN_LOOKED_AT));
    else if (isObject(value)) {
      waiting.push(...value.members.slice(0, GIVEN_LOOKED_AT).map(([, member]) => member));
    }
  }
  return found;
}

function named(what: string, layer: string): string {
  return layer === "" ? `a ${what} layer` : `the ${what} layer ${quoted(layer)}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function cut(text: string): string {
  return text.length > EXPRESSION_LENGTH ? text.slice(0, EXPRESSION_LENGTH) : text;
}

/** True for a SentencePiece model in place of the path of one. */
function isInlineProto(text: string): boolean {
  return text.length > PROTO_PATH_CHARACTERS && text.length % 4 === 0 &&
    /^[A-Za-z0-9+/]*={0,2}$/u.test(text);
}

/** True for a class that reads a vocabulary: by its name, or by a word at the end of it. */
function isLookupName(name: string): boolean {
  return LOOKUPS.has(name) || LOOKUP_WORD.test(endOf(name, /\w/u));
}
