/**
 * Goes through an ONNX model on the wire, message by message, without recursion: what is collected is
 * handed on when a message ends. Tensors are stepped over.
 *
 * @module
 */

import type { WireField, WireMessage, WireReader } from "../../parsers/protobuf.ts";
import { FormatError } from "../../core/errors.ts";
import { FIELD, type FieldRow, hasRightType, type Kind, SCHEMA } from "./schema.ts";

/** Bytes kept of a name. The longest in 298 models has 67. CWE-770. */
const NAME_BYTES = 512;
/** Bytes kept of any other text. Longer ones are cut: their beginning is evidence. CWE-770. */
const TEXT_BYTES = 2048;
/**
 * Bytes kept of a text in a model's metadata: the names of 10,000 classes. No longer one is known. CWE-770.
 */
const METADATA_BYTES = 256 * 1024;
/** Texts kept of one message; an attribute may list millions of words. The most seen are 15. CWE-770. */
const TEXTS_KEPT = 64;
/** Messages looked into between two pauses. */
const STEPS_PER_PAUSE = 16_384;

/** A text of the file. */
interface Text {
  readonly field: number;
  readonly text: string;
  readonly cut: boolean;
}

/** A message that was or is being read. */
export interface Frame {
  readonly kind: Kind;
  /** Where its tag is. */
  readonly offset: number;
  readonly parent: Frame | undefined;
  readonly texts: Text[];
  /** The last value of each number kept. */
  readonly numbers: Map<number, number>;
  /** Messages in it that are handed on with it: attributes of a node, entries of a tensor. */
  readonly parts: Frame[];
}

/** Something that is no ONNX, or not to its end. */
export interface WireError {
  readonly kind: "malformed" | "truncated" | "type";
  readonly detail: string;
  readonly offset: number;
}

/** What is reported while walking. */
interface Visitor {
  /** A node, a tensor, a function or the model has ended. */
  ended(frame: Frame): void;
  wireError(error: WireError): void;
}

interface Open extends Frame {
  readonly message: WireMessage;
}

/**
 * Walks the message that a source holds. Yields to the event loop at intervals.
 *
 * @param root the message that the source is
 * @throws LimitError when there are too many fields, or time is up
 * @throws SourceError when the bytes cannot be had
 */
export async function* walk(
  reader: WireReader,
  visitor: Visitor,
  root: Kind = "model",
): AsyncGenerator<void> {
  const stack: Open[] = [open(root, reader.message(), 0, undefined)];
  let steps = 0;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    let field: WireField | undefined;
    try {
      const next = top.message.next();
      field = next instanceof Promise ? await next : next;
    } catch (error) {
      visitor.wireError(wireErrorOf(error, top.message, reader));
    }
    if (field === undefined) {
      stack.pop();
      close(top, visitor);
      continue;
    }
    const row = SCHEMA[top.kind][field.number];
    if (row === undefined) continue;
    if (!hasRightType(row, field.type)) {
      visitor.wireError(wrongType(top, field));
      continue;
    }
    if (row.message !== undefined) enter(stack, top, row.message, field, visitor, reader);
    else {
      const kept = keep(top, row, field, reader);
      if (kept !== undefined) await kept;
    }
    if (++steps % STEPS_PER_PAUSE === 0) yield;
  }
}

function open(
  kind: Kind,
  message: WireMessage,
  offset: number,
  parent: Frame | undefined,
): Open {
  return { kind, message, offset, parent, texts: [], numbers: new Map(), parts: [] };
}

function enter(
  stack: Open[],
  top: Open,
  kind: Kind,
  field: WireField,
  visitor: Visitor,
  reader: WireReader,
): void {
  try {
    stack.push(open(kind, top.message.enter(field), field.offset, top));
  } catch (error) {
    visitor.wireError(wireErrorOf(error, top.message, reader));
  }
}

/** Keeps what a row says is kept; a promise only where bytes are not at hand. */
function keep(
  frame: Open,
  row: FieldRow,
  field: WireField,
  reader: WireReader,
): Promise<void> | undefined {
  if (row.number) frame.numbers.set(field.number, field.value);
  if (!row.text || frame.texts.length >= TEXTS_KEPT) return undefined;
  const isMetadata = frame.kind === "entry" && frame.parent?.kind === "model";
  const most = isName(frame.kind, field.number)
    ? NAME_BYTES
    : isMetadata
    ? METADATA_BYTES
    : TEXT_BYTES;
  const cut = field.end - field.start > most;
  const add = (text: string): void => {
    frame.texts.push({ field: field.number, text, cut });
  };
  const text = reader.text(field, most);
  if (text instanceof Promise) return text.then(add);
  add(text);
  return undefined;
}

function isName(kind: Kind, field: number): boolean {
  if (kind === "entry") return field === FIELD.entryKey;
  return kind !== "attribute" || field === FIELD.attributeName;
}

function close(frame: Frame, visitor: Visitor): void {
  const { kind, parent } = frame;
  if (parent !== undefined && (kind === "entry" || kind === "attribute")) {
    if (parent.parts.length < TEXTS_KEPT) parent.parts.push(frame);
  }
  visitor.ended(frame);
}

/** Parsers take a known field of another wire type for an unknown one and step over it. */
function wrongType(frame: Frame, { number, type, offset }: WireField): WireError {
  const detail = `Field ${number} of a ${frame.kind} has wire type ${type}`;
  return { kind: "type", detail, offset };
}

/** @throws the error itself when it is not about the bytes */
function wireErrorOf(error: unknown, message: WireMessage, { source }: WireReader): WireError {
  if (!(error instanceof FormatError)) throw error;
  const offset = error.offset ?? 0;
  const cut = /length is more|cut off/u.test(error.message) && message.end === source.size;
  return { kind: cut ? "truncated" : "malformed", detail: error.message, offset };
}

/** The last text under a field number, as protobuf has it; empty when there is none. */
export function textOf(frame: Frame, field: number): string {
  for (let at = frame.texts.length - 1; at >= 0; at--) {
    const found = frame.texts[at];
    if (found?.field === field) return found.cut ? `${found.text}…` : found.text;
  }
  return "";
}
