/**
 * The classes of abstract values.
 *
 * @module
 */

import type { GlobalName } from "../../core/types.ts";
import type { Heap } from "./heap.ts";
import { type Handle, KIND, kindOf } from "./values.ts";

/** Functions that give instances of one class, whatever they are given (`_compile` in CPython's `re`). */
const GIVEN: Readonly<Record<string, GlobalName>> = {
  __proto__: null as never,
  "re._compile": { module: "re", name: "Pattern" },
  "re.compile": { module: "re", name: "Pattern" },
};

/** The class of a value whose class is known. */
export function typeOf(heap: Heap, object: Handle): GlobalName | undefined {
  const instance = heap.instanceOf(object);
  if (instance !== undefined) return GIVEN[instance.key] ?? instance;
  if (object < 0) {
    const names = ["tuple", "list", "dict", "set", "frozenset"];
    return { module: "builtins", name: names[heap.containers.kind(object)] ?? "object" };
  }
  switch (kindOf(object)) {
    case KIND.STRING:
      return { module: "builtins", name: "str" };
    case KIND.BYTES:
      return { module: "builtins", name: "bytes" };
    case KIND.INTEGER:
    case KIND.NEGATIVE:
      return { module: "builtins", name: "int" };
    default: {
      const type = heap.valueOf(object)?.type;
      if (type === "text") return { module: "builtins", name: "str" };
      return type === "bytes" ? { module: "builtins", name: "bytes" } : undefined;
    }
  }
}
