/**
 * LightGBM's models: text, a block of `key=value` lines for the model and one for each tree. They hold
 * numbers and names, no code. `GBDT::LoadModelFromString` and `Tree::Tree(const char*)`,
 * src/boosting/gbdt_model_text.cpp and src/io/tree.cpp.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a model that are read into memory. The largest seen has 300 MiB. CWE-770. */
const MODEL_BYTES = 512 * 1024 * 1024;

const END_OF_TREES = "\nend of trees";

/** LightGBM models. */
export const lightgbmFormat: Format = { id: "lightgbm", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  return /^tree\r?\nversion=v\d+\r?\n/u.test(latin1(head, 64));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, MODEL_BYTES, "a LightGBM model", check);
  const text = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n");
  yield [];
  checkModel(text, check);
  yield await behindEnd(source, endOf(bytes));
}

/** What stands behind the trees: importances, parameters, the categories of pandas, white space. */
const BEHIND_TREES =
  /^\r?\n(?:\r?\n?feature[ _]importances:\r?\n(?:[^=\r\n]+=[^\r\n]*\r?\n)*)?(?:\s*parameters:\r?\n(?:\[[^\r\n]*\r?\n|\r?\n)*end of parameters\r?\n)?(?:\s*pandas_categorical:[\x20-\x7e\x80-\xff]*)?\s*/u;

/** Offset behind the last line that LightGBM reads. */
function endOf(bytes: Uint8Array): number {
  const marker = ascii(END_OF_TREES);
  let at = bytes.indexOf(0x0a);
  while (at >= 0 && !startsWith(bytes.subarray(at), marker)) at = bytes.indexOf(0x0a, at + 1);
  if (at < 0) return bytes.length;
  const from = at + marker.length;
  return from + (BEHIND_TREES.exec(latin1(bytes.subarray(from), bytes.length))?.[0].length ?? 0);
}

type Fields = ReadonlyMap<string, string>;

function fieldsOf(block: string): Fields {
  const lines = block.split("\n").map((line) => line.split("=", 2));
  return new Map(
    lines.flatMap(([key, value]) => key !== undefined && value !== undefined ? [[key, value]] : []),
  );
}

function checkModel(text: string, check: () => void): void {
  const end = text.indexOf(END_OF_TREES);
  if (end < 0) throw new FormatError("Cannot read LightGBM model: the trees have no end");
  const rest = text.slice(end);
  if (rest.includes("\nparameters:") && !rest.includes("\nend of parameters\n")) {
    throw new FormatError("Cannot read LightGBM model: the parameters have no end");
  }
  if (!/^\nend of trees\n/u.test(rest)) {
    throw new FormatError("Cannot read LightGBM model: it is cut off behind the trees");
  }
  const blocks = text.slice(0, end + 1).split(/^Tree=\d+\n/mu);
  const model = fieldsOf(blocks[0] ?? "");
  const features = numberOf(model, "max_feature_idx") + 1;
  const sizes = model.get("tree_sizes")?.split(" ").filter((size) => size !== "");
  if (sizes !== undefined && sizes.length !== blocks.length - 1) {
    const there = blocks.length - 1;
    throw new FormatError(
      `Cannot read LightGBM model: ${sizes.length} trees are declared, ${there} are there`,
    );
  }
  checkSizes(text, sizes);
  blocks.slice(1).forEach((block, index) => {
    check();
    checkTree(`tree ${index}`, fieldsOf(block), features);
  });
}

/** LightGBM reads trees in parallel, each from where the sizes before it say. */
function checkSizes(text: string, sizes: readonly string[] | undefined): void {
  if (sizes === undefined) return;
  const first = text.search(/^Tree=/mu);
  // Sizes count bytes; names beyond ASCII stand only before the trees.
  let at = first;
  sizes.forEach((size, index) => {
    if (!text.startsWith(`Tree=${index}\n`, at)) {
      throw new FormatError(`Cannot read LightGBM model: tree ${index} does not begin at ${at}`);
    }
    at += Number(size);
  });
  const last = text.slice(at, at + END_OF_TREES.length);
  if (!last.startsWith("end of trees") && !last.startsWith("\nend of trees")) {
    throw new FormatError(`Cannot read LightGBM model: the trees do not end at ${at}`);
  }
}

function numberOf(fields: Fields, key: string): number {
  const text = fields.get(key);
  if (text === undefined || !/^\d{1,9}$/u.test(text)) {
    throw new FormatError(`Cannot read LightGBM model: "${key}" is ${text ?? "missing"}`);
  }
  return Number(text);
}

/** Integers of a field; any other text makes the tree unreadable. */
function numbersOf(name: string, fields: Fields, key: string, count: number): readonly number[] {
  const numbers = (fields.get(key) ?? "").split(" ").filter((one) => one !== "");
  if (numbers.length !== count || !numbers.every((one) => /^-?\d{1,10}$/u.test(one))) {
    throw new FormatError(`Cannot read ${name}: "${key}" has not ${count} whole numbers`);
  }
  return numbers.map(Number);
}

/** A node's child is another node, or a leaf by the complement of its number. */
function checkTree(name: string, fields: Fields, features: number): void {
  const leaves = numberOf(fields, "num_leaves");
  const values = (fields.get("leaf_value") ?? "").split(" ").filter((one) => one !== "");
  if (leaves < 1 || values.length !== leaves) {
    throw new FormatError(`Cannot read ${name}: ${leaves} leaves have ${values.length} values`);
  }
  if (leaves === 1) return;
  const nodes = leaves - 1;
  const splits = numbersOf(name, fields, "split_feature", nodes);
  const left = numbersOf(name, fields, "left_child", nodes);
  const right = numbersOf(name, fields, "right_child", nodes);
  const wrong = splits.find((feature) => feature < 0 || feature >= features);
  if (wrong !== undefined) {
    throw new FormatError(`Cannot read ${name}: it splits by feature ${wrong}`);
  }
  const reached = new Set<number>();
  for (const child of [...left, ...right]) {
    if (child === 0 || child >= nodes || child < -leaves || reached.has(child)) {
      throw new FormatError(`Cannot read ${name}: a node has the child ${child}`);
    }
    reached.add(child);
  }
  numbersOf(name, fields, "decision_type", nodes);
  checkCategories(name, fields, nodes);
}

function checkCategories(name: string, fields: Fields, nodes: number): void {
  const count = numberOf(fields, "num_cat");
  const thresholds = (fields.get("threshold") ?? "").split(" ").filter((one) => one !== "");
  if (thresholds.length !== nodes) {
    throw new FormatError(
      `Cannot read ${name}: ${nodes} nodes have ${thresholds.length} thresholds`,
    );
  }
  if (count === 0) return;
  const bounds = numbersOf(name, fields, "cat_boundaries", count + 1);
  const words = (fields.get("cat_threshold") ?? "").split(" ").filter((one) => one !== "");
  const ordered = bounds.every((bound, at) =>
    at === 0 ? bound === 0 : bound >= (bounds[at - 1] ?? 0)
  );
  if (!ordered || bounds.at(-1) !== words.length) {
    throw new FormatError(`Cannot read ${name}: its categories lie outside`);
  }
}
