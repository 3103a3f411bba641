/**
 * Operators of programs inside models, by name.
 *
 * @module
 */

import type { OperatorFact } from "../types.ts";
import type { Rule } from "./rule.ts";

/** How TorchScript writes the same operator: `aten::save`, `torch.save`, `ops.aten.save`. */
function normalised({ language, name }: OperatorFact): string {
  if (language !== "torchscript") return name;
  const path = name.replaceAll("::", ".").replace(/^torch\./, "").replace(/^ops\./, "");
  return path.includes(".") ? path : `aten.${path}`;
}

/** How exactly a pattern names an operator: longer is more exact; 0 for not at all. */
function exactness(pattern: string, name: string): number {
  if (pattern === "*") return 1;
  if (!pattern.endsWith("*")) return pattern === name ? name.length + 2 : 0;
  return name.startsWith(pattern.slice(0, -1)) ? pattern.length : 0;
}

/**
 * The rule for an operator: the one that names it most exactly; a rule for the part it plays goes
 * before all others.
 *
 * @returns undefined when no rule speaks about the language, or none names the operator
 */
export function operatorRule(rules: Iterable<Rule>, fact: OperatorFact): Rule | undefined {
  const wanted = normalised(fact);
  let best: Rule | undefined;
  let most = 0;
  for (const rule of rules) {
    if (rule.kind !== "operator" || rule.language !== fact.language) continue;
    if (rule.role !== undefined && rule.role !== fact.role) continue;
    for (const pattern of rule.operators) {
      const exact = exactness(pattern, wanted);
      const weight = exact === 0 ? 0 : exact + (rule.role === undefined ? 0 : 1_000_000);
      if (weight > most) [best, most] = [rule, weight];
    }
  }
  return best;
}
