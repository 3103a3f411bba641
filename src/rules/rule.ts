/**
 * What a rule is while the program runs, and how two of them compare.
 *
 * @module
 */

import { SAFETY_LEVELS, SEVERITIES } from "../core/types.ts";
import type { Safety, Severity } from "../core/types.ts";

/**
 * What a rule speaks about: Python globals that it names; facts that no table names (a global on no
 * list, a changed module); operators of a program; things wrong with the bytes.
 */
export const RULE_KINDS = ["global", "fact", "operator", "anomaly"] as const;
/** What a rule speaks about. */
export type RuleKind = typeof RULE_KINDS[number];

/**
 * What a wrapper does with what it is applied to: "reaches" hands it on (`getattr`), "calls" calls
 * it sooner or later (`map`, `functools.partial`).
 */
export const WRAPPERS = ["calls", "reaches"] as const;
/** What a wrapper does with what it is applied to. */
export type Wrapper = typeof WRAPPERS[number];

/** One rule. Immutable, and plain data: it survives JSON. */
export interface Rule {
  /** Stable, in lower case with hyphens; users name it to silence it. */
  readonly id: string;
  /** The family of formats: the name of the file that holds the rule, without its extension. */
  readonly format: string;
  /** What it speaks about. */
  readonly kind: RuleKind;
  /** Of a wrapper: when what it is applied to is not known. */
  readonly severity: Severity;
  /** How sure we are. */
  readonly safety: Safety;
  /** Its text in a list, without a full stop. */
  readonly title: string;
  /** Completes "…, which": what the thing named does when it is called. */
  readonly effect: string;
  /** What is bad about it. */
  readonly why: string;
  /** What to do about it. */
  readonly fix: string;
  /** Weaknesses and advisories (`CWE-502`, `CVE-…`), and addresses. */
  readonly references: readonly string[];
  /** Techniques of MITRE ATLAS, by the identifiers of `core/atlas.ts`. */
  readonly atlas: readonly string[];
  /** Module to names, "*" for all of it and its submodules. Of an operator rule: references, by module. */
  readonly globals: Readonly<Record<string, "*" | readonly string[]>>;
  /** Attributes that no dotted name passes harmlessly, such as `__globals__`. */
  readonly attributes: readonly string[];
  /** Effects of single globals, by dotted path, where the rule's own says too little. */
  readonly effects: Readonly<Record<string, string>>;
  /** What it does with what it is applied to; undefined for other rules. */
  readonly wrapper: Wrapper | undefined;
  /** Of a wrapper: true when naming it without calling it is harmless. */
  readonly importHarmless: boolean;
  /** True when the machine computes the result, so that arguments matter although calls are harmless. */
  readonly folds: boolean;
  /** Of an operator rule: the language, and names or namespaces ending in `.*`. */
  readonly language: string | undefined;
  /** Of an operator rule: the operators that it covers. */
  readonly operators: readonly string[];
  /** Of an operator rule: it holds only for operators that play this part. */
  readonly role: string | undefined;
  /** Where the user's configuration made or changed this rule, for instance `security.toml:12`. */
  readonly origin?: string | undefined;
  /** Observations that must set this rule off. */
  readonly hit: readonly string[];
  /** Observations that must not set this rule off. */
  readonly miss: readonly string[];
}

/** Severity and safety together. */
export interface Verdict {
  /** How bad it is. */
  readonly severity: Severity;
  /** How sure we are. */
  readonly safety: Safety;
}

/** The verdict on what is known to do no harm. */
export const HARMLESS: Verdict = { severity: "info", safety: "innocuous" };

/** Negative when `a` is worse than `b`: severity counts first, then safety. */
export function compareVerdicts(a: Verdict, b: Verdict): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    SAFETY_LEVELS.indexOf(a.safety) - SAFETY_LEVELS.indexOf(b.safety);
}

/** The worse of two severities. */
export function worseSeverity(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b;
}

/** The verdict and no more (of a rule, say), made no worse than `most` in either respect. */
export function atMost(verdict: Verdict, most: Verdict | undefined): Verdict {
  if (most === undefined) return { severity: verdict.severity, safety: verdict.safety };
  const severity = SEVERITIES.indexOf(verdict.severity) < SEVERITIES.indexOf(most.severity)
    ? most.severity
    : verdict.severity;
  const safety = SAFETY_LEVELS.indexOf(verdict.safety) < SAFETY_LEVELS.indexOf(most.safety)
    ? most.safety
    : verdict.safety;
  return { severity, safety };
}
