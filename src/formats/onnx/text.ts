/**
 * ONNX models in protobuf's text (`.textproto`, `.txtpb`, `.prototxt`, `.pbtxt`), which `onnx.load` takes by their
 * names: read as the wire has them. `onnx/serialization.py` of https://github.com/onnx/onnx
 *
 * @module
 */

import type { FormatError } from "../../core/errors.ts";
import type { FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { MessageSchema } from "../../parsers/message_schema.ts";
import { readTextMessage } from "../../parsers/text_message.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a model in text. With its weights a model of 50 MiB has some 200. CWE-770. */
const TEXT_BYTES = 384 * 1024 * 1024;

const NAMED = /\.(?:textproto|txtpb|prototxt|pbtxt|txt)$/iu;

/** Fields that come first in a model, and what no other message has with them. */
const FIRST = new Set([
  ...["ir_version", "producer_name", "producer_version", "domain", "model_version", "doc_string"],
  ...["graph", "opset_import", "metadata_props", "training_info", "functions", "configuration"],
]);
const WITHIN = /\b(?:ir_version|opset_import|op_type)\s*[:{<[]/u;

/** True for a model in text. */
export function isTextModel({ head, name }: Sample): boolean {
  if (!NAMED.test(name) || !looksLikeText(head)) return false;
  const text = new TextDecoder("latin1").decode(head);
  const first = /^(?:[ \t\n\v\f\r]|#[^\n]*\n)*([a-z_]+)[ \t\n\v\f\r]*[:{<[]/u.exec(text)?.[1];
  return first !== undefined && FIRST.has(first) && WITHIN.test(text);
}

/** A model in text as the wire has it. */
interface TextModel {
  readonly source: Source;
  readonly error: FormatError | undefined;
  /** An observation about the source, with its place in the text. */
  placed(observation: Observation): Observation;
}

/**
 * Reads a model in text.
 *
 * @throws LimitError and SourceError as `readAll` does
 */
export async function textModel(source: Source, context: FormatContext): Promise<TextModel> {
  const check = (): void => context.checkDeadline();
  const text = await readAll(source, TEXT_BYTES, "a model", check);
  // Imported when it is wanted: the schema is no part of what binary models need.
  const { ONNX_MESSAGES } = await import("./text_schema.ts");
  const { writer, error } = readTextMessage(
    text,
    new MessageSchema(ONNX_MESSAGES),
    "ModelProto",
    check,
  );
  return {
    source: bytesSource(source.name, writer.bytes),
    error,
    placed: (observation) => {
      if (observation.type !== "fact" && observation.type !== "anomaly") return observation;
      const { offset } = observation;
      return offset === undefined
        ? observation
        : { ...observation, offset: writer.placeOf(offset) };
    },
  };
}
