/**
 * Judges what was observed in one asset, in the order in which it was: as it is read, or again from facts.
 *
 * @module
 */

import type { Judged, RuleSet } from "../../core/rule_set.ts";
import type {
  Acceptance,
  AcceptedFinding,
  FileReport,
  Finding,
  Safety,
  Severity,
  Suppression,
} from "../../core/types.ts";
import { unjudged } from "./error_anomalies.ts";
import type { Anomaly } from "./naming.ts";
import { compareFindings, Outcome } from "./outcome.ts";

/**
 * Accepted findings that are listed for one asset; all are counted. No configuration is known to accept as
 * many. CWE-779.
 */
const ACCEPTED_KEPT = 1000;

/** Times that reaching the same limit is reported separately. Real models reach none. CWE-779. */
export const LIMIT_REPORTED = 10;

/** The most that is said of what nothing loads. */
type AtMost = { readonly safety: Safety; readonly severity: Severity } | undefined;

/** What is judged together. */
interface Batch {
  /** Members and streams on the way to the source. */
  readonly parts: readonly string[];
  readonly atMost?: AtMost;
  readonly observations: readonly Judged[];
}

/** What the verdict depends on besides observations. */
export interface AssetEnd {
  /** True when something was recognised that is more than a container or a program. */
  readonly recognised: boolean;
  /** True when any format matched. */
  readonly matched: boolean;
  /** The first name that claims a model whose content nothing recognised. */
  readonly unproven: { readonly name: string; readonly parts: readonly string[] } | undefined;
  /** How often each limit was reached. */
  readonly limits: readonly (readonly [limit: string, times: number])[];
}

/** All that an asset's report follows from, but for the rules. */
export interface AssetFacts extends AssetEnd {
  readonly path: string;
  /** Ids of the formats that matched, those of its parts among them. */
  readonly formats: readonly string[];
  /** Those that the rules forbade to the path when it was read. */
  readonly forbidden: readonly string[];
  readonly size: number | undefined;
  /** Parts that were looked at. */
  readonly parts: number;
  /** True when some of it could not be read. */
  readonly unread: boolean;
  readonly batches: readonly Batch[];
}

/** What judges an asset. */
interface JudgeOptions {
  readonly rules: RuleSet;
  /** Of the asset. */
  readonly path: string;
  /** Findings kept. */
  readonly issues: number;
  readonly suppress?: ((finding: Finding) => Suppression | Acceptance | undefined) | undefined;
  /** Keeps what was judged, where it is to be judged again. */
  readonly log?: Batch[] | undefined;
}

/** The judge of one asset; used once. */
export class AssetJudge {
  readonly outcome: Outcome;
  readonly #options: JudgeOptions;
  readonly #suppressed: Partial<Record<Suppression, number>> = {};
  readonly #accepted: AcceptedFinding[] = [];
  /** What the rules threw. */
  readonly failures: { readonly parts: readonly string[]; readonly error: unknown }[] = [];

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.outcome = new Outcome(options.issues);
  }

  /** What was judged so far, where it is kept. */
  get log(): readonly Batch[] | undefined {
    return this.#options.log;
  }

  /** Findings for what was observed in one source; they count once they are kept. */
  judged({ observations, parts, atMost }: Batch): readonly Finding[] {
    if (observations.length === 0) return [];
    const { rules, path, log } = this.#options;
    log?.push({ parts, observations, ...(atMost && { atMost }) });
    const location = { path, parts };
    try {
      return rules.judge(observations, location, atMost);
    } catch (error) {
      this.outcome.unread = true;
      this.failures.push({ parts, error });
      return [unjudged(location, error)];
    }
  }

  keep(findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    this.outcome.add(findings.filter((finding) => this.#counts(finding)));
  }

  /** A container without a recognised member holds no model, even if a member's name claims one. */
  tellUnproven({ matched, unproven, recognised }: AssetEnd): void {
    if (!matched || unproven === undefined) return;
    if (this.outcome.verdict(recognised) !== "skipped") return;
    const { name, parts } = unproven;
    this.#tell({
      type: "anomaly",
      rule: "file-not-what-name-says",
      detail: `"${name}" has the name of a model, but nothing in it is of a format ` +
        "that this version knows",
      unread: true,
    }, parts);
  }

  /** What was only counted so far. */
  tellCounted({ limits }: AssetEnd): void {
    for (const [limit, times] of limits) {
      if (times <= LIMIT_REPORTED) continue;
      this.#tell({
        type: "anomaly",
        rule: "scan-limit",
        detail: `The limit "${limit}" was reached at ${times - LIMIT_REPORTED} further places`,
        unread: true,
      });
    }
    const dropped = this.outcome.settle();
    if (dropped === 0) return;
    this.#tell({
      type: "anomaly",
      rule: "scan-issues-limit",
      detail: `${dropped} further issues, none worse than those shown, are not listed`,
    });
  }

  /** What was let through, for the report. */
  get letThrough(): {
    suppressed?: Partial<Record<Suppression, number>>;
    accepted?: readonly AcceptedFinding[];
  } {
    return {
      ...(Object.keys(this.#suppressed).length > 0 && { suppressed: this.#suppressed }),
      ...(this.#accepted.length > 0 && {
        accepted: this.#accepted.sort((a, b) => compareFindings(a.finding, b.finding)),
      }),
    };
  }

  /** Said of the asset by its judge, and so not logged: who judges again says it again. */
  #tell(anomaly: Anomaly, parts: readonly string[] = []): void {
    if (anomaly.unread) this.outcome.unread = true;
    const { rules, path } = this.#options;
    this.keep(rules.judge([anomaly], { path, parts }));
  }

  /** False for what the user lets through; what is allowed stays in the report as harmless. */
  #counts(finding: Finding): boolean {
    // Why a file is incomplete is always reported.
    if (finding.details["unread"] === true) return true;
    const reason = this.#options.suppress?.(finding);
    if (reason === undefined) return true;
    const acceptance = typeof reason === "string" ? { by: reason } : reason;
    const { by } = acceptance;
    this.#suppressed[by] = (this.#suppressed[by] ?? 0) + 1;
    if (by === "allowed") return true;
    // Acceptance changes what fails a run, never what the file is.
    this.outcome.weigh([finding]);
    if (this.#accepted.length < ACCEPTED_KEPT) this.#accepted.push({ ...acceptance, finding });
    return false;
  }
}

/**
 * Judges an asset again.
 *
 * @throws what the rules throw
 */
export function judgeFacts(
  facts: AssetFacts,
  options: Omit<JudgeOptions, "path" | "log">,
): FileReport {
  const judge = new AssetJudge({ ...options, path: facts.path });
  for (const batch of facts.batches) judge.keep(judge.judged(batch));
  const [failure] = judge.failures;
  if (failure !== undefined) throw failure.error;
  judge.outcome.unread = facts.unread;
  judge.tellUnproven(facts);
  judge.tellCounted(facts);
  return {
    path: facts.path,
    formats: facts.formats,
    size: facts.size,
    bytesRead: 0,
    findings: judge.outcome.sorted(),
    verdict: judge.outcome.verdict(facts.recognised),
    riskScore: judge.outcome.riskScore,
    errors: [],
    partsScanned: facts.parts,
    ...judge.letThrough,
  };
}
