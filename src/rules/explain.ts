/**
 * What the rules say about one global, for a person who asks.
 *
 * @module
 */

import { HARMLESS } from "./rule.ts";
import type { Rule, Verdict } from "./rule.ts";
import type { Rules } from "./rules.ts";

/** The answer, plain data. */
export interface GlobalExplanation {
  /** As asked. */
  readonly global: string;
  /** What it comes down to after normalisation. */
  readonly reaches: string;
  /** The rule that speaks when a file names the global without calling it. */
  readonly imported: Verdict & { readonly ruleId: string };
  /** The rule that speaks when a file calls it; for a wrapper, when its target is not known. */
  readonly called: Verdict & { readonly ruleId: string };
  /** Completes "a call of it …". */
  readonly effect: string;
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  readonly references: readonly string[];
  /** Techniques of MITRE ATLAS. */
  readonly atlas: readonly string[];
  /** Where the configuration decided it, for instance `security.toml:12`; undefined: embedded. */
  readonly origin: string | undefined;
  /** True when what it is applied to decides. */
  readonly wrapper: boolean;
  /** Verdict of a wrapper over harmless targets. */
  readonly atBest: Verdict | undefined;
}

/**
 * How a global is classified and why.
 *
 * @param global a dotted path such as `os.system`, or module and name separated by a blank or a colon
 * @throws RangeError when the text is no such path
 */
export function explainGlobal(rules: Rules, global: string): GlobalExplanation {
  const [module, name] = splitGlobal(global);
  const imported = rules.match(module, name, false);
  const called = rules.match(module, name, true);
  const { rule } = called;
  return {
    global,
    reaches: called.reaches,
    imported: verdictOf(imported.rule),
    called: verdictOf(rule),
    effect: called.effect,
    title: rule.title,
    why: rule.why,
    fix: rule.fix,
    references: rule.references,
    atlas: rule.atlas,
    origin: rule.origin,
    wrapper: rule.wrapper !== undefined,
    atBest: rule.wrapper === undefined ? undefined : HARMLESS,
  };
}

function verdictOf(rule: Rule): Verdict & { readonly ruleId: string } {
  return { ruleId: rule.id, severity: rule.severity, safety: rule.safety };
}

/**
 * Module and name of a global as people write it.
 *
 * @throws RangeError when it has no name
 */
export function splitGlobal(global: string): readonly [module: string, name: string] {
  const text = global.trim();
  const mark = text.search(/[\s:]/);
  if (mark > 0) {
    const name = text.slice(mark + 1).trim();
    if (name !== "" && !/[\s:]/.test(name)) return [text.slice(0, mark), name];
  }
  const dot = text.lastIndexOf(".");
  if (dot <= 0 || dot === text.length - 1 || /[\s:]/.test(text)) {
    throw new RangeError(
      `Cannot explain "${global}": expected a global such as os.system, or the id of a rule`,
    );
  }
  return [text.slice(0, dot), text.slice(dot + 1)];
}
