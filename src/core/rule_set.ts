/**
 * The pipeline's interface to the rules: facts in, findings out.
 *
 * @module
 */

import type {
  Finding,
  Interest,
  Location,
  Observation,
  RuleReasons,
  Safety,
  Severity,
} from "./types.ts";

/** What is judged: facts and anomalies, never entries. */
export type Judged = Extract<Observation, { type: "fact" | "anomaly" }>;

/** How a global is classified, and by which rule. */
export interface Classification {
  /** The rule that it falls under. */
  readonly ruleId: string;
  /** How bad importing it is. */
  readonly severity: Severity;
  /** How sure we are. */
  readonly safety: Safety;
  /** The name after normalisation, for instance `os.system` for `posix` + `system` under Python 2 names. */
  readonly reaches: string;
}

/** The rules of one run, embedded ones and the user's together. Immutable. */
export interface RuleSet {
  /** Hash of the rules' text, for the report. */
  readonly version: string;
  /** What formats know of the rules. */
  readonly interest: Interest;
  /** How a pickle global is classified when imported and not called. */
  classify(module: string, name: string): Classification;
  /** What a rule says of its findings; undefined when there is none of that id. */
  reasonsOf(ruleId: string): RuleReasons | undefined;
  /**
   * Findings for all that was seen in one source, import and calls of the same global at the same
   * place reported as one. What an observation is `within` is added to the location's parts. `atMost` caps safety and severity of what nothing loads.
   */
  judge(
    observations: readonly Judged[],
    location: Location,
    atMost?: { readonly safety: Safety; readonly severity: Severity },
  ): Finding[];
}
