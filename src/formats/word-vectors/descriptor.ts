/**
 * Vectors of words: fastText's models, and the formats of word2vec in binary and text.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { latin1 } from "../../parsers/bytes.ts";

/** fastText and word2vec. */
export const wordVectorsDescriptor: FormatDescriptor = {
  id: "word-vectors",
  title: "fastText and word2vec",
  role: "data",
  claims: [
    { label: "a fastText model", extensions: "ftz" },
  ],
  readers: [
    {
      id: "fasttext",
      malformedRule: "fasttext-malformed",
      label: "a fastText model",
      under: "bin ftz model",
      mayMatch: ({ head }) =>
        head[0] === 0xba && head[1] === 0x16 && head[2] === 0x4f && head[3] === 0x2f,
      load: once(async () => (await import("./fasttext.ts")).fasttextFormat),
      samples: {
        harmful: "word-vectors/suspicious/trailing.bin",
        harmless: "word-vectors/safe/supervised.bin",
      },
    },
    {
      id: "word2vec",
      malformedRule: "word2vec-malformed",
      label: "word vectors",
      under: "bin vec txt text model w2v",
      mayMatch: mayBeWord2vec,
      load: once(async () => (await import("./word2vec.ts")).word2vecFormat),
      samples: {
        harmful: "word-vectors/suspicious/trailing_vectors.bin",
        harmless: "word-vectors/safe/vectors.bin",
      },
    },
  ],
  coverage: [
    ["fastText", "dictionary, matrices and quantizers to the end of the file"],
    ["word2vec, binary and text", "every word and vector to the end of the file"],
  ],
};

/** Number of words, a space, number of dimensions, a line feed. */
function mayBeWord2vec({ head }: Sample): boolean {
  return /^[1-9]\d{0,8} [1-9]\d{0,4}\n/u.test(latin1(head, 16));
}
