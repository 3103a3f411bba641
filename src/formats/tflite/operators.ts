/**
 * Builtin operators of TensorFlow Lite: which codes there are, and which of their options lead to other
 * subgraphs or are divisors.
 *
 * Source: `BuiltinOperator`, `BuiltinOptions` and `BuiltinOptions2` of the schema, of release 2.21.
 *
 * @module
 */

/** The highest code of release 2.21, `STABLEHLO_CASE`. */
export const LAST_BUILTIN = 209;
/** `CUSTOM`: the kernel is found by the name in the model. */
export const CUSTOM = 32;
/** `STABLEHLO_CUSTOM_CALL`: names a target; no kernel of TensorFlow Lite runs one. */
export const CUSTOM_CALL = 173;
/** `DELEGATE`, and the mark for codes above 127: no model has either. */
export const NO_OPERATORS: readonly number[] = [51, 127];

/** What of an operator's options is compared. */
interface OptionFields {
  /** Which union the options are in: `builtin_options`, or `builtin_options_2`. */
  readonly union: 1 | 2;
  /** Its type there. */
  readonly type: number;
  /** Slots of numbers of subgraphs. */
  readonly subgraphs?: readonly number[];
  /** Slot of a vector of such numbers. */
  readonly branches?: number;
  /** Slots of numbers that kernels divide by; 0 where the file leaves them out. */
  readonly divisors?: readonly number[];
}

const POOL: OptionFields = { union: 1, type: 5, divisors: [1, 2] };

/** By the operator's code. */
export const OPTIONS: ReadonlyMap<number, OptionFields> = new Map<number, OptionFields>([
  // AVERAGE_POOL_2D, L2_POOL_2D, MAX_POOL_2D: strides.
  [1, POOL],
  [12, POOL],
  [17, POOL],
  // CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV: strides.
  [3, { union: 1, type: 1, divisors: [1, 2] }],
  [4, { union: 1, type: 2, divisors: [1, 2] }],
  [67, { union: 1, type: 49, divisors: [1, 2] }],
  // IF, WHILE, CALL_ONCE.
  [118, { union: 1, type: 92, subgraphs: [0, 1] }],
  [119, { union: 1, type: 93, subgraphs: [0, 1] }],
  [129, { union: 1, type: 103, subgraphs: [0] }],
  // StableHLO: reduce, scatter, reduce window, sort, while, composite, case.
  [174, { union: 2, type: 6, subgraphs: [1] }],
  [190, { union: 2, type: 7, subgraphs: [6] }],
  [198, { union: 2, type: 13, subgraphs: [5] }],
  [199, { union: 2, type: 14, subgraphs: [2] }],
  [200, { union: 2, type: 15, subgraphs: [0, 1] }],
  [206, { union: 2, type: 21, subgraphs: [1] }],
  [209, { union: 2, type: 23, branches: 0 }],
]);

/**
 * Bits of an element by the tensor's type; 0 for those without a fixed size: STRING, RESOURCE, VARIANT.
 * A type beyond the table is unknown.
 */
export const ELEMENT_BITS: readonly number[] = [
  ...[32, 16, 32, 8, 64, 0, 8, 16, 64, 8, 64],
  ...[128, 64, 0, 0, 32, 16, 4, 16, 2, 4],
];
