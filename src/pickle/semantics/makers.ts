/**
 * Calls that make a class, or an instance of one that is not the function's own.
 *
 * @module
 */

import type { GlobalEntry, Heap } from "../machine/heap.ts";
import { CONTAINER, type Handle } from "../machine/values.ts";

/** Whether arguments are those of a metaclass: a name, bases that are imported, attributes. */
export function makesClass(heap: Heap, args: Handle): boolean {
  const { containers } = heap;
  if (args >= 0 || containers.count(args) !== 3) return false;
  const [name, bases, attributes] = containers.list(args, 3);
  if (name === undefined || bases === undefined || attributes === undefined) return false;
  const isName = heap.isMade(name) || heap.valueOf(name)?.type === "text" || heap.isWritten(name);
  const areBases = bases < 0
    ? containers.kind(bases) === CONTAINER.TUPLE &&
      containers.list(bases).every((base) => heap.globalOf(base) !== undefined || heap.isMade(base))
    : heap.isMade(bases);
  const areAttributes = attributes < 0
    ? containers.kind(attributes) === CONTAINER.DICT
    : heap.isMade(attributes);
  return isName && areBases && areAttributes;
}

/** Whether a call makes an instance of a class: its own `__new__`, or that of a harmless class which it inherits. */
export function makesInstance(
  heap: Heap,
  { key, module, name }: GlobalEntry,
  cls: Handle,
): boolean {
  const made = heap.globalOf(cls);
  if (made === undefined || !name.endsWith(".__new__")) return false;
  if (key === `${made.key}.__new__`) return true;
  const base = heap.entryOf(module, name.slice(0, -".__new__".length));
  return base.quiet || base.restorable;
}
