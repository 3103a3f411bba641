/**
 * TensorFlow's graphs: `saved_model.pb` (SavedModel), `.meta` (MetaGraphDef) and frozen `.pb`
 * (GraphDef), protobuf messages without a magic number, and the same in text (`text.ts`). https://www.tensorflow.org/guide/saved_model,
 * https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core
 *
 * A graph is a program. TensorFlow runs its operators when a signature is called, and some of them
 * while the model is loaded: they may read and write files, connect to servers and call Python. Every
 * node is observed, whether it is in the graph, in a function of its library (where TensorFlow 2 keeps
 * nearly all) or in a graph that is itself a constant. Tensors are not read.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { WireReader } from "../../parsers/protobuf.ts";
import { sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { readAll } from "../../sources/read_all.ts";
import { isDescriptorSet, SET_BYTES } from "./descriptor_set.ts";
import { type Kind, kindOf } from "./detect.ts";
import { isTextGraph, scanText, textKindOf } from "./text.ts";

/** TensorFlow graphs. */
export const tensorflowFormat: Format = {
  id: "tensorflow",
  random: true,
  detect,
  isUndecided: (sample) => textKindOf(sample) === "undecided",
  detectFurther: (source, _sample, checkDeadline) => isTextGraph(source, checkDeadline),
  scan,
};

/** Names that loaders read as graphs without checking the content. */
const NAMED = /(?:\.pb|\.meta)$/iu;

function detect(sample: Sample): boolean {
  const { name, head, size } = sample;
  if (kindOf(head, size ?? Infinity, NAMED.test(name)) !== undefined) return true;
  const text = textKindOf(sample);
  return text !== undefined && text !== "undecided";
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { name, head } = context.sample;
  const size = source.size ?? 0;
  const kind = kindOf(head, size, NAMED.test(name));
  if (kind === "fingerprint") return;
  if (kind === undefined) {
    if (textKindOf(context.sample) !== undefined) {
      yield* scanText(source, context, (inner, of) => scanGraphs(inner, context, of, false));
    }
    return;
  }
  if (kind === "graph" && size <= SET_BYTES && /\.proto[^\w.]/u.test(latin1(head, 300))) {
    const check = () => context.checkDeadline();
    if (isDescriptorSet(await readAll(source, SET_BYTES, "a graph", check))) return;
  }
  yield* scanGraphs(source, context, kind, true);
}

/** Reads what a source of messages holds; `binary` where the file itself is one. */
async function* scanGraphs(
  source: Source,
  context: FormatContext,
  kind: Kind,
  binary: boolean,
): AsyncIterable<readonly Observation[]> {
  const { GraphWalk } = await import("./walk.ts");
  const open = (each: Source): WireReader => new WireReader(each, context);
  const walk = new GraphWalk(open, source, context.interest);
  let failure: { readonly error: unknown } | undefined;
  try {
    yield* walk.scan(kind, source.size ?? 0);
  } catch (error) {
    failure = { error };
  }
  // A text is of one kind, by the names of its fields.
  if (binary) yield await walk.otherwise(kind, source, source.size ?? 0);
  if (failure !== undefined) throw failure.error;
  for (const { start, end, where } of walk.metadata) {
    const part = `keras metadata of ${where}`;
    const json = sliceSource(part, source, start, end - start);
    yield [{ type: "entry", source: json, part, hint: HINT.kerasConfig }];
  }
}
