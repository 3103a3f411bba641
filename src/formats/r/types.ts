/**
 * Numbers of R's serialization: types of items (`Rinternals.h`), pseudo-types in their place, and the
 * flags packed with them (R Internals 1.8, `serialize.c`).
 *
 * @module
 */

/** SEXPTYPEs and the administrative codes from 238 on. */
export const TYPE = {
  symbol: 1,
  pairlist: 2,
  closure: 3,
  environment: 4,
  promise: 5,
  call: 6,
  special: 7,
  builtin: 8,
  char: 9,
  logical: 10,
  integer: 13,
  real: 14,
  complex: 15,
  string: 16,
  dots: 17,
  list: 19,
  expression: 20,
  bytecode: 21,
  externalPointer: 22,
  weakReference: 23,
  raw: 24,
  object: 25,
  altrep: 238,
  attributedPairlist: 239,
  attributedCall: 240,
  baseEnvironment: 241,
  emptyEnvironment: 242,
  repeatReference: 243,
  repeatDefinition: 244,
  persistent: 247,
  package: 248,
  namespace: 249,
  baseNamespace: 250,
  missingArgument: 251,
  unboundValue: 252,
  globalEnvironment: 253,
  nullValue: 254,
  reference: 255,
} as const;

export const HAS_ATTRIBUTES = 1 << 9;
export const HAS_TAG = 1 << 10;
/** `ACTIVE_BINDING_MASK` of `Defn.h`, bit 15 of the levels, which begin at bit 12 of the flags. */
export const ACTIVE_BINDING = 1 << 27;

/** Cells of pairs, read one after the other: `ReadItem_Iterative`. */
export const PAIRS: ReadonlySet<number> = new Set([
  ...[TYPE.pairlist, TYPE.call, TYPE.closure, TYPE.promise, TYPE.dots],
]);

/** What stands before code among the constants of bytecode: `ReadBCConsts`. */
export const BYTECODE_CELLS: ReadonlySet<number> = new Set([
  ...[TYPE.call, TYPE.pairlist, TYPE.repeatDefinition, TYPE.repeatReference],
  ...[TYPE.attributedCall, TYPE.attributedPairlist],
]);

/** Bytes of an element of the vectors of numbers. */
export const WIDTHS: ReadonlyMap<number, 1 | 4 | 8 | 16> = new Map([
  [TYPE.logical, 4],
  [TYPE.integer, 4],
  [TYPE.real, 8],
  [TYPE.complex, 16],
  [TYPE.raw, 1],
]);
