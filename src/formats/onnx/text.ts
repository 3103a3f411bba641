/**
 * ONNX models in text, which `onnx.load` takes by their names: protobuf's text (`.textproto`, `.txtpb`, `.prototxt`,
 * `.pbtxt`), JSON (`.onnxjson`, `.json`) and ONNX's own notation (`.onnxtxt`, `.onnxtext`), read as the wire has
 * them. `onnx/serialization.py` of https://github.com/onnx/onnx
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1, looksLikeText } from "../../parsers/bytes.ts";
import { isObject, jsonLetters, parseJson } from "../../parsers/json.ts";
import { readJsonMessage } from "../../parsers/json_message.ts";
import { MessageSchema } from "../../parsers/message_schema.ts";
import type { MessageWriter } from "../../parsers/message_writer.ts";
import { firstField } from "../../parsers/text_head.ts";
import { readTextMessage } from "../../parsers/text_message.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readAll } from "../../sources/read_all.ts";
import { readTextualModel } from "./textual.ts";

/** Bytes of a model in text. With its weights a model of 50 MiB has some 200. CWE-770. */
const TEXT_BYTES = 384 * 1024 * 1024;
/** Values of a model in JSON. CWE-770. */
const VALUES = 16_000_000;

const TEXT = /\.(?:textproto|txtpb|prototxt|pbtxt|txt)$/iu;
const JSON_NAMES = /\.(?:onnxjson|json)$/iu;
const NOTATION = /\.onnxte?xt$/iu;

/** Fields of a model, one of which comes first, and what no other message has with them. */
const FIELDS = [
  ...["ir_version", "producer_name", "producer_version", "domain", "model_version", "doc_string"],
  ...["graph", "opset_import", "metadata_props", "training_info", "functions", "configuration"],
];
const FIRST = new Set(FIELDS);
const FIRST_KEYS = new Set([
  ...FIELDS,
  ...FIELDS.map((name) => name.replace(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase())),
]);
const WITHIN = /\b(?:ir_version|opset_import|op_type|external_data)\s*[:{<[]/u;
const KEYS =
  /"(?:irVersion|ir_version|opsetImport|opset_import|opType|op_type|externalData|external_data)"\s*:/u;

type Form = "text" | "json" | "notation";

/**
 * The form of a model in text.
 *
 * @returns the form with `certain: false` where the head breaks off in what may be one; undefined for what is none
 */
export function formOf(
  { head, name }: Sample,
): { readonly form: Form; readonly certain: boolean } | undefined {
  if (NOTATION.test(name)) return head.length > 0 ? { form: "notation", certain: true } : undefined;
  const form = JSON_NAMES.test(name) ? "json" : "text";
  if (form === "json" && /\.onnxjson$/iu.test(name)) {
    return head.length > 0 ? { form, certain: true } : undefined;
  }
  if (form === "text" && (!TEXT.test(name) || !looksLikeText(head))) return undefined;
  const seen = isModel(head, form);
  if (seen === false) return undefined;
  const certain = seen === true;
  return certain || head.length === SAMPLE_BYTES ? { form, certain } : undefined;
}

/** Whether text is a model; undefined where it may be one when it goes on. */
function isModel(bytes: Uint8Array, form: "text" | "json"): boolean | undefined {
  if (form === "json") {
    const text = jsonLetters(bytes);
    const { space, first } =
      /^(?<space>[^\x21-\x7e]*)(?:\{\s*"(?<first>[^"]*)"\s*:)?/u.exec(text)?.groups ?? {};
    if (space?.length === text.length) return undefined;
    if (first === undefined || !FIRST_KEYS.has(first)) return false;
    return KEYS.test(text) || undefined;
  }
  const first = firstField(bytes);
  if (first === "cut") return undefined;
  if (first === undefined || !FIRST.has(first.name)) return false;
  return WITHIN.test(latin1(bytes)) || undefined;
}

/**
 * Whether text whose head left it open is a model.
 *
 * @throws SourceError when the bytes cannot be had
 */
export async function isTextModel(
  source: Source,
  sample: Sample,
  check: () => void,
): Promise<boolean | undefined> {
  const form = formOf(sample)?.form;
  if (form === undefined || form === "notation") return false;
  if ((source.size ?? 0) > TEXT_BYTES) return undefined;
  return isModel(await readAll(source, TEXT_BYTES, "a model", check), form) === true;
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
 * @throws FormatError when it is nothing of its form
 * @throws LimitError and SourceError as `readAll` does
 */
export async function textModel(
  source: Source,
  context: FormatContext,
  form: Form,
): Promise<TextModel> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, TEXT_BYTES, "a model", check);
  const { writer, error } = await written(bytes, form, check);
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

async function written(
  bytes: Uint8Array,
  form: Form,
  check: () => void,
): Promise<{ readonly writer: MessageWriter; readonly error: FormatError | undefined }> {
  if (form === "notation") return readTextualModel(bytes, check);
  // Imported when it is wanted: the schema is no part of what binary models need.
  const { ONNX_MESSAGES } = await import("./text_schema.ts");
  const schema = new MessageSchema(ONNX_MESSAGES);
  if (form === "text") return readTextMessage(bytes, schema, "ModelProto", check);
  const { value, error: cut } = parseJson(bytes, VALUES);
  if (!isObject(value)) throw new FormatError("Cannot read model: its JSON is no object", 0);
  const { writer, error } = readJsonMessage(value, schema, "ModelProto", check);
  return { writer, error: cut === undefined ? error : new FormatError(cut.message, cut.offset) };
}
