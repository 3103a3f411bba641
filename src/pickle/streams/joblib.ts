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
import { CONTAINER, type Handle, NONE, UNKNOWN } from "../machine/values.ts";

/** What follows an array wrapper. */
type ArrayExtent =
  | { readonly kind: "raw"; readonly bytes: number; readonly padded: boolean }
  | { readonly kind: "pickle" };

/** What follows the wrapper; undefined when its state does not say. */
export function arrayExtent(heap: Heap, wrapper: Handle): ArrayExtent | undefined {
  const value = heap.valueOf(wrapper);
  if (value?.type !== "call" || value.state === undefined) return undefined;
  const attribute = attributesOf(heap, value.state);
  const dtype = attribute("dtype");
  const shape = attribute("shape");
  const size = dtype === undefined ? undefined : itemSize(heap, dtype);
  const lengths = shape === undefined
    ? undefined
    : heap.itemsOf(shape, CONTAINER.TUPLE, CONTAINER.LIST)?.map((item) => heap.integerOf(item));
  if (size === "object") return { kind: "pickle" };
  if (size === undefined || lengths === undefined) return undefined;
  let bytes = size;
  for (const length of lengths) {
    if (length === undefined || length < 0) return undefined;
    bytes *= length;
  }
  if (!Number.isSafeInteger(bytes)) return undefined;
  const alignment = attribute("numpy_array_alignment_bytes");
  const padded = alignment !== undefined && alignment !== NONE;
  // Any value but None means padding to joblib; what is none of the file's literals could be either.
  if (padded && heap.integerOf(alignment) === undefined && typeOf(heap, alignment) === undefined) {
    return undefined;
  }
  return { kind: "raw", bytes, padded };
}

/** BUILD takes a dictionary, or a pair of them, of which the second is written over the first. */
function attributesOf(heap: Heap, state: Handle): (name: string) => Handle | undefined {
  const pair = heap.itemsOf(state, CONTAINER.TUPLE);
  if (pair?.length !== 2) return (name) => heap.entry(state, name);
  const [first = UNKNOWN, second = UNKNOWN] = pair;
  return (name) => heap.entry(second, name) ?? heap.entry(first, name);
}

/** Flag NPY_ITEM_HASOBJECT of a dtype's state (numpy's `ndarraytypes.h`). */
const HAS_OBJECT = 1;

/** Bytes of one item of a `numpy.dtype(...)` with its state, "object" for object dtypes. */
function itemSize(heap: Heap, dtype: Handle): number | "object" | undefined {
  const value = heap.valueOf(dtype);
  if (value?.type !== "call") return undefined;
  const code = heap.textOf(value.args?.[0] ?? UNKNOWN);
  const match = code === undefined ? null : /^[<>=|]?([a-zA-Z?])(\d*)$/.exec(code);
  if (match === null) return undefined;
  const state = value.state === undefined ? undefined : heap.itemsOf(value.state, CONTAINER.TUPLE);
  const flags = state?.[7] === undefined ? 0 : heap.integerOf(state[7]) ?? 0;
  if (match[1] === "O" || (flags & HAS_OBJECT) !== 0) return "object";
  if (/[SUVa]/.test(match[1] ?? "")) {
    // Only types of any length take one from their state (`arraydescr_setstate` of numpy).
    const stated = state?.[5] === undefined ? -1 : heap.integerOf(state[5]) ?? -1;
    if (stated >= 0) return stated;
  }
  if (match[2] === "") return match[1] === "?" ? 1 : undefined;
  return Number(match[2]) * (match[1] === "U" ? 4 : 1);
}
