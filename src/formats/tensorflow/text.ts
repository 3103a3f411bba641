/**
 * TensorFlow's graphs in text (`saved_model.pbtxt`, `graph.pbtxt`, `.meta`): read as the wire has them, and then as
 * graphs in binary are. https://www.tensorflow.org/api_docs/python/tf/io/write_graph, `loader_impl.py` of
 * `tf.saved_model`, `read_meta_graph_file` of `tf.train.import_meta_graph`
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { MessageSchema } from "../../parsers/message_schema.ts";
import { firstField } from "../../parsers/text_head.ts";
import { readTextMessage } from "../../parsers/text_message.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Kind } from "./detect.ts";

/** Bytes of a graph in text. Frozen graphs with their weights have some hundred megabytes. CWE-770. */
const TEXT_BYTES = 384 * 1024 * 1024;

type TextKind = Exclude<Kind, "fingerprint">;

/** What a graph is, by the field that comes first. */
const FIRST: Readonly<Record<string, TextKind>> = {
  __proto__: null as never,
  saved_model_schema_version: "saved-model",
  meta_graphs: "saved-model",
  meta_info_def: "meta-graph",
  graph_def: "meta-graph",
  saver_def: "meta-graph",
  collection_def: "meta-graph",
  signature_def: "meta-graph",
  asset_file_def: "meta-graph",
  object_graph_def: "meta-graph",
  node: "graph",
  library: "graph",
  versions: "graph",
  version: "graph",
  debug_info: "graph",
};

const ROOTS: Readonly<Record<TextKind, string>> = {
  "saved-model": "SavedModel",
  "meta-graph": "MetaGraphDef",
  "graph": "GraphDef",
};

/** Names under which loaders take text for a graph. */
const NAMED = /(?:\.pbtxt|\.meta)$/iu;

/**
 * What a graph in text is.
 *
 * @returns "undecided" where the head is all comments; undefined for what is none
 */
export function textKindOf({ head, name }: Sample): TextKind | "undecided" | undefined {
  if (!looksLikeText(head)) return undefined;
  const first = firstField(head);
  if (first === "cut") {
    return NAMED.test(name) && head.length === SAMPLE_BYTES ? "undecided" : undefined;
  }
  const kind = first === undefined ? undefined : FIRST[first.name];
  if (kind !== "graph" || NAMED.test(name)) return kind;
  // Other messages have nodes and versions, too; in a graph each node has an operator.
  const text = new TextDecoder("latin1").decode(head);
  return /\bop\s*:\s*["']/u.test(text) ? kind : undefined;
}

/** Whether a text whose head is all comments is a graph. @throws SourceError when the bytes cannot be had */
export async function isTextGraph(
  source: Source,
  check: () => void,
): Promise<boolean | undefined> {
  if ((source.size ?? 0) > TEXT_BYTES) return undefined;
  return kindOf(await readAll(source, TEXT_BYTES, "a graph", check)) !== undefined;
}

function kindOf(text: Uint8Array): TextKind | undefined {
  const first = firstField(text);
  return first === undefined || first === "cut" ? undefined : FIRST[first.name];
}

/**
 * Reads a graph in text.
 *
 * @param scan reads it as binary
 * @throws FormatError when it is not well-formed, behind what came before
 */
export async function* scanText(
  source: Source,
  context: FormatContext,
  scan: (source: Source, kind: TextKind) => AsyncIterable<readonly Observation[]>,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const text = await readAll(source, TEXT_BYTES, "a graph", check);
  yield [];
  const kind = kindOf(text);
  if (kind === undefined) {
    throw new FormatError("Cannot read graph: its first field is none of a graph", 0);
  }
  // Imported when it is wanted: the schema is no part of what binary graphs need.
  const { TENSORFLOW_MESSAGES } = await import("./text_schema.ts");
  const schema = new MessageSchema(TENSORFLOW_MESSAGES);
  const { writer, error } = readTextMessage(text, schema, ROOTS[kind], check);
  for await (const batch of scan(bytesSource(source.name, writer.bytes), kind)) {
    yield batch.map((observation) => placed(observation, (offset) => writer.placeOf(offset)));
  }
  if (error !== undefined) throw error;
}

/** An observation with its place in the text; what lies in a graph that was computed has none there. */
function placed(observation: Observation, place: (offset: number) => number): Observation {
  if (observation.type !== "fact" && observation.type !== "anomaly") return observation;
  const { offset, within = [] } = observation;
  if (offset === undefined || within.some((it) => it.startsWith("graph computed"))) {
    return observation;
  }
  return { ...observation, offset: place(offset) };
}
