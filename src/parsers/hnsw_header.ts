/**
 * The header of hnswlib's index, which Chroma keeps in a file of its own behind a version.
 * `HierarchicalNSW::saveIndex`, https://github.com/nmslib/hnswlib/blob/master/hnswlib/hnswalg.h
 *
 * @module
 */

/** Bytes of the header. */
export const HNSW_HEADER_BYTES = 96;
/** With Chroma's version before it. */
export const CHROMA_HEADER_BYTES = 100;

/** Vectors of an index. No index of a trillion vectors is known. CWE-770. */
const ELEMENTS = 2 ** 40;

/** What a header says. */
export interface HnswHeader {
  /** Vectors that there are. */
  readonly elements: number;
  /** Vectors that there may be. */
  readonly mostElements: number;
  /** Bytes of a vector with its links of the lowest level and its label. */
  readonly elementBytes: number;
  /** Links of an element on a level above the lowest. */
  readonly links: number;
}

/**
 * Reads a header.
 *
 * @param persisted true for Chroma's, which begins with a version
 * @returns undefined when the numbers are none that an index has
 */
export function readHnswHeader(bytes: Uint8Array, persisted: boolean): HnswHeader | undefined {
  const start = persisted ? 4 : 0;
  if (bytes.length < start + HNSW_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, HNSW_HEADER_BYTES);
  const size = (at: number): number => Number(view.getBigUint64(at, true));
  const mostElements = size(8);
  const elements = size(16);
  const elementBytes = size(24);
  const labelOffset = size(32);
  const dataOffset = size(40);
  const level = view.getInt32(48, true);
  const entry = view.getUint32(52, true);
  const links = size(56);
  const baseLinks = size(64);
  const right = size(0) === 0 && elements <= mostElements && mostElements <= ELEMENTS &&
    // Links and their number, then the vector, then a label of 64 bits.
    baseLinks < 2 ** 20 && dataOffset === 4 * baseLinks + 4 && labelOffset >= dataOffset &&
    labelOffset < 2 ** 31 && elementBytes === labelOffset + 8 && links <= baseLinks &&
    size(72) === links && level >= -1 && level < 100 &&
    (elements === 0 || entry < elements) && view.getFloat64(80, true) > 0;
  return right ? { elements, mostElements, elementBytes, links } : undefined;
}
