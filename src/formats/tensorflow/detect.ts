/**
 * Tells TensorFlow's messages apart by their first bytes. None has a magic number: a message is taken
 * for what its fields, and the fields in these, look like.
 *
 * @module
 */

import { fieldsOf, WIRE, type WireField } from "../../parsers/protobuf.ts";
import { FormatError } from "../../core/errors.ts";
import * as at from "./fields.ts";

/** What a message may be. */
export type Kind = "saved-model" | "meta-graph" | "graph" | "fingerprint";

/** Fields of one message that detection reads. */
const FIELDS = 24;

/** So many entries that all look like nodes are nodes. */
const ALIKE = 8;

/** Names of nodes and operators: framework/node_def.proto, op_def.proto, and what importers write. */
const NODE_NAME = /^[A-Za-z0-9.>_][\w.\\/>:=-]{0,1023}$/u;
const OP_NAME = /^[A-Za-z_>][\w.>/-]{0,255}$/u;

/** True for a text that may be the name of a node. */
export function isNodeName(text: string): boolean {
  return NODE_NAME.test(text);
}

/** True for a text that may be the name of an operator or function. */
export function isOperatorName(text: string): boolean {
  return OP_NAME.test(text);
}

/** A message of which the beginning is at hand. */
interface Head {
  readonly bytes: Uint8Array;
  /** Bytes in all. */
  readonly length: number;
}

/**
 * What a message is.
 *
 * @param length size of the complete message in bytes
 * @param named true when its name already claims TensorFlow: then no node is required
 * @returns undefined when it is none of them
 */
export function kindOf(bytes: Uint8Array, length: number, named = false): Kind | undefined {
  const head = { bytes, length };
  if (isSavedModel(head, named)) return "saved-model";
  if (isMetaGraph(head, named)) return "meta-graph";
  if (isGraph(head, named)) return "graph";
  return isFingerprint(head) ? "fingerprint" : undefined;
}

/** The fields at the beginning, as far as they are well-formed; none of them is read twice. */
function fields({ bytes, length }: Head): readonly WireField[] {
  const found: WireField[] = [];
  try {
    for (const field of fieldsOf(bytes, length)) {
      found.push(field);
      if (found.length === FIELDS) break;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return found;
}

function into({ bytes }: Head, { start, end }: WireField): Head {
  return { bytes: bytes.subarray(start, Math.min(end, bytes.length)), length: end - start };
}

/** Text of a field that is in memory completely. */
function text({ bytes }: Head, { type, start, end }: WireField): string | undefined {
  if (type !== WIRE.bytes || end > bytes.length || end - start > 2048) return undefined;
  return new TextDecoder().decode(bytes.subarray(start, end));
}

function hasText(head: Head, list: readonly WireField[], number: number, form: RegExp): boolean {
  return list.some((field) => field.number === number && form.test(text(head, field) ?? ""));
}

function isSavedModel(head: Head, named: boolean): boolean {
  const list = fields(head);
  if (list.some(({ number, type }) => number === 1 && type !== WIRE.varint)) return false;
  return list.some((field) =>
    field.number === at.SAVED_MODEL.metaGraphs && field.type === WIRE.bytes &&
    isMetaGraph(into(head, field), named)
  );
}

function isMetaGraph(head: Head, named: boolean): boolean {
  const list = fields(head);
  if (!known(list, at.META_GRAPH.objects, named)) return false;
  return list.some((field) =>
    (field.number === at.META_GRAPH.metaInfo && isMetaInfo(into(head, field))) ||
    (field.number === at.META_GRAPH.graph && isGraph(into(head, field), named))
  );
}

/** True when all fields are among the first numbers and hold bytes; a name makes up for others. */
function known(list: readonly WireField[], last: number, named: boolean): boolean {
  return named || list.every(({ number, type }) => number <= last && type === WIRE.bytes);
}

function isMetaInfo(head: Head): boolean {
  const list = fields(head);
  if (hasText(head, list, at.META_INFO.tensorflowVersion, /^(?:\d+\.\d+|unknown)/u)) return true;
  return list.some((field) =>
    field.number === at.META_INFO.operators && field.type === WIRE.bytes &&
    fields(into(head, field)).some((op) =>
      op.number === at.OP_LIST.op && op.type === WIRE.bytes && isOp(into(into(head, field), op))
    )
  );
}

function isOp(head: Head): boolean {
  const list = fields(head);
  return hasText(head, list, at.OP.name, OP_NAME) && list.every(({ number }) => number <= 21);
}

function isGraph(head: Head, named: boolean): boolean {
  const list = fields(head);
  const { node, library, version, debug } = at.GRAPH;
  const right = list.every(({ number, type }) =>
    number <= debug && type === (number === version ? WIRE.varint : WIRE.bytes)
  );
  if (!right && !named) return false;
  const bytes = list.filter(({ type }) => type === WIRE.bytes);
  if (bytes.some((it) => it.number === library && isLibrary(into(head, it)))) return true;
  const nodes = bytes.filter((it) => it.number === node && isNode(into(head, it), named));
  if (nodes.length === 0) return false;
  // A map of text to text looks like nodes of which nothing says more than name and operator.
  return named || nodes.length >= ALIKE || list.some(({ number }) => number !== node) ||
    nodes.some((it) => fields(into(head, it)).length > 2);
}

function isNode(head: Head, named: boolean): boolean {
  const list = fields(head);
  const right = list.every(({ number, type }) => number <= at.NODE_FIELDS && type === WIRE.bytes);
  const op = hasText(head, list, at.NODE.op, OP_NAME);
  if (op && (named || (right && hasText(head, list, at.NODE.name, NODE_NAME)))) return true;
  // An attribute that comes first and is longer than what is at hand hides the operator.
  return named && right &&
    list.some((field) =>
      field.number === at.NODE.attr && field.end > head.bytes.length &&
      fields(into(head, field)).some(({ number, type }) =>
        number <= at.ENTRY.value && type === WIRE.bytes
      )
    );
}

function isLibrary(head: Head): boolean {
  return fields(head).some((field) => {
    if (field.number !== at.LIBRARY.functions || field.type !== WIRE.bytes) return false;
    const definition = into(head, field);
    return fields(definition).some((part) =>
      (part.number === at.FUNCTION.signature && isOp(into(definition, part))) ||
      (part.number === at.FUNCTION.nodes && isNode(into(definition, part), false))
    );
  });
}

/** Small, nothing but checksums, and at least three of them: a shorter one may be anything. */
function isFingerprint(head: Head): boolean {
  const { checksums, versions, uuid } = at.FINGERPRINT;
  if (head.length > 512 || head.bytes.length < head.length) return false;
  let sum = 0;
  try {
    for (const { number, type, end, start } of fieldsOf(head.bytes)) {
      if (number <= checksums && type === WIRE.varint) sum += end - start > 5 ? 1 : 0;
      else if ((number !== versions && number !== uuid) || type !== WIRE.bytes) return false;
    }
  } catch {
    return false;
  }
  return sum >= 3;
}
