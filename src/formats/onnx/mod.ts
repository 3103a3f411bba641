/**
 * ONNX: one protobuf message, ModelProto, without a magic number.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, https://onnx.ai/onnx/repo-docs/IR.html
 *
 * A model is data for a runtime that knows its operators. What reaches further: operators that call
 * Python or belong to a custom operator library, and tensors whose data lie in another file, which
 * the model names by path. They are looked for in all graphs: the main one, those inside attributes
 * (If, Loop, Scan), in functions and in the training information. Tensors are stepped over.
 *
 * @module
 */

import { fieldsOf, type WireField, WireReader } from "../../parsers/protobuf.ts";
import { metadataEntries } from "../../parsers/config/metadata.ts";
import { FormatError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { Externals } from "./external.ts";
import { Operators } from "./operators.ts";
import {
  FIELD,
  hasRightType,
  type Kind,
  NEWEST_IR_VERSION,
  OPSET_IR_VERSION,
  SCHEMA,
} from "./schema.ts";
import { isTensorFile } from "./tensor.ts";
import { formOf, isTextModel, textModel } from "./text.ts";
import { type Frame, textOf, walk, type WireError } from "./walk.ts";

/** ONNX models. */
export const onnxFormat: Format = {
  id: "onnx",
  random: true,
  detect,
  isUndecided: (sample) => formOf(sample)?.certain === false,
  detectFurther: isTextModel,
  scan,
};

/** Anomalies of one kind that are reported separately; an intact model has none. CWE-779. */
const ANOMALIES_REPORTED = 10;

/** Operators are identifiers; some exporters put dots and colons into them. */
const OPERATOR = /^[A-Za-z_][\w.:|$<>-]{0,255}$/u;
const OPERATOR_BYTES = 256;

/** What the first bytes show. */
interface HeadMatch {
  /** Fields of a model with the right wire type, and others. */
  readonly right: number;
  readonly wrong: number;
  /** True when a graph with a node was seen, which nothing else has at that place. */
  readonly node: boolean;
  /** True when a graph was seen, and nothing but fields of a graph in it. */
  readonly graph: boolean;
  readonly version: boolean;
}

function detect(sample: Sample): boolean {
  const { name, head, size } = sample;
  if (isTensorFile(sample) || formOf(sample)?.certain === true) return true;
  const match = matchHead(head, size ?? Infinity);
  if (match.node && match.wrong === 0) return true;
  if (match.graph && match.version && match.wrong === 0) return true;
  if (!/\.onnx$/iu.test(name)) return false;
  // A name may hide neither behind a field that nothing knows nor behind a long one that comes first.
  return match.node || match.right > 1;
}

function matchHead(head: Uint8Array, size: number): HeadMatch {
  const match = { right: 0, wrong: 0, node: false, graph: false, version: false };
  for (const field of fieldsWhileRight(head, size)) {
    const row = SCHEMA.model[field.number];
    if (row === undefined) continue;
    if (!hasRightType(row, field.type)) {
      match.wrong++;
      continue;
    }
    match.right++;
    if (field.number === FIELD.irVersion) match.version = field.value > 0 && field.value < 1 << 20;
    // A first field that reaches beyond the head leaves nothing else to see.
    if (field.end > head.length && match.right === 1) match.right++;
    if (field.number !== FIELD.graph) continue;
    const graph = nestedFields(head, field, "graph");
    match.graph ||= graph.length > 0;
    match.node ||= graph.some((node) => node.number === 1 && isNode(head, node));
  }
  return match;
}

/** The fields at the beginning of a message, as far as they are well-formed. */
function* fieldsWhileRight(bytes: Uint8Array, size: number): Iterable<WireField> {
  try {
    yield* fieldsOf(bytes, size);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

/** The fields of a message in a payload, offsets as in `head`; none when one is not of that kind. */
function nestedFields(
  head: Uint8Array,
  { start, end }: WireField,
  kind: Kind,
): readonly WireField[] {
  const fields: WireField[] = [];
  const bytes = head.subarray(start, end);
  for (const field of fieldsWhileRight(bytes, end - start)) {
    const row = SCHEMA[kind][field.number];
    if (row !== undefined && !hasRightType(row, field.type)) return [];
    if (row !== undefined) {
      fields.push({ ...field, start: start + field.start, end: start + field.end });
    }
    if (fields.length === 16) break;
  }
  return fields;
}

function isNode(head: Uint8Array, node: WireField): boolean {
  return nestedFields(head, node, "node").some(({ number, start, end }) =>
    number === FIELD.opType && end <= head.length && end - start <= OPERATOR_BYTES &&
    OPERATOR.test(new TextDecoder().decode(head.subarray(start, end)))
  );
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const form = formOf(context.sample)?.form;
  if (form === undefined) {
    yield* scanBinary(source, context);
    return;
  }
  const model = await textModel(source, context, form);
  for await (const batch of scanBinary(model.source, context)) yield batch.map(model.placed);
  if (model.error !== undefined) throw model.error;
}

/** Reads what a source of binary messages holds. */
async function* scanBinary(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const root = isTensorFile(context.sample) ? "tensor" : "model";
  const findings = new Findings(root);
  // The numbers of a forest are a field each: there are as many as a pickle has opcodes.
  const limits = { values: context.limits.opcodes };
  const checkDeadline = (): void => context.checkDeadline();
  const reader = new WireReader(source, { limits, checkDeadline });
  try {
    for await (const _ of walk(reader, findings, root)) yield [];
  } catch (error) {
    yield findings.all(context);
    throw error;
  }
  yield findings.all(context);
}

/** What is found on the walk. */
class Findings {
  readonly #operators = new Operators();
  readonly #externals = new Externals();
  readonly #errors: WireError[] = [];
  #more = 0;
  #version = 0;
  #opset = false;
  #graphs = 0;
  readonly #root: Kind;
  readonly #metadata: (readonly [name: string, text: string])[] = [];

  constructor(root: Kind) {
    this.#root = root;
  }

  ended(frame: Frame): void {
    switch (frame.kind) {
      case "node":
        this.#externals.addNode(frame);
        if (!this.#operators.add(frame)) {
          this.wireError({ kind: "type", detail: "A node has no operator", offset: frame.offset });
        }
        break;
      case "tensor":
        this.#externals.addTensor(frame);
        break;
      case "function":
        this.#operators.define(frame);
        break;
      case "graph":
        this.#graphs++;
        break;
      case "model":
        this.#version = frame.numbers.get(FIELD.irVersion) ?? 0;
        this.#opset = frame.numbers.has(FIELD.opsetImport);
        for (const entry of frame.parts) {
          if (entry.kind !== "entry") continue;
          this.#metadata.push([textOf(entry, FIELD.entryKey), textOf(entry, FIELD.entryValue)]);
        }
        break;
    }
  }

  wireError(error: WireError): void {
    // What is wrong inside a message is wrong in all that are around it.
    const last = this.#errors.at(-1);
    if (error.kind === "truncated" && last?.kind === "truncated") return;
    if (this.#errors.length < ANOMALIES_REPORTED) this.#errors.push(error);
    else this.#more++;
  }

  /** What every model has, and this one has not. */
  #lacking(): string | undefined {
    if (this.#root === "tensor") return undefined;
    if (this.#graphs === 0) return "graph";
    return this.#version >= OPSET_IR_VERSION && !this.#opset ? "operator set" : undefined;
  }

  all({ folder }: FormatContext): Observation[] {
    const anomalies = this.#errors.map(anomalyOf);
    const last = this.#errors.at(-1);
    if (this.#more > 0 && last !== undefined) {
      const detail = `${this.#more} further places are not well-formed`;
      anomalies.push(anomalyOf({ kind: "malformed", detail, offset: last.offset }));
    }
    const lacking = this.#lacking();
    if (lacking !== undefined && this.#errors.length === 0) {
      const detail = `There is no ${lacking}, so its end may be missing`;
      anomalies.push(anomalyOf({ kind: "malformed", detail, offset: 0 }));
    }
    if (this.#version > NEWEST_IR_VERSION) {
      const detail = `Its IR version is ${this.#version}, the newest known is ${NEWEST_IR_VERSION}`;
      anomalies.push({ type: "anomaly", rule: "onnx-newer-version", detail });
    }
    return [
      ...this.#operators.facts(),
      ...this.#externals.anomalies(folder),
      ...anomalies,
      ...metadataEntries("metadata_props", this.#metadata),
    ];
  }
}

function anomalyOf({ kind, detail, offset }: WireError): Observation {
  switch (kind) {
    case "truncated":
      return { type: "anomaly", rule: "onnx-truncated", detail, offset, unread: true };
    case "malformed":
      return { type: "anomaly", rule: "onnx-malformed", detail, offset, unread: true };
    case "type":
      return { type: "anomaly", rule: "onnx-odd-field", detail, offset };
  }
}
