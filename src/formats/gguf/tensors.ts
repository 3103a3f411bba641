/**
 * Types and places of a GGUF file's tensors, compared with each other and with the size of the file.
 * Block sizes are those of `ggml/src/ggml.c`.
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";

/** Elements of a block and bytes that it takes, by type. */
const BLOCKS: Readonly<Record<number, readonly [elements: number, bytes: number]>> = {
  0: [1, 4], // F32
  1: [1, 2], // F16
  2: [32, 18], // Q4_0
  3: [32, 20], // Q4_1
  6: [32, 22], // Q5_0
  7: [32, 24], // Q5_1
  8: [32, 34], // Q8_0
  9: [32, 36], // Q8_1
  10: [256, 84], // Q2_K
  11: [256, 110], // Q3_K
  12: [256, 144], // Q4_K
  13: [256, 176], // Q5_K
  14: [256, 210], // Q6_K
  15: [256, 292], // Q8_K
  16: [256, 66], // IQ2_XXS
  17: [256, 74], // IQ2_XS
  18: [256, 98], // IQ3_XXS
  19: [256, 50], // IQ1_S
  20: [32, 18], // IQ4_NL
  21: [256, 110], // IQ3_S
  22: [256, 82], // IQ2_S
  23: [256, 136], // IQ4_XS
  24: [1, 1], // I8
  25: [1, 2], // I16
  26: [1, 4], // I32
  27: [1, 8], // I64
  28: [1, 8], // F64
  29: [256, 56], // IQ1_M
  30: [1, 2], // BF16
  34: [256, 54], // TQ1_0
  35: [256, 66], // TQ2_0
  39: [32, 17], // MXFP4
  40: [64, 36], // NVFP4
  41: [128, 18], // Q1_0
};

/** Names of the types, as `ggml_type_name` has them. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  6: "Q5_0",
  7: "Q5_1",
  8: "Q8_0",
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  30: "BF16",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
  40: "NVFP4",
  41: "Q1_0",
};

/** The name of a type, for instance `Q4_K`; its number where it has none here. */
export function typeName(type: number): string {
  return Object.hasOwn(TYPE_NAMES, type) ? TYPE_NAMES[type] ?? "" : `type ${type}`;
}

/** Types that releases removed or kept to repacked layouts: known, but of no size here. */
const RETIRED = new Set([4, 5, 31, 32, 33, 36, 37, 38]);

/** `GGML_MAX_DIMS` and `GGML_MAX_NAME`. */
const DIMENSIONS = 4;
const NAME_BYTES = 64;

/** Beyond these a loader that counts with 64 bits wraps around. */
const COUNTABLE = 2n ** 63n;

/** A tensor as the header describes it. */
export interface GgufTensor {
  readonly name: string;
  readonly nameBytes: number;
  readonly dimensions: readonly bigint[];
  readonly type: number;
  /** From the start of the tensors' bytes. */
  readonly offset: bigint;
  /** Where the description stands. */
  readonly at: number;
}

/** A lie about a tensor. */
export type Mismatch = Extract<Observation, { readonly type: "anomaly" }>;

/** What is wrong with one tensor for itself, and the bytes that it takes where that is known. */
export function examine(
  tensor: GgufTensor,
  alignment: bigint,
): { readonly mismatches: Mismatch[]; readonly bytes: bigint | undefined } {
  const mismatches: Mismatch[] = [];
  const label = `The tensor "${tensor.name.slice(0, 120)}"`;
  const mismatch = (rule: string, detail: string): void => {
    mismatches.push({ type: "anomaly", rule, detail: `${label} ${detail}`, offset: tensor.at });
  };
  const { dimensions, type, offset } = tensor;
  if (tensor.nameBytes >= NAME_BYTES) {
    mismatch("gguf-tensor-name", `has a name of ${tensor.nameBytes} bytes; there is room for 63`);
  }
  if (dimensions.length > DIMENSIONS) {
    mismatch("gguf-dimensions", `has ${dimensions.length} dimensions, more than ${DIMENSIONS}`);
  }
  const count = dimensions.reduce((product, size) => product * size, 1n);
  if (dimensions.some((size) => size >= COUNTABLE) || count >= COUNTABLE) {
    mismatch("gguf-dimensions", `has ${count} elements, more than a machine can count`);
  }
  if (offset % alignment !== 0n) {
    mismatch("gguf-alignment-broken", `begins at ${offset}, no multiple of ${alignment}`);
  }
  const block = Object.hasOwn(BLOCKS, type) ? BLOCKS[type] : undefined;
  if (block === undefined) {
    const known = RETIRED.has(type) ? "which was removed" : "which does not exist";
    mismatch("gguf-tensor-type", `has the type ${type}, ${known}`);
    return { mismatches, bytes: undefined };
  }
  const [elements, bytes] = block;
  const rowLength = dimensions[0] ?? 1n;
  if (rowLength % BigInt(elements) !== 0n) {
    mismatch(
      "gguf-dimensions",
      `has rows of ${rowLength}, no multiple of its blocks of ${elements}`,
    );
  }
  const size = (count / BigInt(elements)) * BigInt(bytes);
  if (size >= COUNTABLE && count < COUNTABLE) {
    mismatch("gguf-dimensions", `takes ${size} bytes, more than a machine can count`);
  }
  return { mismatches, bytes: size };
}

/** Where a tensor lies. */
export interface Extent {
  readonly name: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** What is wrong with the tensors' places together, and where bytes are left that belong to none. */
export function compare(
  extents: readonly Extent[],
  dataBytes: bigint,
  alignment: bigint,
): {
  readonly mismatches: Mismatch[];
  readonly slack: readonly { from: bigint; to: bigint }[];
  /** Behind the last tensor. */
  readonly end: bigint;
} {
  const mismatches: Mismatch[] = [];
  const slack: { from: bigint; to: bigint }[] = [];
  const sorted = extents.toSorted((a, b) => a.from < b.from ? -1 : a.from > b.from ? 1 : 0);
  let end = 0n;
  let before = "";
  for (const { name, from, to } of sorted) {
    const label = `The tensor "${name.slice(0, 120)}"`;
    if (from < end) {
      const detail = `${label} overlaps "${before.slice(0, 120)}"`;
      mismatches.push({ type: "anomaly", rule: "gguf-overlap", detail });
    } else if (from - end >= alignment) {
      slack.push({ from: end, to: from < dataBytes ? from : dataBytes });
    }
    if (to > dataBytes) {
      mismatches.push({
        type: "anomaly",
        rule: "gguf-tensor-range",
        detail: `${label} ends at ${to} of ${dataBytes} bytes`,
        unread: true,
      });
    }
    if (to > end) [end, before] = [to, name];
  }
  if (dataBytes - end >= alignment) slack.push({ from: end, to: dataBytes });
  return { mismatches, slack: slack.filter(({ from, to }) => to > from), end };
}
