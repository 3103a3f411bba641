/**
 * Harmless things reported once: a model imports the same class from a hundred places.
 *
 * @module
 */

import type { Finding } from "../core/types.ts";

/**
 * Merges innocuous findings of the same rule on the same global into one, with their count in the file
 * and the first place. All others stay.
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

/**
 * Findings of one rule about one operator as one, at the first place: a graph may have a thousand nodes of
 * a kind. What each node is given stays in `details.calls`. All others stay, and so does the order.
 */
export function groupOperators(findings: readonly Finding[]): Finding[] {
  const kept: Finding[] = [];
  const groups = new Map<string, number>();
  for (const finding of findings) {
    const { operator } = finding.details;
    if (finding.safety === "innocuous" || typeof operator !== "string") {
      kept.push(finding);
      continue;
    }
    const key = JSON.stringify([finding.ruleId, finding.severity, finding.safety, operator]);
    const at = groups.get(key);
    const first = at === undefined ? undefined : kept[at];
    if (at === undefined || first === undefined) groups.set(key, kept.push(finding) - 1);
    else kept[at] = merged(first, finding);
  }
  return kept;
}

/**
 * Expressions and evidence kept of one group; a report shows the first few, or all of these. The most seen
 * are 25. CWE-779.
 */
const PARTS_KEPT = 1000;

function merged(first: Finding, next: Finding): Finding {
  const details: Record<string, unknown> = { ...first.details };
  for (const key of ["calls", "evidence"]) {
    const parts = [...listOf(details[key]), ...listOf(next.details[key])].slice(0, PARTS_KEPT);
    if (parts.length > 0) details[key] = parts;
  }
  return { ...first, count: first.count + next.count, details };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
