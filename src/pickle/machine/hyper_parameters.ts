/**
 * What a checkpoint's plain dictionaries name for a loader to import and call: PyTorch Lightning's
 * `load_from_checkpoint` calls `_instantiator` of the hyper-parameters, also where the pickle itself was
 * loaded with `weights_only`. `lightning/pytorch/core/saving.py`, `_load_state`; CVE-2026-58659
 *
 * @module
 */

import type { Heap } from "./heap.ts";
import { CONTAINER, type Handle, UNKNOWN } from "./values.ts";

/** Keys of a checkpoint under which hyper-parameters lie, those of older releases too. */
const HELD = [
  ...["hyper_parameters", "datamodule_hyper_parameters", "hparams", "module_arguments"],
  ...["config", "cfg"],
];
/** Keys whose text is imported and called. */
const CALLED: ReadonlySet<string> = new Set(["_instantiator", "_target_", "class_path"]);
/** Containers looked into. Real hyper-parameters have some hundreds. CWE-770. */
const CONTAINERS = 2000;

/**
 * Adds a fact for each name in the hyper-parameters of a checkpoint.
 *
 * @param result the value under STOP
 * @param at virtual offset of the STOP
 */
export function tellTargets(heap: Heap, result: Handle, at: number): void {
  const dictionary = heap.itemsOf(result, CONTAINER.DICT);
  if (dictionary === undefined || dictionary.length > CONTAINERS) return;
  const waiting: Handle[] = [];
  for (let index = 0; index + 1 < dictionary.length; index += 2) {
    const key = heap.textOf(dictionary[index] ?? UNKNOWN);
    if (key !== undefined && HELD.includes(key)) waiting.push(dictionary[index + 1] ?? UNKNOWN);
  }
  const seen = new Set<Handle>();
  for (
    let next = waiting.pop();
    next !== undefined && seen.size < CONTAINERS;
    next = waiting.pop()
  ) {
    if (next >= 0 || seen.has(next)) continue;
    seen.add(next);
    const items = heap.itemsOf(next) ?? [];
    const isDictionary = heap.containers.kind(next) === CONTAINER.DICT;
    for (const [index, item] of items.slice(0, CONTAINERS).entries()) {
      waiting.push(item);
      if (!isDictionary || index % 2 === 0) continue;
      const key = heap.textOf(items[index - 1] ?? UNKNOWN);
      if (key === undefined || !CALLED.has(key)) continue;
      const path = heap.textOf(item);
      if (path === undefined && heap.isMade(item)) {
        heap.facts.add({ kind: "unresolved-call", via: key, expression: `${key}: ?` }, at);
      }
      const dot = path === undefined ? -1 : path.lastIndexOf(".");
      if (path === undefined || dot <= 0) continue;
      heap.facts.add({
        kind: "reference",
        language: "loader",
        module: path.slice(0, dot),
        name: path.slice(dot + 1),
        expression: path.slice(0, 2048),
        evidence: [],
        details: { where: key },
      }, at);
    }
  }
}
