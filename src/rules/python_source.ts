/**
 * Verdicts on what Python source calls while it is imported. Source calls much that a pickle has no
 * business with: only what a table says to be dangerous counts, and everyday questions such as
 * `os.path.join` do not.
 *
 * @module
 */

import { pathOf } from "../python/names.ts";
import type { OperatorFact, ReferenceFact } from "../types.ts";
import type { GlobalClassifier } from "./classify.ts";
import type { ReferenceVerdict } from "./keras.ts";
import type { Rule } from "./rule.ts";

/** The language of references that stand for calls in Python source. */
export const SOURCE_LANGUAGE = "python";

const CALL_RULE = "repository-python-call";

interface Tables {
  readonly classifier: GlobalClassifier;
  readonly rules: ReadonlyMap<string, Rule>;
  operator(fact: OperatorFact): Rule | undefined;
}

/**
 * Judges a call in Python source.
 *
 * @returns undefined for what is not dangerous
 */
export function judgeSourceCall(
  tables: Tables,
  { module, name, expression }: ReferenceFact,
): ReferenceVerdict | undefined {
  const path = pathOf(module, name);
  const everyday = tables.operator({
    kind: "operator",
    language: SOURCE_LANGUAGE,
    name: path,
    expression,
  });
  const rule = tables.rules.get(CALL_RULE);
  if (everyday !== undefined || rule === undefined || module === "") return undefined;
  const match = tables.classifier.match(module, name, true);
  return match.exactness > 0 && match.rule.safety === "dangerous" ? { rule, match } : undefined;
}
