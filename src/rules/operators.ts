/**
 * Operators of programs inside models, by name.
 *
 * @module
 */

import type { Rule } from "./rule.ts";

/** How the languages write the same operator: `aten::save`, `torch.save`, `ops.aten.save`. */
function normalised(name: string): string {
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
 * The rule for an operator: the one that names it most exactly.
 *
 * @returns undefined when no rule speaks about the language, or none names the operator
 */
export function operatorRule(
  rules: readonly Rule[],
  language: string,
  name: string,
): Rule | undefined {
  const wanted = normalised(name);
  let best: Rule | undefined;
  let most = 0;
  for (const rule of rules) {
    if (rule.kind !== "operator" || rule.language !== language) continue;
    for (const pattern of rule.operators) {
      const exact = exactness(pattern, wanted);
      if (exact > most) [best, most] = [rule, exact];
    }
  }
  return best;
}
