/**
 * Merges the user's rules with the embedded ones. A user's entry raises everything that it covers. It
 * lowers only what no embedded entry names more exactly; a list of allowed globals lowers all that it
 * covers, but never a module that a dotted name merely passes through. An untrusted entry raises and
 * never lowers.
 *
 * @module
 */

import type { LoaderEntry } from "../core/loader.ts";
import type { Interest, OperatorFact, PatternHit, Severity } from "../core/types.ts";
import { pathOf, python3Path, reachedPaths, withoutMoves } from "../parsers/python/names.ts";
import { exactnessOf, FALLBACK, type GlobalClassifier, type Match } from "./classify.ts";
import { exactness, nameOf, type OperatorMatch } from "./operators.ts";
import { compareVerdicts, HARMLESS, type Rule, type Verdict } from "./rule.ts";

/** Ids of the rules that carry what only a configuration knows; `rules/configuration.toml`. */
export const CONFIGURED = {
  allowed: "configuration-allowed",
  format: "configuration-forbidden-format",
  global: "configuration-global",
  operator: "configuration-operator",
  pattern: "configuration-pattern",
} as const;

/** Classifications cached. The most names seen in a scan of 250 configurations are 2,592. CWE-770. */
const CACHE_SIZE = 65_536;

/** What every entry has. */
export interface Entry {
  /** File and line, for instance `security.toml:12`. */
  readonly origin: string;
  /** True for an entry of a file that nothing vouches for: it may raise only. */
  readonly raiseOnly: boolean;
}

/** A global, or all of a module, and what the user thinks of it. */
export interface GlobalOverride extends Entry {
  /** Dotted path, without the `.*` of a wildcard. */
  readonly path: string;
  /** True when everything below the path is meant. */
  readonly wildcard: boolean;
  /** Undefined: allowed. */
  readonly verdict: Verdict | undefined;
}

/** An operator by language and name, `Name*` for all that begin so. */
export interface OperatorOverride extends Entry {
  /** `tensorflow`, `keras` and so on. */
  readonly language: string;
  /** A name, or its beginning and a `*`. */
  readonly operator: string;
  /** What the user thinks of it. */
  readonly verdict: Verdict;
}

/** Another verdict for a rule. */
export interface RuleOverride extends Entry {
  /** Its id. */
  readonly rule: string;
  /** What the user thinks of it. */
  readonly verdict: Verdict;
}

/** A pattern that texts are searched for. */
export interface PatternRule extends Entry {
  /** Its name in facts. */
  readonly pattern: string;
  /** How findings begin. */
  readonly title: string;
  /** What the user thinks of texts that match. */
  readonly verdict: Verdict;
}

/** A format that is not to be. */
export interface FormatOverride extends Entry {
  /** Its id. */
  readonly format: string;
  /** True for a path, as reports have it, to which that applies; to all unless given. */
  readonly covers?: (path: string) => boolean;
}

/** All that a configuration does to the rules. Immutable. */
export interface Overrides {
  /** False: start without the embedded tables of harmful globals and operators. */
  readonly embedded: boolean;
  /** Globals that pickles import. */
  readonly globals: readonly GlobalOverride[];
  /** Operators of graphs, layers of models. */
  readonly operators: readonly OperatorOverride[];
  /** Overrides by rule id. */
  readonly rules: readonly RuleOverride[];
  /** Loaders of the user's own, besides those of the table. */
  readonly loaders?: readonly LoaderEntry[];
  /** Texts that are looked for. */
  readonly patterns: readonly PatternRule[];
  /** Formats that are forbidden. */
  readonly formats: readonly FormatOverride[];
  /** Scores that differ from the usual ones. */
  readonly scores: Readonly<Partial<Record<Severity, number>>>;
  /** Finds the patterns in a text; undefined when there are none. */
  readonly matcher: ((text: string) => readonly PatternHit[]) | undefined;
  /** Tells sets of patterns apart, whatever is thought of them; what was read for others is read again without. */
  readonly patternsId?: string | undefined;
}

/** In a user's table CRITICAL and HIGH mean dangerous, MEDIUM and LOW suspicious, the rest harmless. */
export function verdictOf(severity: Severity): Verdict {
  if (severity === "critical" || severity === "high") return { severity, safety: "dangerous" };
  const safety = severity === "medium" || severity === "low" ? "suspicious" : "innocuous";
  return { severity, safety };
}

/** The embedded rules as a configuration leaves them, before any single global is asked about. */
export function overrideRules(rules: readonly Rule[], overrides: Overrides): readonly Rule[] {
  const kept = overrides.embedded ? rules : rules.filter((rule) => !isTable(rule));
  if (overrides.rules.length === 0) return kept;
  return kept.map((embedded) => {
    let rule = embedded;
    for (const entry of overrides.rules) {
      if (entry.rule !== rule.id) continue;
      const verdict = settle(rule, entry.verdict, !entry.raiseOnly);
      if (verdict !== undefined) rule = { ...rule, ...verdict, origin: entry.origin };
    }
    return rule;
  });
}

/** The user's entries on top of the embedded ones, those that only raise on top of all. */
export function overrideClassifier(
  embedded: GlobalClassifier,
  overrides: Overrides,
  find: (id: string) => Rule,
): GlobalClassifier {
  let classifier = embedded;
  for (const raiseOnly of [false, true]) {
    const entries = overrides.globals.filter((it) => it.raiseOnly === raiseOnly);
    if (entries.length > 0) classifier = new ConfiguredClassifier(classifier, entries, find);
  }
  return classifier;
}

/**
 * A table of harmful globals. Tables of wrappers, pure functions and allowlists stay when the user
 * replaces others.
 */
function isTable(rule: Rule): boolean {
  return (rule.kind === "global" || rule.kind === "operator") && rule.wrapper === undefined &&
    rule.safety !== "innocuous" && rule.attributes.length === 0;
}

/**
 * The verdict where an embedded entry and a user's entry cover the same name.
 *
 * @returns undefined when the embedded one stays
 */
function settle(
  embedded: Verdict,
  expected: Verdict,
  mayLower: boolean,
): Verdict | undefined {
  const order = compareVerdicts(expected, embedded);
  return order < 0 || (order > 0 && mayLower) ? expected : undefined;
}

/** Looks up the embedded rules first, then the user's for the same path. */
class ConfiguredClassifier implements GlobalClassifier {
  readonly #inner: GlobalClassifier;
  readonly #exact = new Map<string, GlobalOverride>();
  readonly #wildcards = new Map<string, GlobalOverride>();
  readonly #find: (id: string) => Rule;
  readonly #derived = new Map<string, Rule>();
  readonly #cache = new Map<string, Match>();

  /** @param find the rule with an id */
  constructor(
    inner: GlobalClassifier,
    globals: readonly GlobalOverride[],
    find: (id: string) => Rule,
  ) {
    this.#inner = inner;
    this.#find = find;
    for (const entry of globals) {
      const table = entry.wildcard ? this.#wildcards : this.#exact;
      const other = table.get(entry.path);
      if (
        other === undefined ||
        compareVerdicts(verdictOfOverride(entry), verdictOfOverride(other)) < 0
      ) {
        table.set(entry.path, entry);
      }
    }
  }

  isFilled(module: string, name: string): boolean {
    return this.#inner.isFilled(module, name);
  }

  isRestorable(module: string, name: string): boolean {
    return this.#inner.isRestorable(module, name) && this.#mayName(module, name);
  }

  isListed(module: string, name: string): boolean {
    return this.#inner.isListed(module, name) && this.#mayName(module, name);
  }

  #mayName(module: string, name: string): boolean {
    return this.match(module, name, false).rule.safety === "innocuous";
  }

  match(module: string, name: string, called: boolean): Match {
    const key = `${called ? "c" : "i"}${module}\n${name}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const match = this.#decide(module, name, this.#inner.match(module, name, called));
    if (this.#cache.size < CACHE_SIZE) this.#cache.set(key, match);
    return match;
  }

  isHarmless(module: string, name: string): boolean {
    if (!this.#inner.isHarmless(module, name)) return false;
    return this.match(module, name, true).rule.safety === "innocuous";
  }

  /** The path that the embedded verdict is about may be lowered; through all others only raised. */
  #decide(module: string, name: string, embedded: Match): Match {
    let worst = this.#own(embedded);
    for (const path of pathsOf(module, name)) {
      const entry = path === embedded.reaches ? undefined : this.#entryFor(path)?.entry;
      if (entry?.verdict === undefined) continue;
      if (compareVerdicts(entry.verdict, worst.rule) < 0) {
        worst = this.#derive(embedded, path, entry, entry.verdict);
      }
    }
    return worst;
  }

  #own(embedded: Match): Match {
    const found = this.#entryFor(embedded.reaches);
    if (found === undefined) return embedded;
    const { entry, exact } = found;
    const allowed = entry.verdict === undefined;
    // A wildcard vouches for names, not for where they lead by way of attributes.
    const covers = allowed && (embedded.exactness !== Infinity || exact);
    const mayLower = !entry.raiseOnly &&
      (covers || exactnessOf(entry.path, entry.wildcard) >= embedded.exactness);
    const verdict = settle(embedded.rule, verdictOfOverride(entry), mayLower);
    return verdict === undefined
      ? embedded
      : this.#derive(embedded, embedded.reaches, entry, verdict);
  }

  #entryFor(path: string): { entry: GlobalOverride; exact: boolean } | undefined {
    for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
      const part = path.slice(0, end);
      const exact = this.#exact.get(part);
      // What hangs on an allowed global is not thereby allowed.
      if (exact !== undefined && (end === path.length || exact.verdict !== undefined)) {
        return { entry: exact, exact: end === path.length };
      }
      const wildcard = this.#wildcards.get(part);
      if (wildcard !== undefined) return { entry: wildcard, exact: false };
    }
    return undefined;
  }

  #derive(embedded: Match, path: string, entry: GlobalOverride, verdict: Verdict): Match {
    const base = embedded.rule;
    const named = entry.verdict === undefined ? CONFIGURED.allowed : CONFIGURED.global;
    const foreign = entry.verdict === undefined || base.safety === "innocuous" ||
      path !== embedded.reaches || Object.values<string>(FALLBACK).includes(base.id);
    const key = `${base.id}\n${entry.origin}\n${foreign}`;
    let rule = this.#derived.get(key);
    if (rule === undefined) {
      const words = foreign ? this.#find(named) : base;
      const effect = entry.verdict === undefined
        ? "is trusted by the configuration"
        : `is listed as ${verdict.severity} in ${entry.origin}`;
      rule = {
        ...words,
        ...verdict,
        origin: entry.origin,
        effects: foreign ? {} : base.effects,
        effect: foreign ? effect : base.effect,
        wrapper: base.wrapper,
        folds: base.folds,
      };
      this.#derived.set(key, rule);
    }
    return {
      rule,
      reaches: path,
      effect: foreign ? rule.effect : embedded.effect,
      exactness: exactnessOf(entry.path, entry.wildcard),
    };
  }
}

function verdictOfOverride(entry: GlobalOverride): Verdict {
  return entry.verdict ?? HARMLESS;
}

/**
 * Components of a dotted name that is walked; one with more is judged by their number alone. The most in
 * seven wheels are 5. CWE-407.
 */
const MAX_COMPONENTS = 64;

/** The paths under which the user may have named a global. */
function pathsOf(module: string, name: string): Set<string> {
  const written = pathOf(withoutMoves(module), name);
  const paths = new Set([pathOf(module, name), written]);
  if (written.split(".", MAX_COMPONENTS + 2).length > MAX_COMPONENTS) return paths;
  const mapped = python3Path(module, name);
  if (mapped !== undefined) paths.add(mapped);
  for (const { path } of reachedPaths({ module, name }, new Set())) paths.add(path);
  return paths;
}

/** Parts that a model's own machinery plays, on its own files: what it uses there says nothing. */
const MACHINERY: ReadonlySet<string> = new Set(["saver", "asset", "memory"]);

/**
 * The rule for an operator after the user's overrides. A graph's saver and what reads its own assets
 * are judged by that role alone; where the embedded rules judge the role of an operator, its name only
 * raises.
 *
 * @param embedded what the embedded rules say
 */
export function overrideOperator(
  embedded: OperatorMatch | undefined,
  fact: OperatorFact,
  overrides: readonly OperatorOverride[],
  find: (id: string) => Rule,
): OperatorMatch | undefined {
  const role = embedded?.rule.role;
  if (role !== undefined && MACHINERY.has(role)) return embedded;
  let match = embedded;
  for (const raiseOnly of [false, true]) {
    match = overrideOnce(match, fact, overrides.filter((it) => it.raiseOnly === raiseOnly), find);
  }
  return match;
}

function overrideOnce(
  embedded: OperatorMatch | undefined,
  fact: OperatorFact,
  overrides: readonly OperatorOverride[],
  find: (id: string) => Rule,
): OperatorMatch | undefined {
  const base = embedded?.rule;
  const operator = nameOf(fact);
  let best: OperatorOverride | undefined;
  let most = 0;
  for (const entry of overrides) {
    if (entry.language !== fact.language) continue;
    const weight = Math.max(
      exactness(entry.operator, operator),
      exactness(entry.operator, fact.name),
    );
    const worse = best !== undefined && compareVerdicts(entry.verdict, best.verdict) < 0;
    if (weight > most || (weight === most && weight > 0 && worse)) [best, most] = [entry, weight];
  }
  if (best === undefined) return embedded;
  const mayLower = !best.raiseOnly && base?.role === undefined &&
    most >= (embedded?.exactness ?? 0);
  const verdict = settle(base ?? HARMLESS, best.verdict, mayLower);
  if (verdict === undefined) return embedded;
  const words = base === undefined || base.safety === "innocuous"
    ? {
      ...find(CONFIGURED.operator),
      effect: `is listed as ${verdict.severity} in ${best.origin}`,
    }
    : base;
  const rule = { ...words, ...verdict, role: base?.role, origin: best.origin };
  return { rule, exactness: most };
}

/** Adds to what formats are to look for what the user's patterns and forbidden formats ask. */
export function overrideInterest(interest: Interest, overrides: Overrides): Interest {
  const { formats } = overrides;
  return {
    ...interest,
    patternsIn: overrides.matcher,
    patternsId: overrides.patternsId,
    forbidsFormat: formats.length === 0
      ? undefined
      : (id, path) =>
        formats.some(({ format, covers }) => format === id && (covers?.(path) ?? true)),
  };
}

/** The rules behind the user's patterns, by the patterns' names. */
export function patternRules(
  overrides: Overrides,
  find: (id: string) => Rule,
): ReadonlyMap<string, Rule> {
  const base = find(CONFIGURED.pattern);
  return new Map(
    overrides.patterns.map((it) => [
      it.pattern,
      { ...base, ...it.verdict, title: it.title, origin: it.origin },
    ]),
  );
}
