/**
 * Operators of programs inside models, by name.
 *
 * @module
 */

import type { OperatorFact } from "../types.ts";
import type { Rule } from "./rule.ts";

/**
 * The name that patterns are compared with. TorchScript writes the same operator as `aten::save`,
 * `torch.save` and `ops.aten.save`; ONNX knows its default domain as `ai.onnx` too.
 */
export function nameOf({ language, name }: OperatorFact): string {
  if (language === "onnx") return /[.:]/.test(name) ? name : `ai.onnx.${name}`;
  if (language !== "torchscript") return name;
  const path = name.replaceAll("::", ".").replace(/^torch\./, "").replace(/^ops\./, "");
  return path.includes(".") ? path : `aten.${path}`;
}

/**
 * How exactly a pattern names an operator: longer is more exact; 0 for not at all.
 *
 * @param language of the operator; an ONNX domain covers none that only begins like it
 */
export function exactness(pattern: string, name: string, language = ""): number {
  if (pattern === "*") return 1;
  if (!pattern.endsWith("*")) return pattern === name ? name.length + 2 : 0;
  const prefix = pattern.slice(0, -1);
  if (language === "onnx" && name.includes(".", prefix.length)) return 0;
  return name.startsWith(prefix) ? pattern.length : 0;
}

/** A rule for an operator, and how exactly it names it. */
export interface OperatorMatch {
  readonly rule: Rule;
  readonly exactness: number;
}

/**
 * The rule for an operator: the one that names it most exactly; a rule for the part it plays goes
 * before all others.
 *
 * @returns undefined when no rule speaks about the language, or none names the operator
 */
export function operatorRule(
  rules: Iterable<Rule>,
  fact: OperatorFact,
): OperatorMatch | undefined {
  const wanted = nameOf(fact);
  let best: OperatorMatch | undefined;
  let most = 0;
  for (const rule of rules) {
    if (rule.kind !== "operator" || rule.language !== fact.language) continue;
    if (rule.role !== undefined && rule.role !== fact.role) continue;
    for (const pattern of rule.operators) {
      const exact = exactness(pattern, wanted, fact.language);
      const weight = exact === 0 ? 0 : exact + (rule.role === undefined ? 0 : 1_000_000);
      if (weight > most) [best, most] = [{ rule, exactness: exact }, weight];
    }
  }
  return best;
}
