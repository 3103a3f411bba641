/**
 * Facts about calls: what is called, with what, and what comes of it.
 *
 * @module
 */

import type { CallFact, GlobalName } from "../../core/types.ts";
import type { Call } from "./call.ts";
import { evidenceOf } from "./evidence.ts";
import { ownerOf } from "../machine/facts.ts";
import type { Heap } from "../machine/heap.ts";
import { renderCall } from "../tools/render.ts";

/** What a call comes down to, as `CallFact.targets` has it: undefined where that is not known. */
export interface Targets {
  readonly of: readonly GlobalName[] | undefined;
}

/** Logs a call; `targets` as in `CallFact`. */
export function logCall(heap: Heap, call: Call, targets?: Targets): void {
  const { entry, args, kwargs, via, at } = call;
  const { module, name } = entry;
  const { facts } = heap;
  const reached = targets?.of !== undefined && { targets: targets.of };
  const further = reached === false
    ? facts.countFurtherCall(entry)
    : facts.countFurther(ownerOf({ module, name, ...reached }));
  if (further) return;
  const shown = `${module}.${name}`;
  const fact: CallFact = {
    kind: "call",
    module,
    name,
    via,
    expression: renderCall(heap, shown, args, kwargs),
    evidence: evidenceOf(heap, entry.key, args, kwargs),
    ...reached,
  };
  if (reached === false) facts.addCall(entry, fact, at);
  else facts.add(fact, at);
}
