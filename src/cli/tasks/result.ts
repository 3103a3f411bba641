/**
 * The result of one task; `docs/worker-result.schema.json` describes it.
 *
 * @module
 */

import {
  type FileHash,
  type FileReport,
  type Finding,
  type ScanError,
  VERDICTS,
} from "../../core/types.ts";
import type { Failure as ReadFailure, Verdict } from "../../core/types.ts";
import { NamedRules } from "../../core/reasons.ts";
import type { RuleSet } from "../../core/rule_set.ts";
import { aggregateInnocuous } from "../../report/aggregate.ts";
import { orderFindings } from "../../report/order.ts";
import {
  type ErrorRecord,
  errorRecords,
  type IssueRecord,
  issueRecords,
} from "../../report/record.ts";
import { boundFacts, type PackedFacts } from "./facts.ts";
import { type Failure, RESULT_VERSION } from "./failure.ts";
import type { Key } from "./keys.ts";

/** Issues listed of a task; more are counted. The most of any file seen are 438. CWE-779. */
export const ISSUES_KEPT = 1000;

/** What a task cost. */
interface Usage {
  readonly bytes: number;
  readonly requests: number;
  readonly retries: number;
  readonly seconds: number;
}

/** A file of the target. */
interface FileRecord {
  readonly path: string;
  readonly verdict: Verdict;
  readonly risk_score: number;
  readonly formats: readonly string[];
  readonly size: number | null;
  readonly sha256: string | null;
  readonly sha256_by: FileHash["by"] | null;
  readonly accepted: number;
  readonly bytes_read: number;
}

/** A result as it is written. */
export interface Result {
  readonly schema_version: string;
  readonly id: string | null;
  readonly line: number | null;
  readonly target: string | null;
  readonly revision: string | null;
  readonly key: string | null;
  readonly key_parts: Key["parts"] | null;
  readonly siblings_key: string | null;
  readonly complete: boolean;
  readonly verdict: Verdict;
  readonly risk_score: number;
  readonly files_scanned: number;
  readonly files_skipped: number;
  readonly files: readonly FileRecord[];
  readonly issues: readonly IssueRecord[];
  readonly issues_dropped: number;
  readonly errors: readonly ErrorRecord[];
  readonly facts: PackedFacts | null;
  readonly error: Failure | null;
  readonly reused: boolean;
  readonly usage: Usage;
}

/** No file, no issue, nothing read. */
const NOTHING: Omit<Result, "id" | "error"> = {
  schema_version: RESULT_VERSION,
  line: null,
  target: null,
  revision: null,
  key: null,
  key_parts: null,
  siblings_key: null,
  complete: false,
  verdict: "incomplete",
  risk_score: 0,
  files_scanned: 0,
  files_skipped: 0,
  files: [],
  issues: [],
  issues_dropped: 0,
  errors: [],
  facts: null,
  reused: false,
  usage: { bytes: 0, requests: 0, retries: 0, seconds: 0 },
};

/** The result of a task of which nothing was read. */
export function failedResult(
  { id, line, target }: { readonly id?: string; readonly line?: number; readonly target?: string },
  error: Failure,
): Result {
  return { ...NOTHING, id: id ?? null, line: line ?? null, target: target ?? null, error };
}

/** What a result is about, and how it came to be. */
interface Circumstances {
  readonly id: string;
  readonly target: string;
  /** The commit that was read, where there is one. */
  readonly revision: string | undefined;
  readonly key: Key | undefined;
  /** Undefined where there are no siblings. */
  readonly siblingsKey: string | undefined;
  /** Why the task failed, whatever the errors of its files are; undefined for no such reason. */
  readonly failure: Failure | undefined;
  /** True where something may have been missing that no error tells of. */
  readonly doubtful: boolean;
  readonly facts: Result["facts"];
  readonly usage: Usage;
}

/** Gathers the files of one task. */
export class ResultBuilder {
  readonly #named: NamedRules;
  readonly #verbose: boolean;
  readonly #limit: number;
  readonly #files: FileRecord[] = [];
  #findings: Finding[] = [];
  #dropped = 0;
  readonly #errors: ScanError[] = [];
  #skipped = 0;
  #verdict: Verdict = "skipped";
  #risk = 0;
  #settled = true;
  #bytes = 0;

  /**
   * @param verbose true to keep harmless findings, too
   * @param limit findings of the task
   */
  constructor(rules: RuleSet, verbose: boolean, limit: number) {
    this.#named = new NamedRules((id) => rules.reasonsOf(id));
    this.#verbose = verbose;
    this.#limit = limit;
  }

  /** Bytes read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Errors so far. */
  get errors(): readonly ScanError[] {
    return this.#errors;
  }

  /** @param path from the target */
  addFile(file: FileReport, path: string): void {
    this.#bytes += file.bytesRead;
    this.#worsen(file.verdict);
    this.#risk = Math.max(this.#risk, file.riskScore);
    if (file.unsettled) this.#settled = false;
    for (const error of file.errors) this.addError(error, path);
    if (file.verdict === "skipped" && file.errors.length === 0) {
      this.#skipped++;
      return;
    }
    this.#files.push({
      path,
      verdict: file.verdict,
      risk_score: file.riskScore,
      formats: file.formats,
      size: file.size ?? null,
      sha256: file.sha256?.value ?? null,
      sha256_by: file.sha256?.by ?? null,
      accepted: file.accepted?.length ?? 0,
      bytes_read: file.bytesRead,
    });
    for (const finding of aggregateInnocuous(file.findings)) {
      if (!this.#verbose && finding.safety === "innocuous") continue;
      this.#findings.push({ ...finding, location: { ...finding.location, path } });
    }
    if (this.#findings.length > 2 * this.#limit) this.#cut();
  }

  /** @param path from the target */
  addError(error: ScanError, path: string): void {
    this.#errors.push({ ...error, location: { ...error.location, path } });
    this.#worsen("incomplete");
  }

  /** The result; called once. */
  build(circumstances: Circumstances): Result {
    const { id, target, revision, key, siblingsKey, failure, doubtful, facts, usage } =
      circumstances;
    this.#cut();
    const error = failure ?? failureOf(this.#errors);
    const complete = error === null && this.#errors.length === 0 && this.#settled && !doubtful;
    if (error !== null) this.#worsen("incomplete");
    return {
      ...NOTHING,
      id,
      target,
      revision: revision ?? null,
      key: key?.digest ?? null,
      key_parts: key?.parts ?? null,
      siblings_key: siblingsKey ?? null,
      complete,
      verdict: this.#verdict,
      risk_score: this.#risk,
      files_scanned: this.#files.length,
      files_skipped: this.#skipped,
      files: this.#files.sort((a, b) => a.path < b.path ? -1 : 1),
      issues: this.#issues(),
      issues_dropped: this.#dropped,
      errors: errorRecords(this.#errors),
      facts: complete
        ? boundFacts(facts, {
          ...{ target, revision: revision ?? null },
          key_parts: key?.parts ?? null,
        })
        : null,
      error,
      usage,
    };
  }

  #worsen(verdict: Verdict): void {
    if (VERDICTS.indexOf(verdict) < VERDICTS.indexOf(this.#verdict)) this.#verdict = verdict;
  }

  #cut(): void {
    this.#findings = orderFindings(this.#findings);
    this.#dropped += Math.max(0, this.#findings.length - this.#limit);
    this.#findings.length = Math.min(this.#findings.length, this.#limit);
  }

  #issues(): readonly IssueRecord[] {
    this.#named.add({ findings: this.#findings });
    const rules = this.#named.all();
    return this.#findings.flatMap((finding) =>
      issueRecords({ path: finding.location.path, findings: [finding] }, rules)
    );
  }
}

/** What errors of reading amount to: a task may be tried again if any of them may pass. */
function failureOf(errors: readonly ScanError[]): Failure | null {
  const [first] = errors;
  if (first === undefined) return null;
  const passing = errors.filter(({ failure }) => failure?.passing === true);
  const [worst = first] = passing;
  const waits = passing.map(({ failure }) => failure?.after).filter((it) => it !== undefined);
  return {
    class: passing.length > 0 ? "retry" : "final",
    reason: reasonOf(worst.failure),
    message: worst.message,
    after: waits.length === 0 ? null : Math.ceil(Math.max(...waits) / 1000),
  };
}

function reasonOf(failure: ReadFailure | undefined): Failure["reason"] {
  return failure?.kind ?? "unsupported";
}
