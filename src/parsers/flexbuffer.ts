/**
 * The texts of a FlexBuffer's vector: FlatBuffers without a schema, in which kernels of TensorFlow Lite
 * keep their attributes. https://flatbuffers.dev/flexbuffers/, `flexbuffers.h`
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** Types of `flexbuffers::Type`: texts, and maps and vectors of several types or of texts alone. */
const TYPE = { key: 4, string: 5, map: 9, vector: 10, keys: 14, strings: 15, blob: 25 } as const;

/** A value's place in the bytes, its type, and the width in bytes of what it holds. */
interface Reference {
  readonly at: number;
  readonly type: number;
  readonly width: number;
}

/**
 * The texts in the vector or map that is the root, as bytes; undefined for an item that is none.
 *
 * @throws FormatError when the root is no vector, or an offset leads outside
 */
export function flexTexts(bytes: Uint8Array): readonly (Uint8Array | undefined)[] {
  const root = rootOf(bytes);
  const typed = root.type === TYPE.strings || root.type === TYPE.keys;
  // A map's values are a vector, and `AsVector` takes it for one.
  if (root.type !== TYPE.vector && root.type !== TYPE.map && !typed) {
    throw new FormatError("The attributes are no vector");
  }
  const at = root.at;
  const length = numberAt(bytes, at - root.width, root.width);
  const types = at + length * root.width;
  if (!(types + (typed ? 0 : length) <= bytes.length)) throw outside();
  return Array.from({ length }, (_, index) => {
    const packed = typed ? typedItem(root.type) : numberAt(bytes, types + index, 1);
    return textOf(bytes, referenceAt(bytes, at + index * root.width, root.width, packed));
  });
}

/** The root: its packed type and its width are the last two bytes. */
function rootOf(bytes: Uint8Array): Reference {
  if (bytes.length < 3) throw new FormatError("The attributes are cut off");
  const width = numberAt(bytes, bytes.length - 1, 1);
  const packed = numberAt(bytes, bytes.length - 2, 1);
  return referenceAt(bytes, bytes.length - 2 - width, width, packed);
}

/** The type of a typed vector's items, with a width of one byte, which texts of their own override. */
function typedItem(vector: number): number {
  return (vector === TYPE.strings ? TYPE.string : TYPE.key) << 2;
}

function referenceAt(bytes: Uint8Array, at: number, parent: number, packed: number): Reference {
  return {
    at: at - numberAt(bytes, at, parent),
    type: packed >> 2,
    width: 1 << (packed & 3),
  };
}

function textOf(bytes: Uint8Array, { at, type, width }: Reference): Uint8Array | undefined {
  if (type !== TYPE.string && type !== TYPE.blob) return undefined;
  const length = numberAt(bytes, at - width, width);
  if (!(at + length <= bytes.length)) throw outside();
  return bytes.subarray(at, at + length);
}

/** An unsigned little-endian number; its width is 1, 2, 4 or 8 bytes. */
function numberAt(bytes: Uint8Array, at: number, width: number): number {
  if (!(at >= 0 && at + width <= bytes.length && [1, 2, 4, 8].includes(width))) throw outside();
  let value = 0;
  for (let index = width - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? NaN);
  return value;
}

function outside(): FormatError {
  return new FormatError("The attributes lead outside of themselves");
}
