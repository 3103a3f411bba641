/**
 * hnswlib's index: a header (`parsers/hnsw_header.ts`), all vectors with their links of the lowest
 * level, then the links of the other levels element by element. It holds no code. Chroma's `header.bin`
 * is the header alone. `HierarchicalNSW::loadIndex`.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import {
  CHROMA_HEADER_BYTES,
  HNSW_HEADER_BYTES,
  type HnswHeader,
  readHnswHeader,
} from "../../parsers/hnsw_header.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** hnswlib's indices. */
export const hnswlibFormat: Format = { id: "hnswlib", random: true, detect, scan };

function detect({ head }: Sample): boolean {
  return readHnswHeader(head, false) !== undefined || readHnswHeader(head, true) !== undefined;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { head } = context.sample;
  const header = readHnswHeader(head, false);
  if (header === undefined) {
    yield await behindEnd(source, CHROMA_HEADER_BYTES);
    return;
  }
  const check = () => context.checkDeadline();
  let end: number;
  try {
    end = await endOf(source, header, 0, check);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // Chroma's variant of the library writes the length of each vector before the links.
    end = await endOf(source, header, header.elements * 4, check);
  }
  yield await behindEnd(source, end);
}

/**
 * Goes through an index to its end.
 *
 * @param lengths bytes between the vectors and the links
 * @throws FormatError when it is cut off or an element's links are of another size
 */
async function endOf(
  source: Source,
  { elements, elementBytes, links }: HnswHeader,
  lengths: number,
  check: () => void,
): Promise<number> {
  const cursor = new SourceCursor(source, { check });
  await cursor.skip(HNSW_HEADER_BYTES + elements * elementBytes + lengths);
  const levelBytes = 4 * links + 4;
  for (let element = 0; element < elements; element++) {
    const at = cursor.offset;
    const length = await cursor.u32();
    if (length % levelBytes !== 0) {
      throw new FormatError(
        `Cannot read links of element ${element}: they have ${length} bytes`,
        at,
      );
    }
    await cursor.skip(length);
  }
  return cursor.offset;
}
