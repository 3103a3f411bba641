/**
 * Indices of vectors: hnswlib's, in one file or in Chroma's four, and FAISS's.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { readHnswHeader } from "../../parsers/hnsw_header.ts";

/** hnswlib, Chroma, FAISS. */
export const vectorIndexDescriptor: FormatDescriptor = {
  id: "vector-index",
  title: "Indices of vectors: hnswlib, Chroma, FAISS",
  role: "data",
  claims: [
    { label: "a FAISS index", extensions: "faiss" },
  ],
  readers: [
    {
      id: "hnswlib",
      malformedRule: "hnswlib-malformed",
      label: "an hnswlib index",
      under: "bin index hnsw",
      mayMatch: ({ head }) =>
        readHnswHeader(head, false) !== undefined || readHnswHeader(head, true) !== undefined,
      load: once(async () => (await import("./hnswlib.ts")).hnswlibFormat),
      samples: {
        harmful: "vector-index/suspicious/trailing.bin",
        harmless: "vector-index/safe/hnswlib.bin",
      },
    },
    {
      id: "faiss",
      malformedRule: "faiss-malformed",
      label: "a FAISS index",
      under: "faiss index bin",
      mayMatch: ({ head }) => head[0] === 0x49,
      load: once(async () => (await import("./faiss.ts")).faissFormat),
      samples: {
        harmful: "vector-index/suspicious/trailing.faiss",
        harmless: "vector-index/safe/flat.faiss",
      },
    },
  ],
  coverage: [
    ["hnswlib, Chroma", "header, vectors and links of every element to the end of the file"],
    ["FAISS", "flat indices; other kinds are named and not read"],
  ],
};
