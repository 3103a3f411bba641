/**
 * Operators of programs inside models, by name.
 *
 * @module
 */

import type { OperatorFact } from "../core/types.ts";
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

/** A pattern and the rule that has it. */
interface Entry {
  readonly pattern: string;
  readonly rule: Rule;
}

/** The patterns of one language. */
interface Patterns {
  /** Those that are a name, by it. */
  readonly names: Map<string, Entry[]>;
  /** Those that end in an asterisk. */
  readonly beginnings: Entry[];
}

/** References are operators by their paths, which a rule may write by module as it does globals. */
function pathsOf(globals: Rule["globals"]): string[] {
  return Object.entries(globals).flatMap(([module, names]) =>
    names === "*" ? [] : names.map((name) => `${module}.${name}`)
  );
}

/**
 * The rules for operators, indexed so that a graph with a million operator types does not try every
 * pattern for each.
 */
export class OperatorTable {
  readonly #languages = new Map<string, Patterns>();

  /** @param rules those of other kinds are ignored */
  constructor(rules: Iterable<Rule>) {
    for (const rule of rules) {
      if (rule.kind !== "operator" || rule.language === undefined) continue;
      const patterns = this.#languages.get(rule.language) ??
        { names: new Map<string, Entry[]>(), beginnings: [] };
      this.#languages.set(rule.language, patterns);
      for (const pattern of [...rule.operators, ...pathsOf(rule.globals)]) {
        if (pattern.endsWith("*")) patterns.beginnings.push({ pattern, rule });
        else {
          const entries = patterns.names.get(pattern) ?? [];
          entries.push({ pattern, rule });
          patterns.names.set(pattern, entries);
        }
      }
    }
  }

  /**
   * The rule for an operator: the one that names it most exactly; a rule for the part it plays goes
   * before all others.
   *
   * @returns undefined when no rule speaks about the language, or none names the operator
   */
  find(fact: OperatorFact): OperatorMatch | undefined {
    const patterns = this.#languages.get(fact.language);
    if (patterns === undefined) return undefined;
    const operator = nameOf(fact);
    let best: OperatorMatch | undefined;
    let most = 0;
    for (
      const { pattern, rule } of [...patterns.names.get(operator) ?? [], ...patterns.beginnings]
    ) {
      if (rule.role !== undefined && rule.role !== fact.role) continue;
      const exact = exactness(pattern, operator, fact.language);
      const weight = exact === 0 ? 0 : exact + (rule.role === undefined ? 0 : 1_000_000);
      if (weight > most) [best, most] = [{ rule, exactness: exact }, weight];
    }
    return best;
  }
}
