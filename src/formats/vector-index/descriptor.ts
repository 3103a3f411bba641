/**
 * Indices of vectors: hnswlib's, in one file or in Chroma's four, and FAISS's.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { readHnswHeader } from "../../parsers/hnsw_header.ts";

/** Kinds of FAISS index by the first four bytes: `write_index`, faiss/impl/index_write.cpp. */
const FAISS = [
  ...["IxFI", "IxF2", "IxFl", "IwFl", "IwFd", "IwPQ", "IwQR", "IvPQ", "IvQR", "IwSq", "IwSQ"],
  ...["IxPT", "IxPQ", "IxPo", "IxSQ", "IxHe", "IxLH", "IxMp", "IxM2", "IxRF", "IHNf", "IHNs"],
  ...["IHNp", "IHN2", "INSf", "INPf", "IBxF", "IBwF", "IBHf", "IBMp", "IBM2", "ImRQ", "IxRP"],
].map(ascii);

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
      mayMatch: ({ head }) => FAISS.some((magic) => startsWith(head, magic)),
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
