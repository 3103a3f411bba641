/**
 * Tensors over storages, as torch rebuilds them: a tensor that reaches past its storage, or two that
 * disagree about one storage, read memory that is not theirs (CVE-2026-24747).
 *
 * Source: `_rebuild_tensor`, `_rebuild_tensor_v2` in torch's `torch/_utils.py`; persistent ids as
 * `torch.save` writes them in `torch/serialization.py`.
 *
 * @module
 */

import type { Siblings } from "../../core/types.ts";
import type { Heap } from "../machine/heap.ts";
import { CONTAINER, type Handle, NONE, UNKNOWN } from "../machine/values.ts";

/** Bytes of one element, by the storage class's name in front of "Storage". */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  __proto__: null as never,
  Double: 8,
  Float: 4,
  Half: 2,
  BFloat16: 2,
  Long: 8,
  Int: 4,
  Short: 2,
  Char: 1,
  Byte: 1,
  Bool: 1,
  ComplexDouble: 16,
  ComplexFloat: 8,
  QUInt8: 1,
  QInt8: 1,
  QInt32: 4,
  QUInt4x2: 1,
  QUInt2x4: 1,
  Untyped: 1,
};

/** Bytes of one element of a storage class; undefined for a class that torch does not have. */
export function elementBytes(heap: Heap, storage: Handle): number | undefined {
  const entry = heap.globalOf(storage);
  if (entry === undefined || !/^torch(\.|$)/.test(entry.module)) return undefined;
  return ELEMENT_BYTES[entry.name.replace(/Storage$/, "")];
}

/** A storage as a persistent id describes it. */
export interface StorageId {
  readonly key: string;
  /** `module.name` of the storage class. */
  readonly type: string;
  /** Elements; undefined when the id does not say. */
  readonly count: number | undefined;
  /** Bytes of an element; undefined for a class that torch does not have. */
  readonly elementBytes: number | undefined;
}

/** Reads the persistent id `("storage", class, key, location, count)`; undefined when it is none. */
export function storageId(heap: Heap, id: Handle): StorageId | undefined {
  const [tag, type, key, , count] = heap.itemsOf(id, CONTAINER.TUPLE) ?? [];
  if (heap.textOf(tag ?? NONE) !== "storage" || type === undefined) return undefined;
  const name = heap.textOf(key ?? NONE);
  const entry = heap.globalOf(type);
  if (name === undefined || entry === undefined) return undefined;
  return {
    key: name,
    type: `${entry.module}.${entry.name}`,
    count: heap.integerOf(count ?? UNKNOWN),
    elementBytes: elementBytes(heap, type),
  };
}

/**
 * What is wrong with `_rebuild_tensor_v2(storage, offset, size, stride, …)`: a sentence, or undefined.
 *
 * @param args undefined where they are not known
 */
export function tensorMismatch(
  heap: Heap,
  args: readonly Handle[] | undefined,
): string | undefined {
  if (args === undefined) return "what a tensor takes is not known";
  const value = persistentOf(heap, args[0] ?? UNKNOWN);
  if (value === undefined) return undefined;
  const storage = storageId(heap, value.id);
  if (storage === undefined) {
    return isForeign(heap, value.id) ? undefined : "which storage a tensor takes is not known";
  }
  const offset = heap.integerOf(args[1] ?? UNKNOWN);
  const size = integers(heap, args[2]);
  const stride = integers(heap, args[3]);
  if (
    storage.count === undefined || offset === undefined || size === undefined ||
    stride === undefined
  ) {
    return `what a tensor takes of storage "${storage.key}" is not known`;
  }
  if (size.length !== stride.length) {
    return `a tensor over storage "${storage.key}" has ${size.length} sizes and ${stride.length} strides`;
  }
  if ([offset, ...size, ...stride].some((number) => number < 0)) {
    return `a tensor over storage "${storage.key}" has a negative offset, size or stride`;
  }
  if (size.includes(0)) return undefined;
  const last = stride.reduce((sum, step, axis) => sum + ((size[axis] ?? NaN) - 1) * step, offset);
  return last < storage.count
    ? undefined
    : `a tensor reaches element ${last} of storage "${storage.key}", which has ${storage.count}`;
}

/** Whether a persistent id is certainly none of torch's: a literal, or a tuple that begins with another tag. */
function isForeign(heap: Heap, id: Handle): boolean {
  const tag = heap.itemsOf(id, CONTAINER.TUPLE)?.[0] ?? id;
  const text = heap.textOf(tag);
  return text === undefined ? heap.exactInteger(tag) !== undefined : text !== "storage";
}

/** What a persistent id stands for, as it is or as one of what it may be. */
function persistentOf(heap: Heap, handle: Handle): { readonly id: Handle } | undefined {
  const value = heap.valueOf(handle);
  switch (value?.type) {
    case "persistent":
      return value;
    case "picked":
      return persistentOf(heap, value.value);
    case "oneOf":
      return value.values.map((each) => persistentOf(heap, each)).find((each) =>
        each !== undefined
      );
    default:
      return undefined;
  }
}

function integers(heap: Heap, handle: Handle | undefined): number[] | undefined {
  const items = handle === undefined
    ? undefined
    : heap.itemsOf(handle, CONTAINER.TUPLE, CONTAINER.LIST)?.map((item) => heap.integerOf(item));
  return items?.every((item) => item !== undefined) ? items as number[] : undefined;
}

/**
 * Storages that two persistent ids describe differently, or that differ from their bytes, as sentences.
 *
 * @param siblings the checkpoint's files; storages lie in `data/`
 */
export function storageMismatches(
  heap: Heap,
  ids: readonly Handle[],
  siblings?: Siblings,
): string[] {
  const known = new Map<string, StorageId>();
  const mismatches: string[] = [];
  for (const id of ids) {
    const storage = storageId(heap, id);
    if (storage === undefined) continue;
    const before = known.get(storage.key);
    const bytes = before === undefined ? siblings?.size(`data/${storage.key}`) : undefined;
    const wanted = (storage.count ?? NaN) * (storage.elementBytes ?? NaN);
    if (bytes !== undefined && wanted !== bytes && !Number.isNaN(wanted)) {
      mismatches.push(`storage "${storage.key}" has ${bytes} bytes, its tensors say ${wanted}`);
    }
    if (before === undefined) known.set(storage.key, storage);
    else if (before.type !== storage.type || before.count !== storage.count) {
      mismatches.push(
        `storage "${storage.key}" is ${before.count} of ${before.type} in one place and ` +
          `${storage.count} of ${storage.type} in another`,
      );
    }
    if (mismatches.length >= MISMATCHES_REPORTED) break;
  }
  return mismatches;
}

/**
 * Tells the archive which of its files the pickle has read as storages, and how long each would be.
 * `torch.load` looks a storage up by its key in `data/` and takes its bytes as they are
 * (`load_tensor` in `torch/serialization.py`).
 */
export function claimStorages(heap: Heap, ids: readonly Handle[], siblings: Siblings): void {
  for (const id of ids) {
    const storage = storageId(heap, id);
    const bytes = (storage?.count ?? NaN) * (storage?.elementBytes ?? NaN);
    // What has no known length is claimed with one that fits nothing.
    if (storage !== undefined) siblings.claim?.(`data/${storage.key}`, bytes);
  }
}

/** Mismatches reported for one stream. An intact file has none. CWE-779. */
export const MISMATCHES_REPORTED = 16;
