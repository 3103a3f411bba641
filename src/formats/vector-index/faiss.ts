/**
 * FAISS's indices. Flat ones, which LangChain and most examples make, are read: a header and vectors.
 * The others are named. None holds code. `read_index_header`, `read_index_up`, faiss/impl/index_read.cpp.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** Flat indices by inner product, by Euclidean distance, by any metric. */
const FLAT = ["IxFI", "IxF2", "IxFl"];
/** Dimensions of a vector. The largest real ones have 16,000. CWE-770. */
const DIMENSIONS = 1 << 24;

/** FAISS's indices. */
export const faissFormat: Format = { id: "faiss", random: false, detect, scan };

/** Kinds by their first letters: `write_index` and `write_index_binary`, faiss/impl/index_write.cpp. */
const KINDS = /^I[xwvBHNmP2]\w\w$/u;
const BINARY = /^IB/u;
/** Bytes of the common header up to the metric. */
const HEADER = 33;

/** Kind, dimensions, number of vectors, and two words that are always 2^20. */
function detect({ head }: Sample): boolean {
  const kind = latin1(head, 4);
  if (!KINDS.test(kind)) return false;
  if (head.length < HEADER) return FLAT.includes(kind);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  // Vectors of bits: dimensions, and the bytes that these take.
  if (BINARY.test(kind)) {
    const bits = view.getInt32(4, true);
    return bits > 0 && bits === 8 * view.getInt32(8, true);
  }
  return view.getBigInt64(16, true) === 1n << 20n && view.getBigInt64(24, true) === 1n << 20n;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline() });
  const kind = await cursor.text(4);
  if (BINARY.test(kind)) {
    yield [unreadKind(kind)];
    return;
  }
  const dimensions = await cursor.i32();
  const vectors = await cursor.i64();
  await cursor.skip(16);
  const trained = await cursor.u8();
  const metric = await cursor.i32();
  if (dimensions < 0 || dimensions > DIMENSIONS || vectors < 0 || trained > 1) {
    throw new FormatError(
      `Cannot read FAISS index: ${vectors} vectors of ${dimensions} numbers`,
      4,
    );
  }
  if (!FLAT.includes(kind)) {
    yield [unreadKind(kind)];
    return;
  }
  // Metrics beyond the first two have an argument.
  if (metric > 1) await cursor.skip(4);
  const at = cursor.offset;
  const numbers = await cursor.u64();
  if (numbers !== vectors * dimensions) {
    throw new FormatError(
      `Cannot read FAISS index: ${vectors * dimensions} numbers are declared, ${numbers} are there`,
      at,
    );
  }
  await cursor.skip(4 * numbers);
  yield await behindEnd(source, cursor.offset);
}

function unreadKind(kind: string): Observation {
  return {
    type: "anomaly",
    rule: "faiss-kind",
    detail: `It is of the kind "${kind}", which this version does not read`,
    unread: true,
  };
}
