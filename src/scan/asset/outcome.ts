/**
 * Gathers what is found in one asset, bounded, and decides its verdict.
 *
 * @module
 */

import {
  type Finding,
  type Safety,
  SAFETY_LEVELS,
  SEVERITIES,
  SEVERITY_SCORES,
  type Verdict,
} from "../../core/types.ts";

/** Findings of one asset, the worst kept when there are too many. */
export class Outcome {
  /** True once some content could not be read. */
  unread = false;
  #findings: Finding[] = [];
  #worst: Safety = "innocuous";
  #riskScore = 0;
  #dropped = 0;
  #settled = false;
  /** The last of those kept when there were too many: what is no worse is only counted from then on. */
  #least: Finding | undefined;
  readonly #limit: number;

  /** @param limit findings kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The highest score of all findings, kept or not. */
  get riskScore(): number {
    return this.#riskScore;
  }

  /** Counts findings that are reported at another source towards the verdict and the risk score. */
  weigh(findings: readonly Finding[]): void {
    for (const finding of findings) this.#weigh(finding);
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const least = this.#settled ? undefined : this.#least;
      if (least !== undefined && compareFindings(finding, least) >= 0) this.#dropped++;
      else this.#findings.push(finding);
      this.#weigh(finding);
    }
    if (!this.#settled && this.#findings.length > 2 * this.#limit) this.#cut();
  }

  #weigh(finding: Finding): void {
    const score = finding.score ?? SEVERITY_SCORES[finding.severity];
    this.#riskScore = Math.max(this.#riskScore, score);
    const safety = weightOf(finding);
    if (SAFETY_LEVELS.indexOf(safety) < SAFETY_LEVELS.indexOf(this.#worst)) this.#worst = safety;
  }

  /**
   * Keeps the worst; what is added afterwards is kept beyond the limit.
   *
   * @returns findings that were let go because there were worse ones enough
   */
  settle(): number {
    this.#cut();
    this.#settled = true;
    return this.#dropped;
  }

  /** All that is kept, worst first, then by location and offset. */
  sorted(): readonly Finding[] {
    if (!this.#settled) this.#cut();
    return this.#findings.sort(compareFindings);
  }

  /**
   * The verdict, worst answer first.
   *
   * @param recognised true when a format matched
   */
  verdict(recognised: boolean): Verdict {
    if (this.#worst === "dangerous") return "dangerous";
    if (this.unread) return "incomplete";
    if (this.#worst === "suspicious") return "suspicious";
    return recognised ? "clean" : "skipped";
  }

  #cut(): void {
    this.#findings.sort(compareFindings);
    this.#dropped += Math.max(0, this.#findings.length - this.#limit);
    if (this.#findings.length <= this.#limit) return;
    this.#findings.length = this.#limit;
    this.#least = this.#findings.at(-1);
  }
}

/** The verdict that follows from a finding; one of severity `info` makes no file suspicious. */
function weightOf({ safety, severity }: Finding): Safety {
  const minor = SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("info");
  return safety === "suspicious" && minor ? "innocuous" : safety;
}

/** Worst first, then by location, offset and rule; a total order, so that reports are the same. */
export function compareFindings(a: Finding, b: Finding): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    SAFETY_LEVELS.indexOf(a.safety) - SAFETY_LEVELS.indexOf(b.safety) ||
    compareParts(a.location.parts, b.location.parts) ||
    (a.offset ?? -1) - (b.offset ?? -1) ||
    compareText(a.ruleId, b.ruleId) ||
    compareText(a.message, b.message);
}

/** Part by part; `stream_2` comes before `stream_10`. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const left = a[at] ?? "";
    const right = b[at] ?? "";
    if (left !== right) return streamNumber(left) - streamNumber(right) || compareText(left, right);
  }
  return a.length - b.length;
}

function streamNumber(part: string): number {
  const digits = /^stream_(\d{1,15})$/u.exec(part)?.[1];
  return digits === undefined ? -1 : Number(digits);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
