/**
 * What is said of a file: severities, safety levels and verdicts, findings, reports. Plain data, no
 * behaviour; `types.ts` hands it on.
 *
 * @module
 */

import type { ModelAbout } from "./about.ts";
import type { RestrictedLoad } from "./restricted_load.ts";

/** How bad an issue is, worst first. */
export const SEVERITIES = ["critical", "high", "medium", "low", "info", "debug"] as const;
/** How bad an issue is. */
export type Severity = typeof SEVERITIES[number];

/** The number behind each severity; a file's risk score is the highest of its issues'. */
export const SEVERITY_SCORES: Readonly<Record<Severity, number>> = {
  critical: 10.0,
  high: 7.5,
  medium: 5.0,
  low: 2.5,
  info: 1.0,
  debug: 0.0,
};

/** How sure we are, worst first. */
export const SAFETY_LEVELS = ["dangerous", "suspicious", "innocuous"] as const;
/** How sure we are. */
export type Safety = typeof SAFETY_LEVELS[number];

/** A file's verdict, worst first; `skipped` means that no format matched. */
export const VERDICTS = ["dangerous", "incomplete", "suspicious", "clean", "skipped"] as const;
/** The verdict of a file. */
export type Verdict = typeof VERDICTS[number];

/** Where something is: the asset's path, then members and streams. */
export interface Location {
  /** As it was given or found. */
  readonly path: string;
  /** Members and streams on the way in, outermost first. */
  readonly parts: readonly string[];
}

/** What a rule says of every finding that it makes. */
export interface RuleReasons {
  /** A noun phrase, without a full stop. */
  readonly title: string;
  /** What is bad about it. */
  readonly why: string;
  /** What to do about it. */
  readonly fix: string;
  /** Weaknesses and advisories (`CWE-502`, `CVE-…`), and addresses. */
  readonly references: readonly string[];
  /** Techniques of MITRE ATLAS, such as `AML.T0011.000`. */
  readonly atlas: readonly string[];
}

/** The verdict of a rule on an observation. */
export interface Finding {
  /** The rule that says so; the report's `rules` have its reasons. */
  readonly ruleId: string;
  /** The rule whose reasons apply, where it is another: a wrapper has those of what it is applied to. */
  readonly reasons?: string;
  /** How bad it is. */
  readonly severity: Severity;
  /** How sure we are. */
  readonly safety: Safety;
  /** One sentence, for instance "Loading calls os.system('echo hi')". Raw: reports escape control characters. */
  readonly message: string;
  /** Where it is. */
  readonly location: Location;
  /** The number behind the severity where the user moved it; that of `SEVERITY_SCORES` otherwise. */
  readonly score?: number;
  /** Byte offset from the start of the innermost part; undefined where there is none to tell. */
  readonly offset?: number;
  /** How often the same was seen, at least 1. */
  readonly count: number;
  /** Plain data behind the message, such as the global, its calls and evidence. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A problem with reading, as opposed to one with what was read. */
export interface ScanError {
  /** Where it happened. */
  readonly location: Location;
  /** What could not be done and why, one sentence. Raw: reports escape control characters. */
  readonly message: string;
  /** What to do about it; empty where there is nothing. */
  readonly remedy: string;
  /** What kind of failure it is, where that is known. */
  readonly failure?: Failure;
}

/** What kind of failure kept bytes from being had. */
export type FailureKind =
  | "not-found"
  | "forbidden"
  | "changed"
  | "unsupported"
  | "rate-limited"
  | "unavailable"
  | "defect";

/** A failure as a program understands it that may try again. */
export interface Failure {
  /** What it is. */
  readonly kind: FailureKind;
  /** True when the same may succeed later. */
  readonly passing: boolean;
  /** Milliseconds to wait before that, where the server says so. */
  readonly after?: number | undefined;
}

/** The SHA-256 of a whole file. */
export interface FileHash {
  /** Lower-case hexadecimal. */
  readonly value: string;
  /** Whence: computed of the bytes that there are, or as the hub's listing has it. */
  readonly by: "content" | "listing";
}

/** Everything about one file given or found. */
export interface FileReport {
  /** As it was given or found. */
  readonly path: string;
  /** Ids of the formats that matched, outermost first; empty when skipped. */
  readonly formats: readonly string[];
  /** Bytes; undefined for a stream that nothing read to its end. */
  readonly size: number | undefined;
  /** Bytes that the scan read of it, each counted once, or fetched of it. */
  readonly bytesRead: number;
  /** Its SHA-256, where that was asked for and could be had. */
  readonly sha256?: FileHash;
  /** What the file says of the model in it or beside it; absent where it says nothing. */
  readonly about?: ModelAbout;
  /** How loaders that refuse code take the file; absent for formats that have none. */
  readonly loads?: readonly RestrictedLoad[];
  /** What is said of the file and everything inside it. */
  readonly verdict: Verdict;
  /** The highest score of its findings, 0 to 10. */
  readonly riskScore: number;
  /** Worst first, then by location and offset. */
  readonly findings: readonly Finding[];
  /** What of it could not be read. */
  readonly errors: readonly ScanError[];
  /** Pickle streams, archive members and other parts looked at. */
  readonly partsScanned: number;
  /** Issues that the user's configuration let through, counted by reason; absent when there are none. */
  readonly suppressed?: Suppressed;
  /**
   * Findings that were accepted, the worst first: they fail no run, and the verdict and the risk score
   * count them. Absent when there are none.
   */
  readonly accepted?: readonly AcceptedFinding[];
  /** What the user's policies say of the file; absent when they say nothing. */
  readonly policy?: FilePolicy;
  /**
   * True when the report may be another the next time, of the same bytes: time, the network, a decoder or this program
   * failed.
   */
  readonly unsettled?: true;
}

/** The least severity that fails a run; `never` fails none. */
export type FailOn = Exclude<Severity, "debug"> | "never";

/** What the user's policies say of a file. */
export interface FilePolicy {
  /** The least severity of its issues that fails a run; that of the run unless given. */
  readonly failOn?: FailOn;
  /** By what it was accepted that some of the file is not read; absent when it was not. */
  readonly incomplete?: IncompleteAcceptance;
}

/** By what it was accepted that a file is incomplete: it fails no run, and the verdict stays. */
export interface IncompleteAcceptance {
  /** Which of the user's ways. */
  readonly by: "policy";
  /** The last day on which it holds, as YYYY-MM-DD. */
  readonly until: string;
  /** The reason that the user gave. */
  readonly why: string;
}

/** Why an issue does not count: the user's configuration or baseline says so. */
export const SUPPRESSIONS = ["allowed", "disabled", "ignored", "baseline"] as const;
/** Why an issue does not count. */
export type Suppression = typeof SUPPRESSIONS[number];

/** By what a finding was accepted. */
export interface Acceptance {
  /** Which of the user's ways. */
  readonly by: Suppression;
  /** The last day on which it holds, as YYYY-MM-DD; absent for no end. */
  readonly until?: string | undefined;
  /** The reason that the user gave. */
  readonly why?: string | undefined;
  /** Entries of the configuration that accept it, as file and line: `security.toml:12`. */
  readonly origins?: readonly string[] | undefined;
}

/** A finding that fails no run, since the user accepted it. */
export interface AcceptedFinding extends Acceptance {
  /** What was found. */
  readonly finding: Finding;
}

/** Issues that were let through, by reason. */
export type Suppressed = Readonly<Partial<Record<Suppression, number>>>;

/** The report of one run. */
export interface ScanReport {
  /** Name and version of this program, and the hash of its rules. */
  readonly tool: { readonly name: string; readonly version: string; readonly rules: string };
  /** ISO 8601, UTC. */
  readonly startTime: string;
  /** Seconds. */
  readonly duration: number;
  /** One for each file given or found, in that order. */
  readonly files: readonly FileReport[];
  /** Paths that could not be opened or named nothing. */
  readonly errors: readonly ScanError[];
  /** What the rules say that findings name, by id. */
  readonly rules: Readonly<Record<string, RuleReasons>>;
  /** Which configuration was used: "embedded" or a path. */
  readonly configuration: string;
  /** What in that configuration took no effect, or will not for long, one sentence each. */
  readonly configurationNotes?: readonly string[];
  /** Issues that the configuration or a baseline let through. */
  readonly suppressed: number;
  /** The same, by reason; absent when there are none. */
  readonly suppressedBy?: Suppressed;
}
