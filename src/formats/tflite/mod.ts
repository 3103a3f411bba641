/**
 * TensorFlow Lite's models (LiteRT): a FlatBuffer with subgraphs of operators over tensors.
 *
 * Schema: `tensorflow/compiler/mlir/lite/schema/schema.fbs`. How it is loaded:
 * `tensorflow/compiler/mlir/lite/core/model_builder_base.h`, `tensorflow/lite/core/interpreter_builder.cc`.
 * Builtin operators compute. Those whose names begin with `Flex` are kernels of TensorFlow, run by the
 * delegate of `tensorflow/lite/delegates/flex/kernel.cc`, which goes by the NodeDef in their options
 * alone; other custom ones are native code of the application. Interpreters trust indices and sizes that
 * were refused only in later releases.
 *
 * @module
 */

import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { FlatBuffer } from "../../parsers/flatbuffer.ts";
import { ModelWalk } from "./walk.ts";

const IDENTIFIER = ascii("TFL3");

/** TensorFlow Lite's models. */
export const tfliteFormat: Format = { id: "tflite", random: true, detect, scan };

function detect({ head }: Sample): boolean {
  return startsWith(head, IDENTIFIER, 4);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const buffer = new FlatBuffer(source, { check });
  yield* new ModelWalk(source, buffer, check).scan();
}
