/**
 * XGBoost's models: JSON, UBJSON (since 1.6) and the binary form before. They hold numbers and names,
 * no code. https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, `doc/model.schema` and
 * `src/tree/tree_model.cc`, `src/learner.cc`.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { isArray, isObject, type JsonValue, parseJson, valuesOf } from "../../parsers/json.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { readUbjson, type UbjsonValue } from "../../parsers/ubjson.ts";
import { readAll } from "../../sources/read_all.ts";
import { binaryModel, isBinary } from "./xgboost_binary.ts";
import { checkTree, type Numbers } from "./trees.ts";

/** Bytes of a model in JSON that are read into memory. The largest seen has 90 MiB. CWE-770. */
const JSON_BYTES = 256 * 1024 * 1024;
/** Values of a model in JSON: a thousand trees of a thousand nodes have 14 million. CWE-770. */
const JSON_VALUES = 32_000_000;

/** XGBoost models. */
export const xgboostFormat: Format = { id: "xgboost", random: false, detect, scan };

function detect(sample: Sample): boolean {
  const { head } = sample;
  if (isUbjson(head)) return true;
  const text = latin1(head, 4096);
  if (/^\{\s*"learner"\s*:\s*\{/u.test(text)) return true;
  if (/^\{\s*"version"\s*:\s*\[[\d,\s]*\]\s*,\s*"learner"/u.test(text)) return true;
  return isBinary(head);
}

/** An object whose first key, with a length of 64 bits, is one of the two that models have. */
function isUbjson(head: Uint8Array): boolean {
  return [7].some((length) =>
    startsWith(head, ascii(`{L\0\0\0\0\0\0\0${String.fromCharCode(length)}`)) &&
    ["learner", "version"].includes(latin1(head.subarray(10), length))
  );
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { head } = context.sample;
  const check = () => context.checkDeadline();
  if (isUbjson(head)) {
    const cursor = new SourceCursor(source, { check, bigEndian: true });
    const limits = { values: context.limits.values };
    checkModel(fromUbjson(await readUbjson(cursor, limits)));
    yield await behindEnd(source, cursor.offset);
  } else if (head[0] === 0x7b) {
    const bytes = await readAll(source, JSON_BYTES, "a model in JSON", check);
    const { value, error } = parseJson(bytes, JSON_VALUES);
    if (error !== undefined) throw new FormatError(error.message, error.offset);
    if (value === undefined) throw new FormatError("Cannot read JSON: there is none", 0);
    checkModel(fromJson(value));
  } else {
    const cursor = new SourceCursor(source, { check });
    await binaryModel(cursor);
    yield await behindEnd(source, cursor.offset);
  }
}

/** A value of either form as the checks below see it. */
interface Node {
  /** A member of an object; undefined where there is none. */
  get(key: string): Node | undefined;
  /** Items of an array; undefined for anything else. */
  items(): readonly Node[] | undefined;
  /** An array of numbers; undefined for anything else. */
  numbers(): Numbers | undefined;
  /** Text or number as a number. */
  number(): number;
}

function fromJson(value: JsonValue): Node {
  return {
    get(key) {
      const [member] = isObject(value) ? valuesOf(value, key) : [];
      return member === undefined ? undefined : fromJson(member);
    },
    items: () => isArray(value) ? value.items.map(fromJson) : undefined,
    numbers() {
      if (!isArray(value)) return undefined;
      return value.items.map((item) => typeof item === "number" ? item : NaN);
    },
    number: () => typeof value === "number" || typeof value === "string" ? Number(value) : NaN,
  };
}

function fromUbjson(value: UbjsonValue): Node {
  return {
    get(key) {
      const member = value instanceof Map ? value.get(key) : undefined;
      return member === undefined ? undefined : fromUbjson(member);
    },
    items: () => Array.isArray(value) ? value.map(fromUbjson) : undefined,
    numbers() {
      if (ArrayBuffer.isView(value)) return value;
      if (!Array.isArray(value)) return undefined;
      return value.map((item) => typeof item === "number" ? item : NaN);
    },
    number: () => typeof value === "number" || typeof value === "string" ? Number(value) : NaN,
  };
}

/**
 * Checks a model's structure.
 *
 * @throws FormatError when parts are missing or an index is out of range
 */
function checkModel(root: Node): void {
  const learner = root.get("learner");
  const parameters = learner?.get("learner_model_param");
  const booster = learner?.get("gradient_booster");
  if (learner?.get("objective") === undefined || parameters === undefined) {
    throw new FormatError("Cannot read XGBoost model: the learner lacks its parts");
  }
  const features = parameters.get("num_feature")?.number();
  if (booster === undefined || features === undefined || !(features >= 0)) {
    throw new FormatError("Cannot read XGBoost model: it has no booster or no number of features");
  }
  const model = (booster.get("gbtree") ?? booster).get("model");
  if (model === undefined) throw new FormatError("Cannot read XGBoost model: the booster is empty");
  const trees = model.get("trees")?.items();
  if (trees === undefined) {
    if (model.get("weights")?.numbers() !== undefined) return;
    throw new FormatError("Cannot read XGBoost model: it has neither trees nor weights");
  }
  const info = model.get("tree_info")?.numbers();
  const declared = model.get("gbtree_model_param")?.get("num_trees")?.number();
  if (info?.length !== trees.length || declared !== trees.length) {
    throw new FormatError(
      `Cannot read XGBoost model: ${declared} trees are declared, ${trees.length} are there`,
    );
  }
  trees.forEach((tree, index) => checkArrays(`tree ${index}`, tree, features));
}

/** Arrays with a number for each node: `doc/model.schema`. */
const ARRAYS = [
  ...["parents", "split_conditions", "default_left", "base_weights", "loss_changes", "sum_hessian"],
];

function checkArrays(name: string, tree: Node, features: number): void {
  const left = tree.get("left_children")?.numbers();
  const right = tree.get("right_children")?.numbers();
  const splits = tree.get("split_indices")?.numbers();
  if (left === undefined || right === undefined || splits === undefined) {
    throw new FormatError(`Cannot read ${name}: it lacks an array`);
  }
  checkTree(name, { left, right, features: splits }, features);
  const declared = tree.get("tree_param")?.get("num_nodes")?.number();
  if (declared !== left.length) {
    throw new FormatError(
      `Cannot read ${name}: ${declared} nodes are declared, ${left.length} are there`,
    );
  }
  for (const array of ARRAYS) {
    const numbers = tree.get(array)?.numbers();
    if (numbers !== undefined && numbers.length !== left.length) {
      throw new FormatError(`Cannot read ${name}: "${array}" has ${numbers.length} numbers`);
    }
  }
  checkCategories(name, tree);
}

/** Categories of splits lie in one array, by where each node's begin and how many they are. */
function checkCategories(name: string, tree: Node): void {
  const all = tree.get("categories")?.numbers();
  const starts = tree.get("categories_segments")?.numbers();
  const sizes = tree.get("categories_sizes")?.numbers();
  if (all === undefined || starts === undefined || sizes === undefined) return;
  for (let at = 0; at < starts.length; at++) {
    const end = Number(starts[at]) + Number(sizes[at]);
    if (!(Number(starts[at]) >= 0 && end <= all.length)) {
      throw new FormatError(`Cannot read ${name}: categories end at ${end} of ${all.length}`);
    }
  }
}
