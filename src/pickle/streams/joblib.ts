/**
 * Raw arrays between opcodes, as joblib writes them.
 *
 * `joblib.numpy_pickle.NumpyArrayWrapper` is pickled where an array stood; the array's bytes follow
 * the BUILD opcode, after a byte that counts padding when the wrapper knows of alignment
 * (`NumpyArrayWrapper.read_array` of joblib's `numpy_pickle.py`). An array of objects is a pickle of
 * its own instead.
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import { typeOf } from "../machine/classes.ts";
import type { ArrayAttributes } from "../machine/semantics.ts";
import { madeOf } from "../semantics/possible.ts";
import { CONTAINER, type Handle, NONE } from "../machine/values.ts";

/** What follows an array wrapper. */
export type ArrayExtent =
  | { readonly kind: "raw"; readonly bytes: number; readonly padded: boolean }
  | { readonly kind: "pickle" };

/** What may follow a value which may be an array wrapper. */
interface ArrayExtents {
  /** What its attributes say; undefined when they do not. */
  readonly stated: ArrayExtent | undefined;
  /** True when it is certainly that. */
  readonly exact: boolean;
}

/** What follows a value with these attributes. */
export function arrayExtents(heap: Heap, attributes: ArrayAttributes): ArrayExtents {
  const { alignment, known } = attributes;
  const { value: type, exact: sureType } = nearest(heap, attributes.dtype, itemType);
  if (type === undefined) return { stated: undefined, exact: false };
  if (type.hasObject === true) return { stated: { kind: "pickle" }, exact: known && sureType };
  const { value: count, exact: sureCount } = nearest(heap, attributes.shape, itemCount);
  const bytes = count === undefined || type.size === undefined
    ? undefined
    : BigInt(type.size) * count;
  if (bytes === undefined || bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    return { stated: undefined, exact: false };
  }
  // Any value but None means padding to joblib; what is none of the file's literals could be either.
  const padded = alignment !== undefined && alignment !== NONE;
  const isLiteral = !padded || heap.exactInteger(alignment) !== undefined ||
    (typeOf(heap, alignment) !== undefined && heap.instanceOf(alignment) === undefined);
  return {
    stated: { kind: "raw", bytes: Number(bytes), padded },
    exact: known && sureType && sureCount && type.hasObject === false && isLiteral,
  };
}

/** What a value is, or the first of those that it is made of, which it may be. */
function nearest<T>(
  heap: Heap,
  handle: Handle | undefined,
  read: (heap: Heap, handle: Handle) => T | undefined,
): { readonly value: T | undefined; readonly exact: boolean } {
  if (handle === undefined) return { value: undefined, exact: false };
  const value = read(heap, handle);
  if (value !== undefined) return { value, exact: true };
  const { values } = madeOf(heap, handle, (each) => read(heap, each) !== undefined, 1);
  return { value: values[0] === undefined ? undefined : read(heap, values[0]), exact: false };
}

/** Items of an array, as the product of 64-bit integers has it; undefined when that is not known. */
function itemCount(heap: Heap, shape: Handle): bigint | undefined {
  const lengths = heap.itemsOf(shape, CONTAINER.TUPLE, CONTAINER.LIST);
  if (lengths === undefined) return undefined;
  let count = 1n;
  for (const item of lengths) {
    const length = heap.exactInteger(item);
    if (length === undefined || length < 0n) return undefined;
    count *= length;
    // The product wraps around to what another version may not have.
    if (count >= 2n ** 63n) return undefined;
  }
  return count;
}

/** Flag NPY_ITEM_HASOBJECT of a dtype's state (numpy's `ndarraytypes.h`). */
const HAS_OBJECT = 1n;
/** Bytes of the types that numpy has on every system, by kind and number in their code. */
const SIZES: ReadonlySet<string> = new Set(
  "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f12 f16 c8 c16 c24 c32 m8 M8 O8 O4".split(" "),
);

/** The item layout that a dtype states; undefined when it states none. */
interface ItemType {
  /** Bytes of one. */
  readonly size: number | undefined;
  /** Whether they are objects; undefined when that is not known. */
  readonly hasObject: boolean | undefined;
}

/** A `numpy.dtype(...)` with its state. */
function itemType(heap: Heap, dtype: Handle): ItemType | undefined {
  const value = heap.valueOf(dtype);
  if (value?.type === "picked") return itemType(heap, value.value);
  if (value?.type !== "call") return undefined;
  const meanings = heap.globalOf(value.callee)?.meanings;
  // `StringDType.hasobject` is true for every one that the function gives back.
  if (meanings?.includes("string-dtype") && value.state === undefined) {
    return { size: undefined, hasObject: true };
  }
  if (!meanings?.includes("dtype")) return undefined;
  const [name] = value.args ?? [];
  const code = name === undefined ? undefined : heap.textOf(name);
  const match = code === undefined ? null : /^[<>=|]?([a-zA-Z?])(\d{0,9})$/.exec(code);
  const { kwargs } = value;
  const isBare = kwargs === undefined || heap.isEmpty(kwargs);
  if (match === null || !isBare) return undefined;
  const [, letter = "", digits = ""] = match;
  const flexible = /[SUVa]/.test(letter);
  const own = letter === "?" && digits === ""
    ? 1
    : flexible && digits !== ""
    ? Number(digits) * (letter === "U" ? 4 : 1)
    : SIZES.has(letter + digits)
    ? Number(digits)
    : undefined;
  const isObject = letter === "O";
  if (value.state === undefined) return sized({ size: own, hasObject: isObject });
  return sized(withState(heap, value.state, { size: own, hasObject: isObject }, flexible));
}

/** joblib divides by the size of an item: it raises where that is zero. */
function sized({ size, hasObject }: ItemType): ItemType {
  return { size: size === 0 ? undefined : size, hasObject };
}

/** The dtype after `__setstate__` (`arraydescr_setstate` in numpy's `descriptor.c`). */
function withState(heap: Heap, state: Handle, own: ItemType, flexible: boolean): ItemType {
  const items = heap.itemsOf(state, CONTAINER.TUPLE);
  const integer = (at: number): bigint | undefined =>
    items?.[at] === undefined ? undefined : heap.exactInteger(items[at]);
  const [version, size, flags] = [integer(0), integer(5), integer(7)];
  // Only types of any length take one from their state.
  const stated = flexible ? size !== undefined && size > 0n ? Number(size) : undefined : own.size;
  // Other versions have no flags, or compute them from the fields.
  const hasState = (version === 3n && items?.length === 8) ||
    (version === 4n && items?.length === 9);
  if (!hasState || flags === undefined) return { size: stated, hasObject: undefined };
  const hasObject = (flags & HAS_OBJECT) !== 0n;
  // An object type whose flags deny it is no type that numpy makes.
  if (own.hasObject === true && !hasObject) return { size: stated, hasObject: undefined };
  return { size: stated, hasObject };
}
