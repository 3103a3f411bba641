/**
 * Scans a case and keeps what the formats stated, besides the report.
 *
 * @module
 */

import { loadRules } from "../../src/rules/rules.ts";
import type { RuleSet } from "../../src/core/rule_set.ts";
import { scanSource } from "../../src/scan/scan_source.ts";
import { bytesSource } from "../../src/sources/memory.ts";
import type { Source } from "../../src/core/source.ts";
import type { FileReport, Limits } from "../../src/core/types.ts";

/** A scan as the oracles see it. */
export interface Observed {
  readonly report: FileReport;
  /** Every global that was imported, called, changed or referred to, as `module name`. */
  readonly globals: ReadonlySet<string>;
}

let embedded: RuleSet | undefined;

/** The program's own rules, loaded once. */
export function rules(): RuleSet {
  embedded ??= loadRules();
  return embedded;
}

/**
 * Scans bytes in memory.
 *
 * @param limits budgets other than the default ones
 * @param source other than one over the bytes
 * @throws the scan's rejection, which is a finding
 */
export async function observe(
  name: string,
  bytes: Uint8Array,
  limits: Partial<Limits> = {},
  source: Source = bytesSource(name, bytes),
): Promise<Observed> {
  const globals = new Set<string>();
  const real = rules();
  const listening: RuleSet = {
    version: real.version,
    interest: real.interest,
    reasonsOf: (ruleId) => real.reasonsOf(ruleId),
    classify: (module, global) => real.classify(module, global),
    judge(observations, location, atMost) {
      for (const observation of observations) {
        if (observation.type !== "fact" || !("module" in observation.fact)) continue;
        globals.add(`${observation.fact.module} ${observation.fact.name}`);
      }
      return real.judge(observations, location, atMost);
    },
  };
  return { report: await scanSource(source, { rules: listening, limits }), globals };
}
