/**
 * Walks the schema of a skops file and states what its nodes name and what becomes of it. No
 * recursion: the nesting is the author's choice. Every one of equal keys counts.
 *
 * @module
 */

import {
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  valuesOf,
} from "../../parsers/json.ts";
import type { Evidence, Fact, GlobalName, Observation } from "../../core/types.ts";

/** What a loader does with the class or function that its node names. */
type Use =
  /** Makes an object without the constructor's arguments, and gives it its attributes. */
  | "restores"
  /** Imports it, or ignores it. */
  | "names"
  /** Calls it with what the file holds. */
  | "calls";

/** `NODE_TYPE_MAPPING` of all protocols. */
const LOADERS: ReadonlyMap<string, Use> = new Map([
  ["ObjectNode", "restores"],
  ["DictNode", "restores"],
  ["RandomStateNode", "restores"],
  ["RandomGeneratorNode", "restores"],
  ["ListNode", "calls"],
  ["SetNode", "calls"],
  ["NdArrayNode", "calls"],
  ["ConstructorFromReduceNode", "calls"],
  ["LossNode", "calls"],
  ["PartialNode", "names"],
  ["MethodNode", "names"],
  ["OperatorFuncNode", "names"],
  ["TupleNode", "names"],
  ["TreeNode", "names"],
  ["QuantileForestNode", "names"],
  ["DefaultDictNode", "names"],
  ["_DictWithDeprecatedKeysNode", "names"],
  ["MaskedArrayNode", "names"],
  ["DTypeNode", "names"],
  ["SparseMatrixNode", "names"],
  ["JsonNode", "names"],
  ["BytesNode", "names"],
  ["BytearrayNode", "names"],
  ["SliceNode", "names"],
  ["FunctionNode", "names"],
  ["TypeNode", "names"],
  ["CachedNode", "names"],
]);

/**
 * Values of a duplicate key that are combined with those of others. `json.dump` writes no key of a schema
 * twice. CWE-834.
 */
const READINGS = 4;
/** Characters of an expression and of a text in it, arguments of one call, and calls in one another. CWE-779. */
const EXPRESSION_CHARACTERS = 2048;
const TEXT_CHARACTERS = 200;
const ARGUMENTS_SHOWN = 8;
const RENDER_DEPTH = 4;
/** Nodes between two checks of the deadline. */
const STEPS_PER_CHECK = 4096;
/**
 * Anomalies reported of each rule, so that many of one rule leave room for others. An intact file has none.
 * CWE-779.
 */
const REPORTED = 50;

interface Counted {
  readonly fact: Fact;
  readonly offset: number;
  count: number;
}

/** The fields of one node, in one reading of its keys. */
interface Named extends GlobalName {
  readonly loader: string;
}

/** One walk through a schema. */
export class SkopsWalk {
  readonly #check: () => void;
  readonly #facts = new Map<string, Counted>();
  readonly #anomalies = new Map<string, Observation>();
  readonly #reported = new Map<string, number>();
  #nodes = 0;

  constructor(check: () => void) {
    this.#check = check;
  }

  /** Nodes seen. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Goes through all of a schema. */
  add(root: JsonValue): void {
    const waiting: JsonValue[] = [root];
    let steps = 0;
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (++steps % STEPS_PER_CHECK === 0) this.#check();
      if (isArray(next)) {
        for (const item of next.items) if (typeof item === "object") waiting.push(item);
      } else if (isObject(next)) {
        this.#node(next);
        for (const [, member] of next.members) if (typeof member === "object") waiting.push(member);
      }
    }
  }

  /** Everything that was seen, each thing once and counted. */
  finish(): readonly Observation[] {
    const facts = [...this.#facts.values()].map((one): Observation => ({ type: "fact", ...one }));
    return [...this.#anomalies.values(), ...facts];
  }

  #node(node: JsonObject): void {
    const readings = readingsOf(node);
    if (readings.length === 0) return;
    this.#nodes++;
    if (readings.length > 1) {
      const readingNames = readings.map(({ module, name }) => `${module}.${name}`).join(", ");
      this.#report("skops-duplicate-key", `A node says of itself ${cut(readingNames)}`, node.at);
    }
    for (const named of readings) this.#one(node, named);
  }

  #one(node: JsonObject, named: Named): void {
    const { loader, module, name } = named;
    if (!LOADERS.has(loader)) {
      this.#report(
        "skops-unknown-loader",
        `"${cut(loader)}" for ${cut(`${module}.${name}`)}`,
        node.at,
      );
    }
    if (loader === "MethodNode") this.#method(node, named);
    else if (loader === "OperatorFuncNode") this.#operator(node, named);
    else if (loader === "PartialNode") this.#partial(node);
    else if (loader === "FunctionNode") this.#function(node, named);
    else this.#use(node, named);
  }

  #use(node: JsonObject, { loader, module, name }: Named): void {
    // Cython calls the module of scikit-learn's losses by its last name alone.
    if (loader === "LossNode" && module === "_loss") {
      this.#call(node, { module: "sklearn._loss._loss", name }, loader, shownArguments(node));
      return;
    }
    const plainArray = loader === "NdArrayNode" && module === "numpy" && name === "ndarray";
    const use = plainArray ? "names" : LOADERS.get(loader) ?? "calls";
    if (use === "names") this.#import(module, name, loader, node.at);
    else if (use === "restores") this.#call(node, { module, name }, loader, "");
    else this.#call(node, { module, name }, loader, shownArguments(node));
  }

  /** `getattr(obj, func)` for an object whose class the node claims to know. */
  #method(node: JsonObject, { module, name }: Named): void {
    this.#import(module, name, "MethodNode", node.at);
    for (const content of objects(node, "content")) {
      for (const func of texts(content, "func")) {
        this.#import(module, `${name}.${func}`, "MethodNode", node.at);
      }
      for (const owner of objects(content, "obj").flatMap(readingsOf)) {
        if (owner.module === module && owner.name === name) continue;
        const detail = `It says that it belongs to ${module}.${name}, but its object is a ` +
          `${owner.module}.${owner.name}`;
        this.#report("skops-method", cut(detail), node.at);
      }
    }
  }

  /** `getattr(operator, name)(*attrs)`; the node's module is ignored. */
  #operator(node: JsonObject, { module, name }: Named): void {
    if (module !== "operator" && module !== "_operator") {
      const detail = `It says that it is ${module}.${name}, but operator.${name} is called`;
      this.#report("skops-operator", cut(detail), node.at);
      this.#import(module, name, "OperatorFuncNode", node.at);
    }
    const shown = objects(node, "attrs").map(argumentsOf).join(" or ");
    const plain = /^(?:attrgetter|itemgetter)$/u.test(name) && !/__|…/u.test(shown);
    const targets = plain ? [] : undefined;
    this.#call(node, { module: "operator", name }, "OperatorFuncNode", shown, targets);
  }

  /** `functools.partial(func, *args, **kwds)`; the node's class is ignored. */
  #partial(node: JsonObject): void {
    const functions = objects(node, "content").flatMap((content) => objects(content, "func"));
    const targets = functions.flatMap((func) =>
      readingsOf(func).filter(({ loader }) => /^(?:Function|Type)Node$/u.test(loader))
        .map(({ module, name }) => ({ module, name }))
    );
    const shown = functions.map((func) => rendered(func)).join(" or ");
    const known = targets.length > 0 && targets.length >= functions.length ? targets : undefined;
    this.#call(node, { module: "functools", name: "partial" }, "PartialNode", `${shown}, …`, known);
  }

  /** Protocol 0 has the name in the content. */
  #function(node: JsonObject, { module, name }: Named): void {
    let old = false;
    for (const content of objects(node, "content")) {
      for (const path of texts(content, "module_path")) {
        for (const func of texts(content, "function")) {
          old = true;
          this.#import(path, func, "FunctionNode", node.at);
        }
      }
    }
    // Then the node's own class is that of functions.
    if (!old || module !== "builtins") this.#import(module, name, "FunctionNode", node.at);
  }

  #import(module: string, name: string, via: string, offset: number): void {
    this.#add({ kind: "import", module, name, via }, offset);
  }

  #call(
    node: JsonObject,
    { module, name }: GlobalName,
    via: string,
    shown: string,
    targets?: readonly GlobalName[],
  ): void {
    const evidence: Evidence[] = [];
    const expression = `${module}.${name}(${shown})`;
    if (shown.length > 0) {
      evidence.push({
        kind: "text",
        text: shown.slice(0, EXPRESSION_CHARACTERS),
        cut: shown.length > EXPRESSION_CHARACTERS,
      });
    }
    this.#add({
      kind: "call",
      module,
      name,
      via,
      expression: expression.slice(0, EXPRESSION_CHARACTERS),
      evidence,
      ...(targets !== undefined && { targets }),
    }, node.at);
  }

  #add(fact: Fact, offset: number): void {
    const key = JSON.stringify(fact);
    const known = this.#facts.get(key);
    if (known === undefined) this.#facts.set(key, { fact, offset, count: 1 });
    else known.count++;
  }

  #report(rule: string, detail: string, offset: number): void {
    const key = `${rule}\n${detail}`;
    const reported = this.#reported.get(rule) ?? 0;
    if (this.#anomalies.has(key) || reported >= REPORTED) return;
    this.#reported.set(rule, reported + 1);
    this.#anomalies.set(key, { type: "anomaly", rule, detail, offset });
  }
}

/** The readings of an object that is a node: one for each combination of duplicate keys. */
function readingsOf(node: JsonObject): Named[] {
  const first = (key: string) => texts(node, key).slice(0, READINGS);
  const loaders = first("__loader__");
  const [classes, modules] = [first("__class__"), first("__module__")];
  if (classes.length === 0 || modules.length === 0) return [];
  return (loaders.length > 0 ? loaders : [""]).flatMap((loader) =>
    modules.flatMap((module) => classes.map((name) => ({ loader, module, name })))
  );
}

function texts(object: JsonObject, key: string): string[] {
  const found = valuesOf(object, key).flatMap((value) => typeof value === "string" ? [value] : []);
  return [...new Set(found)];
}

function objects(object: JsonObject, key: string): JsonObject[] {
  return valuesOf(object, key).filter((value) => isObject(value));
}

/** What a node's loader gives to what it calls: its content, or the arguments of a reduction. */
function shownArguments(node: JsonObject): string {
  const [reduced] = objects(node, "__reduce__");
  const [inside] = reduced === undefined ? valuesOf(node, "content") : valuesOf(reduced, "args");
  if (isArray(inside)) return `[${inside.items.length} items]`;
  return isObject(inside) ? argumentsOf(inside) : "…";
}

/** A tuple of arguments as a call has them. */
function argumentsOf(node: JsonObject): string {
  return rendered(node).replace(/^\((.*?),?\)$/u, "$1");
}

/** A node as a Python expression where that is short, else "…". */
function rendered(node: JsonValue | undefined, depth = 0): string {
  if (!isObject(node) || depth >= RENDER_DEPTH) return "…";
  const [named] = readingsOf(node);
  const [content] = valuesOf(node, "content");
  if (named === undefined) return "…";
  if (named.loader === "JsonNode") return typeof content === "string" ? cut(content) : "…";
  if (/^(?:Function|Type)Node$/u.test(named.loader)) return cut(`${named.module}.${named.name}`);
  if (!/^(?:Tuple|List)Node$/u.test(named.loader) || !isArray(content)) return "…";
  const items = content.items.slice(0, ARGUMENTS_SHOWN).map((item) => rendered(item, depth + 1));
  const more = content.items.length > ARGUMENTS_SHOWN ? ", …" : "";
  return named.loader === "TupleNode"
    ? `(${items.join(", ")}${more}${items.length === 1 ? "," : ""})`
    : `[${items.join(", ")}${more}]`;
}

function cut(text: string): string {
  return text.length > TEXT_CHARACTERS ? `${text.slice(0, TEXT_CHARACTERS)}…` : text;
}
