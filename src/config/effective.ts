/**
 * What the configurations of a run amount to: overrides for the rules, limits, what to accept, and
 * which settings had no effect.
 *
 * A file found in the working directory may have come with the model: it can add rules and raise
 * verdicts; a setting that would loosen one is ignored and reported.
 *
 * @module
 */

import {
  CONFIGURED,
  type GlobalOverride,
  type Overrides,
  type PatternRule,
  verdictOf,
} from "../rules/overrides.ts";
import { compareVerdicts } from "../rules/rule.ts";
import type { Rules } from "../rules/rules.ts";
import { globMatcher } from "../sources/glob.ts";
import {
  type Acceptance,
  type FailOn,
  type Finding,
  type Limits,
  type Severity,
  SEVERITY_SCORES,
  type Suppression,
} from "../core/types.ts";
import type { Configuration, IgnoreLine, PatternLine } from "./configuration.ts";
import { compilePatterns } from "./patterns.ts";
import {
  comparedPath,
  compilePolicies,
  isOver,
  isStricter,
  type Policies,
  type PolicyMatch,
} from "./policies.ts";

/** One file, and whether the user vouches for it. */
export interface Layer {
  readonly configuration: Configuration;
  /** False for a file that was only found in the working directory. */
  readonly trusted: boolean;
}

/** The configuration of a run. */
export interface Effective {
  /** For reports: the files' names, or "embedded". */
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly overrides: Overrides | undefined;
  readonly limits: Partial<Limits>;
  readonly failOn: FailOn | undefined;
  /** Globs of the files that are scanned; all when empty. */
  readonly include: readonly string[];
  /** Globs of files and folders that are left out. */
  readonly exclude: readonly string[];
  /** What policies say of the file at a path, as reports have it; undefined when there are none. */
  readonly policyOf: ((path: string) => PolicyMatch | undefined) | undefined;
  /** The ignores and policies in force, each of which should match something. */
  readonly expected: readonly ExpectedEntry[];
  /** Why an issue does not count; undefined when it does. */
  readonly suppress: ((finding: Finding) => Suppression | Acceptance | undefined) | undefined;
  /** What took no effect, or will not for long, one sentence each. */
  readonly notes: readonly string[];
}

/** An entry that was written for something that is there. */
interface ExpectedEntry {
  readonly kind: "ignore" | "policy";
  /** Its glob. */
  readonly path: string;
  readonly origin: string;
}

/** No configuration. */
export const EMBEDDED: Effective = {
  name: "embedded",
  layers: [],
  overrides: undefined,
  limits: {},
  failOn: undefined,
  include: [],
  exclude: [],
  policyOf: undefined,
  expected: [],
  suppress: undefined,
  notes: [],
};

/** What fails a run of which nothing else was said; the default of `--fail-on`. */
const GENERAL: FailOn = "medium";

/** Days before its end from which on an ignore or policy is announced. */
const EXPIRES_SOON_DAYS = 14;

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/**
 * Puts layers together, the first one lowest.
 *
 * @param embedded the rules without any configuration, to tell raising from lowering
 * @param now milliseconds since 1970, for expiry dates
 * @throws ConfigError for a pattern or glob that cannot be used
 */
export async function effectiveOf(
  layers: readonly Layer[],
  embedded: Rules,
  now: number,
): Promise<Effective> {
  if (layers.length === 0) return EMBEDDED;
  const trusted = layers.filter((it) => it.trusted).map((it) => it.configuration);
  const lines = worstFirst(layers.flatMap((it) => it.configuration.patterns));
  const today = new Date(now).toISOString().slice(0, 10);
  const ignores = trusted.flatMap((it) => it.ignores);
  const inForce = ignores.filter((it) => !isOver(it, today));
  const policies = layers.flatMap((it) => it.configuration.policies);
  const failOn = trusted.findLast((it) => it.failOn !== undefined)?.failOn?.severity;
  const compiled = compilePolicies(layers, today, failOn ?? GENERAL);
  return {
    name: layers.map(({ configuration }) => configuration.file).join(" + "),
    layers,
    overrides: {
      embedded: !trusted.some((it) => it.replace !== undefined),
      globals: layers.flatMap(globalsOf),
      operators: layers.flatMap(({ configuration, trusted }) =>
        configuration.operators.map(({ language, operator, severity, origin }) => ({
          ...{ language, operator, origin },
          verdict: verdictOf(severity),
          raiseOnly: !trusted,
        }))
      ),
      rules: layers.flatMap(({ configuration, trusted }) =>
        configuration.rules.map(({ rule, severity, origin }) => ({
          ...{ rule, origin },
          verdict: verdictOf(severity),
          raiseOnly: !trusted,
        }))
      ),
      loaders: layers.flatMap(({ configuration }) => configuration.loaders),
      patterns: lines.map(patternRule),
      formats: [
        ...layers.flatMap(({ configuration, trusted }) =>
          configuration.forbid.map(({ name, origin }) => ({
            format: name,
            origin,
            raiseOnly: !trusted,
          }))
        ),
        ...compiled.formats,
      ],
      scores: scoresOf(layers),
      matcher: await compilePatterns(lines),
      patternsId: lines.length === 0
        ? undefined
        : JSON.stringify(lines.map(({ literal, pattern }) => [literal, pattern])),
    },
    limits: Object.fromEntries(
      trusted.flatMap((it) => it.limits).map(({ limit, value }) => [limit, value]),
    ),
    failOn,
    include: trusted.flatMap((it) => it.include.map(({ name }) => name)),
    exclude: trusted.flatMap((it) => it.exclude.map(({ name }) => name)),
    policyOf: policies.length === 0 ? undefined : compiled.of,
    expected: [
      ...inForce.map(({ path, origin }) => ({ kind: "ignore" as const, path, origin })),
      ...policies.filter((it) => !isOver(it, today))
        .map(({ path, origin }) => ({ kind: "policy" as const, path, origin })),
    ],
    suppress: suppressorOf(trusted, inForce, compiled),
    notes: [
      ...layers.filter((it) => !it.trusted)
        .flatMap((it) => withheld(it.configuration, embedded, failOn ?? GENERAL)),
      ...ignores.flatMap((it) => expiry("ignore", it, today, now)),
      ...policies.flatMap((it) => expiry("policy", it, today, now)),
    ],
  };
}

/** Every pattern once, under its worst severity. */
function worstFirst(lines: readonly PatternLine[]): PatternLine[] {
  const found = new Map<string, PatternLine>();
  for (const line of lines) {
    const key = `${line.literal}\n${line.pattern}`;
    const other = found.get(key);
    const worse = other === undefined ||
      compareVerdicts(verdictOf(line.severity), verdictOf(other.severity)) < 0;
    if (worse) found.set(key, line);
  }
  return [...found.values()];
}

function patternRule({ pattern, severity, title, origin }: PatternLine): PatternRule {
  return {
    pattern,
    title: title ?? "Holds text that a pattern of the configuration matches",
    verdict: verdictOf(severity),
    origin,
    raiseOnly: false,
  };
}

function globalsOf({ configuration, trusted }: Layer): GlobalOverride[] {
  const raiseOnly = !trusted;
  const named = configuration.globals.flatMap(
    ({ severity, module, names, origin }): GlobalOverride[] => {
      const verdict = verdictOf(severity);
      if (names === "*") return [{ path: module, wildcard: true, verdict, origin, raiseOnly }];
      return names.map((name) => ({
        path: `${module}.${name}`,
        wildcard: false,
        ...{ verdict, origin, raiseOnly },
      }));
    },
  );
  if (!trusted) return named;
  const allowed = configuration.allow.map(({ path, wildcard, origin }): GlobalOverride => ({
    ...{ path, wildcard, origin, raiseOnly },
    verdict: undefined,
  }));
  return [...named, ...allowed];
}

/** Scores that differ from the usual; a file that is not trusted may only raise them. */
function scoresOf(layers: readonly Layer[]): Partial<Record<Severity, number>> {
  const scores: Partial<Record<Severity, number>> = {};
  for (const { configuration, trusted } of layers) {
    for (const { severity, score } of configuration.scores) {
      const before = scores[severity] ?? SEVERITY_SCORES[severity];
      if (score > before || (trusted && score !== before)) scores[severity] = score;
    }
  }
  return scores;
}

function suppressorOf(
  trusted: readonly Configuration[],
  ignores: readonly IgnoreLine[],
  policies: Policies,
): Effective["suppress"] {
  const disabled = new Set(trusted.flatMap((it) => it.disable.map(({ name }) => name)));
  const globs = ignores.map((line) => ({ ...line, matches: globMatcher([line.path]) }));
  return (finding) => {
    if (finding.ruleId === CONFIGURED.allowed) return "allowed";
    if (finding.safety === "innocuous") return undefined;
    // What a wrapper was found to reach is not the wrapper's rule to let through.
    const own = finding.details["applied_to"] === undefined;
    const path = comparedPath(finding.location.path);
    const lines = globs.filter(({ matches, rule }) =>
      (rule === undefined || (own && rule === finding.ruleId)) && matches(path)
    );
    // An ignore of what is accepted anyway has matched, too.
    const origins = lines.map(({ origin }) => origin);
    if (own && disabled.has(finding.ruleId)) return { by: "disabled", origins };
    const policy = own ? policies.disabledAt(finding.ruleId, path) : undefined;
    if (policy !== undefined) {
      return { ...policy, origins: [...policy.origins ?? [], ...origins] };
    }
    const [line] = lines;
    return line && { by: "ignored", until: line.expires, why: line.reason, origins };
  };
}

/** What is said of an entry that has ended, or ends soon. */
function expiry(
  kind: ExpectedEntry["kind"],
  line: Pick<IgnoreLine, "expires" | "origin" | "path" | "reason">,
  today: string,
  now: number,
): string[] {
  const { expires, origin, path, reason } = line;
  if (expires === undefined) return [];
  if (isOver(line, today)) {
    return [
      `${origin}: the ${kind} of "${path}" (${reason}) ended on ${expires}; it has no effect.`,
    ];
  }
  const soon = new Date(now + EXPIRES_SOON_DAYS * DAY_MILLISECONDS).toISOString().slice(0, 10);
  return expires <= soon
    ? [`${origin}: the ${kind} of "${path}" (${reason}) ends on ${expires}.`]
    : [];
}

/**
 * The entries that were expected to match and did not, a sentence each.
 *
 * @param matched file and line of those that did
 */
export function unmatchedNotes(
  expected: readonly ExpectedEntry[],
  matched: ReadonlySet<string>,
): string[] {
  return expected.filter(({ origin }) => !matched.has(origin))
    .map(({ kind, path, origin }) => `${origin}: the ${kind} of "${path}" matched nothing.`);
}

/** What a file that is not trusted asked for in vain. */
function withheld(configuration: Configuration, embedded: Rules, general: FailOn): string[] {
  const lowered = (rule: string, severity: Severity): boolean => {
    const before = embedded.find(rule);
    return before !== undefined && compareVerdicts(verdictOf(severity), before) > 0;
  };
  const origins = [
    ...[configuration.replace, configuration.failOn?.origin].filter((it) => it !== undefined),
    ...configuration.allow.map((it) => it.origin),
    ...configuration.disable.map((it) => it.origin),
    ...configuration.include.map((it) => it.origin),
    ...configuration.exclude.map((it) => it.origin),
    ...configuration.policies.filter(({ disable, acceptsIncomplete, failOn }) =>
      disable.length > 0 || acceptsIncomplete ||
      (failOn !== undefined && isStricter(general, failOn))
    ).map((it) => it.origin),
    ...configuration.ignores.map((it) => it.origin),
    ...configuration.limits.map((it) => it.origin),
    ...configuration.rules.filter((it) => lowered(it.rule, it.severity)).map((it) => it.origin),
    ...configuration.scores.filter((it) => it.score < SEVERITY_SCORES[it.severity])
      .map((it) => it.origin),
    ...configuration.globals.filter(({ module, names, severity }) =>
      (names === "*" ? [] : names).some((name) =>
        compareVerdicts(verdictOf(severity), embedded.match(module, name, true).rule) > 0
      )
    ).map((it) => it.origin),
  ];
  if (origins.length === 0) return [];
  const lines = [...new Set(origins.map((it) => Number(it.slice(it.lastIndexOf(":") + 1))))]
    .sort((a, b) => a - b);
  const entries = origins.length === 1
    ? "1 entry that loosens has"
    : `${origins.length} entries that loosen have`;
  const where = `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}`;
  return [
    `${configuration.file} lies in the working directory and may have come with a model: ` +
    `${entries} no effect (${where}). Name the file with --config if you trust it.`,
  ];
}
