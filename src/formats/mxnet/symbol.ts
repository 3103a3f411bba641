/**
 * MXNet's graphs in JSON: nodes that name operators, with attributes in text. Most operators compute; some take
 * an address of memory, a file or a class of Python from their attributes.
 * `nnvm/src/pass/saveload_json.cc`, `src/operator/` of https://github.com/apache/mxnet
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import {
  isArray,
  isObject,
  jsonLetters,
  type JsonObject,
  type JsonValue,
  parseJson,
  valuesOf,
} from "../../parsers/json.ts";
import { hasNodes, isLongObject, isLongObjectOfJson, isSymbol } from "./head.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a graph. The largest known has 2 MiB. CWE-770. */
const SYMBOL_BYTES = 64 * 1024 * 1024;
/** Anomalies of one kind that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Names of attributes: of this release, of 0.9 to 0.12, of earlier ones. */
const ATTRIBUTES = ["attrs", "attr", "param"];
/** What a person wants to read of an operator: where it reads, calls or jumps. */
const EVIDENCE: ReadonlyMap<string, "path" | "text" | "address"> = new Map([
  ["filename", "path"],
  ["op_type", "text"],
  ["info", "address"],
]);

/** MXNet's graphs. */
export const mxnetSymbolFormat: Format = {
  id: "mxnet-symbol",
  random: false,
  detect: isSymbol,
  isUndecided: isLongObject,
  detectFurther: async (source, sample, check) => {
    // JSON of this size is data as a rule; nothing honest begins with so much white space.
    if (source.size === undefined || source.size > SYMBOL_BYTES) {
      return isLongObjectOfJson(sample) ? false : undefined;
    }
    return hasNodes(jsonLetters(await readAll(source, SYMBOL_BYTES, "a graph", check)));
  },
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, SYMBOL_BYTES, "a graph", check);
  yield [];
  const { value, error } = parseJson(bytes);
  const walk = new GraphWalk(check);
  if (isObject(value)) walk.graphs(value);
  yield walk.found;
  if (error !== undefined) throw new FormatError(error.message, error.offset);
  if (!isObject(value)) throw new FormatError("Cannot read graph: it is no object", 0);
}

/** The graph of a file, and those in its nodes. */
class GraphWalk {
  readonly found: Observation[] = [];
  readonly #check: () => void;
  readonly #stated = new Set<string>();
  readonly #counts = new Map<string, number>();

  constructor(check: () => void) {
    this.#check = check;
  }

  graphs(root: JsonObject): void {
    const waiting: { readonly graph: JsonObject; readonly where: string }[] = [
      { graph: root, where: "" },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.#check();
      const { graph, where } = next;
      const lists = valuesOf(graph, "nodes").filter(isArray);
      if (lists.length === 0) this.#anomaly("mxnet-malformed", `There are no nodes${where}`, true);
      for (const { items } of lists) {
        for (const [index, node] of items.entries()) {
          if (!isObject(node)) {
            this.#anomaly("mxnet-malformed", `Node ${index}${where} is no object`, true);
            continue;
          }
          this.#node(node, index, where);
          for (const subgraph of valuesOf(node, "subgraphs").filter(isArray).flatMap(itemsOf)) {
            if (!isObject(subgraph)) continue;
            waiting.push({ graph: subgraph, where: ` of a graph in "${nameOf(node)}"` });
          }
        }
        this.#entries(graph, items.length, where);
      }
    }
  }

  #node(node: JsonObject, index: number, where: string): void {
    const operators = valuesOf(node, "op").filter((it) => typeof it === "string");
    if (operators.length === 0) {
      this.#anomaly("mxnet-malformed", `Node ${index}${where} has no operator`, true);
    }
    for (const operator of operators) {
      // A variable.
      if (operator !== "null") this.#operator(operator, node, where);
    }
    for (const input of valuesOf(node, "inputs").filter(isArray).flatMap(itemsOf)) {
      // Loaders make all nodes before they follow inputs; a node that is its own input never ends.
      const from = nodeOf(input);
      if (from === undefined || from >= index) {
        this.#anomaly("mxnet-index", `An input of node ${index}${where} is node ${shown(input)}`);
      }
    }
  }

  #entries(graph: JsonObject, count: number, where: string): void {
    for (const key of ["arg_nodes", "heads"]) {
      for (const entry of valuesOf(graph, key).filter(isArray).flatMap(itemsOf)) {
        const node = nodeOf(entry);
        if (node !== undefined && node < count) continue;
        this.#anomaly("mxnet-index", `"${key}"${where} has node ${shown(entry)} of ${count}`);
      }
    }
  }

  #operator(operator: string, node: JsonObject, where: string): void {
    const attributes = ATTRIBUTES.flatMap((key) => valuesOf(node, key)).filter(isObject)
      .flatMap(({ members }) => members);
    const evidence = attributes.flatMap(([key, value]) => {
      const kind = EVIDENCE.get(key);
      return kind === undefined || typeof value !== "string"
        ? []
        : [{ kind, text: value.slice(0, 2048), cut: value.length > 2048 }];
    });
    const key = JSON.stringify([operator, evidence]);
    if (this.#stated.has(key)) return;
    this.#stated.add(key);
    const given = evidence.map(({ text }) => text).join(", ");
    const fact: OperatorFact = {
      kind: "operator",
      language: "mxnet",
      name: operator,
      expression: `${operator}(${given}) in node "${nameOf(node)}"${where}`.slice(0, 2048),
      ...(evidence.length > 0 && { evidence }),
    };
    this.found.push({ type: "fact", fact, count: 1, offset: node.at });
  }

  #anomaly(rule: string, detail: string, unread = false): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > REPORTED) return;
    const more = count === REPORTED ? `${detail}, and more` : detail;
    this.found.push({ type: "anomaly", rule, detail: more, ...(unread && { unread }) });
  }
}

function itemsOf({ items }: { readonly items: readonly JsonValue[] }): readonly JsonValue[] {
  return items;
}

function nameOf(node: JsonObject): string {
  const [name] = valuesOf(node, "name");
  return typeof name === "string" ? name.slice(0, 100) : "";
}

/** The node of an entry: its number, or a list that begins with it. */
function nodeOf(entry: JsonValue): number | undefined {
  const node = isArray(entry) ? entry.items[0] : entry;
  return typeof node === "number" && Number.isInteger(node) && node >= 0 ? node : undefined;
}

function shown(entry: JsonValue): string {
  const node = isArray(entry) ? entry.items[0] : entry;
  return typeof node === "object" ? "no number" : String(node).slice(0, 40);
}
