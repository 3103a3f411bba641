/**
 * The element types of NumPy arrays, as `numpy.lib.format.descr_to_dtype` reads them from a
 * header: https://numpy.org/doc/stable/reference/arrays.dtypes.html
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { isList, isTuple, type Literal } from "../../parsers/python/literal.ts";

/** What matters of an element type. */
export interface ArrayType {
  /** As the header has it, cut to a line. */
  readonly text: string;
  /** True when elements are Python objects, or contain some. */
  readonly objects: boolean;
  /** Of one element; undefined when not known. */
  readonly bytes: number | undefined;
}

/** Nested structures; NumPy's own writer nests a handful. CWE-674. */
const DEPTH = 64;

/** Byte order, kind, width in elements of the kind, and the unit of times. */
const PLAIN = /^[<>=|]?(?<kind>[?bBiufcmMOSaUVT])(?<width>\d{0,9})(?:\[[^\]]*\])?$/u;

/** Bytes of one unit of width, and the width where none is given. */
const KINDS: Readonly<Record<string, readonly [unit: number, standard: number]>> = {
  "?": [1, 1],
  b: [1, 1],
  B: [1, 1],
  i: [1, 4],
  u: [1, 4],
  f: [1, 4],
  c: [1, 8],
  m: [1, 8],
  M: [1, 8],
  S: [1, 0],
  a: [1, 0],
  U: [4, 0],
  V: [1, 0],
};

/**
 * The element type that a header describes.
 *
 * @throws FormatError when it describes none
 */
export function arrayType(descr: Literal, depth = 0): ArrayType {
  if (depth > DEPTH) throw new FormatError("Cannot read array: its type nests too deep");
  if (typeof descr === "string") return plainType(descr);
  if (isTuple(descr)) return subarray(descr.items, depth);
  if (isList(descr)) return structure(descr, depth);
  throw new FormatError("Cannot read array: its type is no type");
}

function plainType(descr: string): ArrayType {
  const text = descr.slice(0, 80);
  const groups = PLAIN.exec(descr)?.groups;
  // NumPy takes any spelling here that `numpy.dtype` takes, such as "object" or "i4,O".
  if (groups === undefined) return { text, objects: /O|object/u.test(descr), bytes: undefined };
  const { kind = "", width = "" } = groups;
  const [unit, standard] = KINDS[kind] ?? [];
  return {
    text,
    objects: kind === "O",
    bytes: unit === undefined || standard === undefined
      ? undefined
      : unit * (width === "" ? standard : Number(width)),
  };
}

/** `(type, shape)`. */
function subarray(items: readonly Literal[], depth: number): ArrayType {
  const [descr, shape] = items;
  if (descr === undefined || shape === undefined) {
    throw new FormatError("Cannot read array: its type is a tuple of one");
  }
  const base = arrayType(descr, depth + 1);
  const lengths = isTuple(shape) ? shape.items : [shape];
  const count = lengths.reduce<number>((product, length) => product * Number(length), 1);
  const bytes = base.bytes === undefined ? undefined : base.bytes * count;
  return { ...base, bytes: Number.isSafeInteger(bytes) ? bytes : undefined };
}

/** `[(name, type), (name, type, shape), …]`; a name may be `(title, name)`. */
function structure(fields: readonly Literal[], depth: number): ArrayType {
  let bytes: number | undefined = 0;
  let objects = false;
  for (const field of fields) {
    const [, descr, shape] = isTuple(field) ? field.items : [];
    if (descr === undefined) throw new FormatError("Cannot read array: a field has no type");
    const type = shape === undefined
      ? arrayType(descr, depth + 1)
      : subarray([descr, shape], depth + 1);
    objects ||= type.objects;
    bytes = bytes === undefined || type.bytes === undefined ? undefined : bytes + type.bytes;
  }
  return { text: "structured", objects, bytes };
}
