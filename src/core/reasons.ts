/**
 * What rules say of the findings that they make. A report has it once for each rule, not for each finding.
 *
 * @module
 */

import type { FileReport, Finding, RuleReasons, ScanReport } from "./findings.ts";

/** Finds what a rule says; undefined when there is no rule of that id. */
export type FindReasons = (ruleId: string) => RuleReasons | undefined;

/** What is said where no rule speaks. */
const NO_RULE: RuleReasons = {
  title: "Something is wrong with this file",
  why: "No loader writes files like this.",
  fix: "Do not use the file; report it to the publisher.",
  references: [],
  atlas: [],
};

/** The rules that the findings of files name, by id; one at a time, as files come. */
export class NamedRules {
  readonly #find: FindReasons;
  readonly #named: Record<string, RuleReasons> = Object.create(null);

  /** @param find what the rules of the run say */
  constructor(find: FindReasons) {
    this.#find = find;
  }

  /** Notes what a file names. */
  add({ findings, accepted = [] }: Pick<FileReport, "findings" | "accepted">): void {
    for (const finding of findings) this.#note(finding);
    for (const { finding } of accepted) this.#note(finding);
  }

  /** All that was noted so far; grows. */
  get soFar(): ScanReport["rules"] {
    return this.#named;
  }

  /** All that was noted, sorted by id. */
  all(): ScanReport["rules"] {
    return Object.fromEntries(Object.entries(this.#named).sort(([a], [b]) => a < b ? -1 : 1));
  }

  #note({ ruleId, reasons = ruleId }: Finding): void {
    for (const id of [ruleId, reasons]) {
      if (Object.hasOwn(this.#named, id)) continue;
      const found = this.#find(id);
      if (found !== undefined) this.#named[id] = found;
    }
  }
}

/**
 * What is said of a finding: the title of its rule, and why and what to do about it, which a wrapper such as
 * `functools.partial` takes from what it is applied to.
 *
 * @param rules those of the report that the finding is in
 */
export function reasonsOf(finding: Finding, rules: ScanReport["rules"]): RuleReasons {
  const { ruleId, reasons = ruleId } = finding;
  const own = (id: string): RuleReasons =>
    (Object.hasOwn(rules, id) ? rules[id] : undefined) ?? NO_RULE;
  const rule = own(ruleId);
  if (reasons === ruleId) return rule;
  const other = own(reasons);
  return {
    title: rule.title,
    why: other.why,
    fix: other.fix,
    references: [...new Set([...rule.references, ...other.references])],
    atlas: [...new Set([...rule.atlas, ...other.atlas])],
  };
}
