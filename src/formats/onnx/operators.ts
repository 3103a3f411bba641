/**
 * The operators of an ONNX model, gathered by name: which nodes use them, with which texts.
 *
 * @module
 */

import type { Evidence, Observation, OperatorFact } from "../../core/types.ts";
import { LimitError } from "../../core/errors.ts";
import { FIELD } from "./schema.ts";
import { type Frame, textOf } from "./walk.ts";

/** Operators with a name of their own; the largest exports have some thousand functions. */
const OPERATORS = 50_000;
/** Nodes and texts of one operator that are reported. A few of 298 models seen have as many. CWE-779. */
const NODES_REPORTED = 20;
const EVIDENCE_KEPT = 20;
/** Characters of an expression, and of one attribute in it. CWE-779. */
const EXPRESSION_LENGTH = 2048;
const ATTRIBUTE_LENGTH = 120;

const PATH = /^(?:[\\/]|[a-z]:[\\/]|\.{1,2}[\\/]|~[\\/])[^\s]|^file:/iu;
const URL = /^[a-z][a-z0-9+.-]{1,20}:\/\/\S/iu;

/**
 * Operators that call Python. onnxruntime built with `--enable_language_interop_ops` takes every node
 * named PyOp for one, in any domain (`core/language_interop_ops/language_interop_ops.cc`); PythonOp is
 * that of its training builds.
 */
const PYTHON = { anyDomain: "PyOp", named: /^com\.microsoft\.PythonOp(?:Grad)?$/u } as const;

interface Use {
  readonly name: string;
  readonly python: boolean;
  readonly offset: number;
  count: number;
  /** The first ones; where they are is known once the function around them has been read. */
  readonly nodes: Frame[];
  readonly evidence: Map<string, Evidence>;
  /** How the first node is written, with its texts. */
  readonly written: string;
}

/** Gathers the operators of one model. */
export class Operators {
  readonly #uses = new Map<string, Use>();
  readonly #functions = new Set<string>();

  /**
   * A node has ended.
   *
   * @returns false when it names no operator
   * @throws LimitError when there are too many different operators
   */
  add(node: Frame): boolean {
    const op = textOf(node, FIELD.opType);
    if (op === "") return false;
    const name = operatorName(textOf(node, FIELD.nodeDomain), op);
    let use = this.#uses.get(name);
    if (use === undefined) {
      if (this.#uses.size >= OPERATORS) {
        throw new LimitError("values", `There are more than ${OPERATORS} different operators`);
      }
      const { offset } = node;
      const written = `${name}(${attributesOf(node)})`;
      const evidence = new Map<string, Evidence>();
      const python = op === PYTHON.anyDomain || PYTHON.named.test(name);
      use = { name, python, offset, count: 0, nodes: [], written, evidence };
      this.#uses.set(name, use);
    }
    use.count++;
    if (use.nodes.length < NODES_REPORTED) use.nodes.push(node);
    if (use.evidence.size < EVIDENCE_KEPT) gatherEvidence(node, use.python, use.evidence);
    return true;
  }

  /** A function of the model has ended: its operators were reported, so calling it is nothing new. */
  define(frame: Frame): void {
    const domain = textOf(frame, FIELD.functionDomain);
    this.#functions.add(operatorName(domain, textOf(frame, FIELD.functionName)));
  }

  /** One fact for each operator, in the order of their first nodes. */
  facts(): Observation[] {
    return [...this.#uses.values()].map((use) => ({
      type: "fact",
      fact: this.#factOf(use),
      count: use.count,
      offset: use.offset,
    }));
  }

  #factOf(use: Use): OperatorFact {
    const { name } = use;
    const nodes = use.nodes.map((node) => textOf(node, FIELD.nodeName));
    const places = new Set(use.nodes.map(placeOf).filter((place) => place !== ""));
    const called = this.#functions.has(name) ? "function" : undefined;
    const role = use.python ? "python" : called;
    const more = use.count > 1 ? ` and at ${use.count - 1} more` : "";
    const place = [...places][0];
    const where = ` at node "${nodes[0] ?? ""}"${place === undefined ? "" : ` in ${place}`}${more}`;
    return {
      kind: "operator",
      language: "onnx",
      name,
      expression: (use.written + where).slice(0, EXPRESSION_LENGTH),
      ...(role !== undefined && { role }),
      evidence: [...use.evidence.values()],
      details: { nodes, ...(places.size > 0 && { places: [...places] }) },
    };
  }
}

/**
 * How an operator is named: plain in the default domain, which `ai.onnx` is another name of. An operator
 * with a dot of its own is written with colons, so that it cannot pass for one of another domain.
 */
function operatorName(domain: string, op: string): string {
  const standard = domain === "" || domain === "ai.onnx";
  if (op.includes(".")) return `${domain}::${op}`;
  return standard ? op : `${domain}.${op}`;
}

function attributesOf(node: Frame): string {
  const written: string[] = [];
  for (const attribute of node.parts) {
    const values = stringsOf(attribute);
    if (attribute.kind !== "attribute" || values.length === 0) continue;
    const [first] = values;
    const text = JSON.stringify(first?.text.slice(0, ATTRIBUTE_LENGTH));
    const name = textOf(attribute, FIELD.attributeName);
    written.push(`${name}=${values.length > 1 ? `[${text}, …]` : text}`);
    if (written.length === 8) break;
  }
  return written.join(", ");
}

/** The texts that an attribute has as its value. */
export function stringsOf(attribute: Frame): readonly { text: string; cut: boolean }[] {
  return attribute.texts.filter(({ field }) =>
    field === FIELD.attributeString || field === FIELD.attributeStrings
  );
}

function gatherEvidence(node: Frame, all: boolean, evidence: Map<string, Evidence>): void {
  for (const attribute of node.parts) {
    for (const { text, cut } of stringsOf(attribute)) {
      const kind = URL.test(text) ? "url" : PATH.test(text) ? "path" : all ? "text" : undefined;
      if (kind === undefined || evidence.size >= EVIDENCE_KEPT) continue;
      evidence.set(`${kind}\n${text}`, { kind, text, cut });
    }
  }
}

/** Where a node is, apart from the main graph: the subgraphs and the function around it. */
function placeOf(node: Frame): string {
  const parts: string[] = [];
  for (let frame = node.parent; frame !== undefined; frame = frame.parent) {
    if (frame.kind === "attribute") {
      const name = textOf(frame, FIELD.attributeName);
      const owner = frame.parent === undefined ? "" : textOf(frame.parent, FIELD.nodeName);
      parts.push(`${name}${owner === "" ? "" : ` of "${owner}"`}`);
    }
    if (frame.kind === "training") parts.push("a training graph");
    if (frame.kind !== "function") continue;
    const domain = textOf(frame, FIELD.functionDomain);
    parts.push(`function ${operatorName(domain, textOf(frame, FIELD.functionName))}`);
  }
  return parts.slice(-4).join(" in ");
}
