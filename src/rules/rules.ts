/**
 * The rules of a run, ready to judge.
 *
 * @module
 */

import type { Finding, Interest, Location, OperatorFact } from "../core/types.ts";
import { expectSettings, FLAG, type Kind, LIST, OBJECT } from "../core/known.ts";
import type { LoaderEntry } from "../core/loader.ts";
import type { PackedAllowlist } from "./allowed.ts";
import { Classifier } from "./classify.ts";
import type { GlobalClassifier, Match } from "./classify.ts";
import { ALLOWLISTS } from "./allowlists.ts";
import { CALLABLES_JSON, LOADERS_JSON, RULES_HASH, RULES_JSON } from "./embedded.ts";
import { judge } from "./judge.ts";
import type { Judging } from "./judge.ts";
import { exactness, nameOf, type OperatorMatch, OperatorTable } from "./operators.ts";
import {
  overrideClassifier,
  overrideInterest,
  overrideOperator,
  overrideRules,
  type Overrides,
  patternRules,
} from "./overrides.ts";
import type { Rule, Verdict } from "./rule.ts";
import type { Classification, Judged, RuleSet } from "../core/rule_set.ts";

/** A rule set that can also be read. */
export interface Rules extends RuleSet {
  /** All rules, in the order of their files. */
  list(): readonly Rule[];
  /** The rule with this id. */
  find(id: string): Rule | undefined;
  /** The rules that name an operator, by language; without those that cover it by a pattern. */
  operators(name: string): readonly { readonly language: string; readonly rule: Rule }[];
  /** The rule that a global falls under, called or only named. */
  match(module: string, name: string, called: boolean): Match;
  /** The libraries on the allowlists. */
  libraries(): readonly { readonly library: string; readonly version: string }[];
}

/** How rules are loaded. */
export interface RuleOptions {
  /** Throw for an anomaly that no rule describes; tests want this, users never. */
  readonly strict?: boolean;
  /** What the user's configuration adds and changes. */
  readonly overrides?: Overrides | undefined;
  /** The table of loaders. */
  readonly loaders?: readonly LoaderEntry[];
}

/**
 * Builds a rule set.
 *
 * @param version identifies the rules' text in reports
 * @throws RangeError when two rules have the same id or a rule is missing that no table replaces
 */
export function buildRules(
  embedded: readonly Rule[],
  allowlists: readonly PackedAllowlist[],
  version: string,
  options: RuleOptions = {},
): Rules {
  const { overrides } = options;
  const rules = overrides === undefined ? embedded : overrideRules(embedded, overrides);
  const byId = new Map<string, Rule>();
  for (const rule of rules) {
    if (byId.has(rule.id)) throw new RangeError(`Cannot load two rules with the id "${rule.id}"`);
    byId.set(rule.id, rule);
  }
  const find = (id: string): Rule => {
    const rule = byId.get(id);
    if (rule === undefined) throw new RangeError(`Cannot judge without the rule "${id}"`);
    return rule;
  };
  const plain = new Classifier(rules, allowlists);
  const classifier: GlobalClassifier = overrides === undefined
    ? plain
    : overrideClassifier(plain, overrides, find);
  const operator = operatorJudge(rules, overrides, find);
  const judging: Judging = {
    classifier,
    rules: byId,
    strict: options.strict ?? false,
    operator: (fact) => operator(fact)?.rule,
    patterns: overrides === undefined ? new Map() : patternRules(overrides, find),
    scores: overrides?.scores ?? {},
  };
  const meanings = new Map(
    Object.entries(JSON.parse(CALLABLES_JSON) as Readonly<Record<string, readonly string[]>>),
  );
  const watching: Interest = {
    argumentsMatter: (module, name) => !classifier.isHarmless(module, name),
    restoringIsHarmless: (module, name) => classifier.isRestorable(module, name),
    fillsResult: (module, name) => classifier.isFilled(module, name),
    meaningsOf: (path) =>
      meanings.get(path) ?? meanings.get(`${path.slice(0, path.lastIndexOf("."))}.*`) ?? [],
    operatorKnowledge(language, name) {
      const match = operator({ kind: "operator", language, name, expression: "" });
      if (match === undefined || match.exactness <= exactness("*", name)) return "unknown";
      return match.rule.safety === "innocuous" ? "harmless" : "named";
    },
    loaders: [...options.loaders ?? [], ...overrides?.loaders ?? []],
    dangerOf(module, name) {
      const { rule, exactness: exact } = classifier.match(module, name, true);
      return rule.safety === "dangerous" && exact > 0 ? rule.severity : undefined;
    },
  };
  const interest = overrides === undefined ? watching : overrideInterest(watching, overrides);
  return {
    version,
    interest,
    classify(module: string, name: string): Classification {
      const { rule, reaches } = classifier.match(module, name, false);
      return { ruleId: rule.id, severity: rule.severity, safety: rule.safety, reaches };
    },
    reasonsOf(ruleId: string) {
      const rule = byId.get(ruleId);
      if (rule === undefined) return undefined;
      const { title, why, fix, references, atlas } = rule;
      return { title, why, fix, references, atlas };
    },
    judge: (observations: readonly Judged[], location: Location, most?: Verdict): Finding[] =>
      judge(judging, observations, location, most),
    list: () => rules,
    find: (id) => byId.get(id),
    operators(name: string) {
      const languages = new Set(rules.flatMap(({ language }) => language ?? []));
      return [...languages].flatMap((language) => {
        const fact = { kind: "operator", language, name, expression: "" } as const;
        const match = operator(fact);
        const path = nameOf(fact);
        // A pattern that covers the name says less than one that is it.
        return match === undefined || match.exactness < exactness(path, path)
          ? []
          : [{ language, rule: match.rule }];
      });
    },
    match: (module, name, called) => classifier.match(module, name, called),
    libraries: () => allowlists.map(({ library, version }) => ({ library, version })),
  };
}

/**
 * Verdicts on operators cached: a graph has thousands of nodes of few types. The most seen in one scan are
 * 867. CWE-770.
 */
const OPERATORS_KEPT = 16_384;

/** Which rule an operator falls under, embedded and configured together. */
function operatorJudge(
  rules: readonly Rule[],
  overrides: Overrides | undefined,
  find: (id: string) => Rule,
): (fact: OperatorFact) => OperatorMatch | undefined {
  // Ten thousand names, which no pickle asks for.
  let table: OperatorTable | undefined;
  const own = overrides?.operators ?? [];
  const kept = new Map<string, OperatorMatch | undefined>();
  return (fact: OperatorFact) => {
    const key = `${fact.language}\n${fact.role ?? ""}\n${fact.name}`;
    if (kept.has(key)) return kept.get(key);
    table ??= new OperatorTable(rules);
    const embedded = table.find(fact);
    const match = own.length === 0 ? embedded : overrideOperator(embedded, fact, own, find);
    if (kept.size < OPERATORS_KEPT) kept.set(key, match);
    return match;
  };
}

/** The rules that come with the program. */
export function loadRules(options: RuleOptions = {}): Rules {
  expectSettings("loadRules", options, OPTIONS);
  const rules = (JSON.parse(RULES_JSON) as readonly Rule[]).map(complete);
  const loaders = options.loaders ?? JSON.parse(LOADERS_JSON) as readonly LoaderEntry[];
  return buildRules(rules, ALLOWLISTS, RULES_HASH.slice(0, 12), { ...options, loaders });
}

const OPTIONS: Readonly<Record<keyof Required<RuleOptions>, Kind>> = {
  strict: FLAG,
  overrides: OBJECT,
  loaders: LIST,
};

/** A rule as embedded: empty fields are omitted there. */
function complete(rule: Rule): Rule {
  return { ...EMPTY, ...rule };
}

const EMPTY = {
  effect: "",
  references: [],
  atlas: [],
  globals: {},
  attributes: [],
  effects: {},
  wrapper: undefined,
  importHarmless: false,
  folds: false,
  language: undefined,
  operators: [],
  role: undefined,
  hit: [],
  miss: [],
};
