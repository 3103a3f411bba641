/**
 * `keras_metadata.pb`, which stands beside `saved_model.pb` where Keras 2 wrote it: a protobuf
 * message `SavedMetadata` whose nodes carry the configurations of layers as JSON
 * (`tensorflow/python/keras/protobuf/saved_metadata.proto`). Loading the model builds its layers from
 * these, Lambda layers included.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { fieldsOf, WIRE } from "../../parsers/protobuf.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";

/** Bytes of the metadata; those of the largest models have some megabytes. CWE-770. */
const METADATA_BYTES = 64 * 1024 * 1024;
/** `SavedMetadata.nodes`, `SavedObject.node_path`, `.identifier` and `.metadata`. */
const NODES = 1;
const NODE_PATH = 3;
const METADATA = 5;

/** Keras metadata of a SavedModel. */
export const kerasMetadataFormat: Format = { id: "keras-metadata", random: false, detect, scan };

/** A first node, and either what Keras calls its nodes or the name that Keras looks for. */
function detect({ name, head }: Sample): boolean {
  if (head[0] !== (NODES << 3 | WIRE.bytes)) return false;
  const marked = /_tf_keras_(?:layer|model|network|metric|sequential|input_layer|rnn_layer)/u;
  return baseName(name) === "keras_metadata.pb" || marked.test(latin1(head, 4096));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = (await source.read(0, METADATA_BYTES + 1)).slice();
  if (bytes.length > METADATA_BYTES) {
    throw new LimitError("values", `The metadata is longer than ${METADATA_BYTES} bytes`);
  }
  let index = 0;
  for (const field of fieldsOf(bytes)) {
    context.checkDeadline();
    if (field.number !== NODES || field.type !== WIRE.bytes) continue;
    yield [...nodeOf(bytes.subarray(field.start, field.end), index++, field.start)];
  }
}

/** The configuration of one node; what is wrong with one leaves the others readable. */
function* nodeOf(node: Uint8Array, index: number, offset: number): Iterable<Observation> {
  let path = `node ${index}`;
  try {
    for (const field of fieldsOf(node)) {
      if (field.type !== WIRE.bytes) continue;
      const payload = node.subarray(field.start, field.end);
      if (field.number === NODE_PATH) path = new TextDecoder().decode(payload.subarray(0, 512));
      if (field.number !== METADATA || payload.length === 0) continue;
      const source = bytesSource(path, payload);
      yield { type: "entry", source, part: path, hint: HINT.kerasConfig };
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    yield {
      type: "anomaly",
      rule: "keras-metadata-malformed",
      detail: error.message,
      offset: offset + (error.offset ?? 0),
      unread: true,
    };
  }
}
