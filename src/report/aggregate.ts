/**
 * Harmless things told once: a model imports the same class from a hundred places.
 *
 * @module
 */

import type { Finding } from "../types.ts";

/**
 * Innocuous findings of the same rule over the same global as one, which says how often it was seen
 * in the whole file and keeps the first place. All others stay.
 */
export function aggregateInnocuous(findings: readonly Finding[]): Finding[] {
  const kept: Finding[] = [];
  const groups = new Map<string, number>();
  for (const finding of findings) {
    if (finding.safety !== "innocuous") {
      kept.push(finding);
      continue;
    }
    const { global } = finding.details;
    const subject = typeof global === "string" ? global : finding.message;
    const key = JSON.stringify([finding.ruleId, finding.severity, subject]);
    const at = groups.get(key);
    const first = at === undefined ? undefined : kept[at];
    if (at === undefined || first === undefined) {
      groups.set(key, kept.push(finding) - 1);
    } else {
      kept[at] = { ...first, count: first.count + finding.count };
    }
  }
  return kept;
}
