/**
 * Facts in, findings out.
 *
 * What concerns one global at one place becomes one finding: its import, and all its calls with
 * their expressions and evidence. A wrapper takes its verdict from what it is applied to. What was
 * seen only under another reading of the bytes counts unless it is harmless.
 *
 * @module
 */

import type {
  CallFact,
  Evidence,
  Fact,
  Finding,
  GlobalName,
  ImportFact,
  Location,
  OperatorFact,
  Reading,
  Severity,
} from "../core/types.ts";
import { isDottedName, pathOf } from "../parsers/python/names.ts";
import { FALLBACK, type GlobalClassifier, type Match } from "./classify.ts";
import * as words from "./finding.ts";
import { judgeCode, judgeReference } from "./keras.ts";
import { isSourceLanguage, judgeSourceCalls } from "./python_source.ts";
import type { Voice } from "./finding.ts";
import { atMost, compareVerdicts, HARMLESS, worseSeverity } from "./rule.ts";
import type { Rule, Verdict } from "./rule.ts";
import type { Judged } from "../core/rule_set.ts";

/** Ids of the rules for facts that are not about one named global. */
const FACT_RULES = {
  mutation: "pickle-mutation",
  extension: "pickle-extension",
  unresolved: "pickle-unresolved-call",
  unresolvedImport: "pickle-unresolved-import",
  unresolvedAttribute: "pickle-unresolved-attribute",
  computed: "pickle-computed-name",
} as const;

/**
 * Distinct calls of one global kept in a finding's details; more are counted. The most seen are 25. CWE-779.
 */
const CALLS_KEPT = 20;

/** The place of a finding about the source and no offset in it. */
const NOWHERE: readonly string[] = [];

/** What judging needs to know of the rules. */
export interface Judging {
  readonly classifier: GlobalClassifier;
  /** The rule for an operator; undefined when none covers it. */
  operator(fact: OperatorFact): Rule | undefined;
  /** The rules behind the user's patterns, by their names. */
  readonly patterns: ReadonlyMap<string, Rule>;
  /** Scores that the user moved. */
  readonly scores: Readonly<Partial<Record<Severity, number>>>;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Throw for an anomaly that no rule describes, instead of judging it as suspicious. */
  readonly strict: boolean;
}

type FactObservation = Extract<Judged, { type: "fact" }>;
type AnomalyObservation = Extract<Judged, { type: "anomaly" }>;

/** A call together with how often and where it was first seen. */
interface Seen<F extends Fact> {
  readonly fact: F;
  readonly count: number;
  readonly offset: number;
}

/** All that was seen of one subject at one place under one reading. */
interface Group {
  readonly within: readonly string[];
  readonly reading: Reading | undefined;
  readonly imports: Seen<ImportFact>[];
  readonly calls: Seen<CallFact>[];
  readonly others: Seen<Exclude<Fact, ImportFact | CallFact>>[];
}

/** A verdict with the rule and words it stands on. */
interface Opinion {
  readonly rule: Rule;
  readonly verdict: Verdict;
  readonly message: string;
  /** The rule whose reasons apply: a wrapper's are those of its target. */
  readonly reasons: Rule;
  readonly reaches: string;
  /** Of a wrapper: the worst of what it is applied to. */
  readonly appliedTo?: string;
  /** Of code: the harmful names in it. */
  readonly names?: readonly string[];
}

/**
 * The findings for what was seen in one source.
 *
 * @param most caps severity and safety of what nothing loads
 * @throws RangeError in strict judging, for an anomaly without a rule
 */
export function judge(
  judging: Judging,
  observations: readonly Judged[],
  location: Location,
  most?: Verdict,
): Finding[] {
  const groups = new Map<string, Group>();
  const findings: Finding[] = [];
  const places = new Places();
  for (const observation of observations) {
    if (observation.type === "fact") gather(groups, observation, places);
    else findings.push(anomalyFinding(judging, observation, location, most));
  }
  for (const [key, group] of groups) {
    const finding = groupFinding(judging, group, location, most);
    if (finding !== undefined && !isReported(groups, key, group)) findings.push(finding);
  }
  return findings.map((finding) => {
    const score = judging.scores[finding.severity];
    return score === undefined ? finding : { ...finding, score };
  });
}

function subjectOf(fact: Fact): string {
  switch (fact.kind) {
    case "import":
    case "call":
      return `global\n${fact.module}\n${fact.name}`;
    case "mutation":
      return `mutation\n${fact.module}\n${fact.name}`;
    case "extension":
      return `extension\n${fact.code}`;
    case "unresolved-call":
      return fact.via === "STACK_GLOBAL"
        ? "unresolved-import"
        : fact.attribute === true
        ? "unresolved-attribute"
        : "unresolved-call";
    case "operator":
      // A program's text repeats itself; every node of a graph is reported for itself.
      return fact.language === "torchscript"
        ? `operator\n${fact.language}\n${fact.name}`
        : `operator\n${fact.language}\n${fact.name}\n${fact.role ?? ""}\n${fact.expression}` +
          // Harmless code under the same name must not speak for other code.
          `\n${JSON.stringify(fact.code?.map(({ names }) => names) ?? [])}`;
    case "reference":
      return `reference\n${fact.language}\n${fact.module}\n${fact.name}`;
    case "string":
      return `string\n${fact.pattern}\n${fact.role}`;
  }
}

function readingOf(fact: Fact): Reading | undefined {
  return "reading" in fact ? fact.reading : undefined;
}

/** Texts of places, of which thousands of facts have the same. */
class Places {
  #last: readonly string[] = [];
  #text = "[]";

  textOf(within: readonly string[]): string {
    if (within !== this.#last) {
      this.#last = within;
      this.#text = JSON.stringify(within);
    }
    return this.#text;
  }
}

function gather(groups: Map<string, Group>, observation: FactObservation, places: Places): void {
  const { fact, count, offset, within = NOWHERE } = observation;
  const reading = readingOf(fact);
  const key = `${reading ?? ""}\n${places.textOf(within)}\n${subjectOf(fact)}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = { within, reading, imports: [], calls: [], others: [] };
    groups.set(key, group);
  }
  if (fact.kind === "import") group.imports.push({ fact, count, offset });
  else if (fact.kind === "call") group.calls.push({ fact, count, offset });
  else group.others.push({ fact, count, offset });
}

/** True when the base reading of the same place already says all that this group has. */
function isReported(groups: ReadonlyMap<string, Group>, key: string, group: Group): boolean {
  if (group.reading === undefined) return false;
  const base = groups.get(key.slice(group.reading.length));
  if (base === undefined) return false;
  const reported = new Set([...base.calls, ...base.others].map(({ fact }) => expressionOf(fact)));
  return [...group.calls, ...group.others].every(({ fact }) => reported.has(expressionOf(fact)));
}

function expressionOf(fact: Fact): string {
  if (fact.kind === "import") return pathOf(fact.module, fact.name);
  if (fact.kind === "string") return fact.text;
  return fact.kind === "extension" ? `EXT${fact.code}` : fact.expression;
}

function groupFinding(
  judging: Judging,
  group: Group,
  location: Location,
  most: Verdict | undefined,
): Finding | undefined {
  const voice: Voice = { reading: group.reading, data: most !== undefined };
  const opinion = opinionOf(judging, group, voice);
  if (opinion === undefined) return undefined;
  let verdict = opinion.verdict;
  if (group.reading !== undefined) {
    // What is harmless under one reading is so under all; the base reading has reported what it uses.
    if (verdict.safety === "innocuous") return undefined;
    // Memo entries of another stream, and bytes that begin none, make names that no module has.
    const misread = group.reading === "memo" || group.reading === "resync";
    if (misread && group.calls.length === 0 && opinion.rule.id === FALLBACK.unclassified) {
      return undefined;
    }
    if (verdict.safety === "dangerous") {
      verdict = { ...verdict, severity: worseSeverity(verdict.severity, "high") };
    }
  }
  const all = [...group.imports, ...group.calls, ...group.others];
  const counted = group.calls.length > 0 ? group.calls : all;
  return {
    ruleId: opinion.rule.id,
    ...(opinion.rule.id !== opinion.reasons.id && { reasons: opinion.reasons.id }),
    ...atMost(verdict, most),
    message: opinion.message,
    location: { path: location.path, parts: [...location.parts, ...group.within] },
    offset: all.reduce((least, seen) => Math.min(least, seen.offset), Infinity),
    count: counted.reduce((sum, seen) => sum + seen.count, 0),
    details: detailsOf(group, opinion),
  };
}

function opinionOf(judging: Judging, group: Group, voice: Voice): Opinion | undefined {
  const other = group.others[0];
  if (other?.fact.kind === "reference" && isSourceLanguage(other.fact.language)) {
    const worst = judgeSourceCalls(judging, group.others.map(({ fact }) => fact));
    if (worst === undefined) return undefined;
    const { rule, match: { reaches }, decides, message } = worst;
    return { rule, verdict: decides, message, reasons: decides, reaches };
  }
  if (other !== undefined) return otherOpinion(judging, other.fact, voice);
  if (group.reading === "plain" || group.reading === "resync") {
    const named = group.imports[0]?.fact ?? group.calls[0]?.fact;
    // Bytes that are no pickle seldom spell identifiers: what they name could not be imported.
    if (named === undefined || !isDottedName(pathOf(named.module, named.name))) return undefined;
  }
  const calls = group.calls.map(({ fact }) => callOpinion(judging.classifier, fact, voice));
  const first = group.imports[0];
  if (first !== undefined && calls.length === 0) {
    calls.push(importOpinion(judging.classifier, first.fact, voice));
  }
  const computed = group.imports.find(({ fact }) => fact.computed === true);
  if (computed !== undefined) calls.push(computedOpinion(judging, computed.fact, voice));
  return calls.reduce<Opinion | undefined>(
    (worst, each) =>
      worst === undefined || compareVerdicts(each.verdict, worst.verdict) < 0 ? each : worst,
    undefined,
  );
}

function importOpinion(classifier: GlobalClassifier, fact: ImportFact, voice: Voice): Opinion {
  const path = pathOf(fact.module, fact.name);
  const match = classifier.match(fact.module, fact.name, false);
  const message = match.rule.safety === "innocuous"
    ? words.harmlessMessage(path, match.effect)
    : words.importMessage(voice, match, path);
  return plain(match, message);
}

/** A name that calls put together: it may be another one than the machine has worked out. */
function computedOpinion(judging: Judging, fact: ImportFact, voice: Voice): Opinion {
  const rule = required(judging, FACT_RULES.computed);
  const path = pathOf(fact.module, fact.name);
  const message = words.computedMessage(voice, path, rule);
  return { rule, verdict: rule, message, reasons: rule, reaches: path };
}

/** Opcodes and functions that make an instance without its `__init__`; so do calls without arguments. */
const RESTORING = /^(NEWOBJ(_EX)?|_reconstructor|__newobj(_ex)?__)$/;

function isRestoring({ via, expression, module, name }: CallFact): boolean {
  return RESTORING.test(via) || expression === `${module}.${name}()`;
}

function plain(match: Match, message: string): Opinion {
  const { rule, reaches } = match;
  return { rule, verdict: rule, message, reasons: rule, reaches };
}

function callOpinion(classifier: GlobalClassifier, fact: CallFact, voice: Voice): Opinion {
  const path = pathOf(fact.module, fact.name);
  const restored = isRestoring(fact) && classifier.isRestorable(fact.module, fact.name);
  const match = classifier.match(fact.module, fact.name, !restored);
  const { wrapper } = match.rule;
  if (wrapper !== undefined && fact.targets !== undefined) {
    return wrapperOpinion(classifier, fact, fact.targets, match, voice);
  }
  const message = match.rule.safety === "innocuous"
    ? words.harmlessMessage(path, match.effect)
    : words.callMessage(voice, fact.expression, match, path);
  return plain(match, message);
}

/** What a wrapper is applied to decides, and nothing it could do to plain data matters. */
function wrapperOpinion(
  classifier: GlobalClassifier,
  fact: CallFact,
  targets: readonly GlobalName[],
  match: Match,
  voice: Voice,
): Opinion {
  let worst: Match | undefined;
  for (const { module, name } of targets) {
    // Where the machine sees a call of what is wrapped, it tells that call by itself.
    const called = match.rule.wrapper === "calls" && !classifier.isListed(module, name);
    const target = classifier.match(module, name, called);
    if (worst === undefined || compareVerdicts(target.rule, worst.rule) < 0) worst = target;
  }
  const { rule, reaches } = match;
  if (worst === undefined || worst.rule.safety === "innocuous") {
    const message = words.harmlessMessage(fact.expression, "is applied to known, harmless things");
    return { rule, verdict: HARMLESS, message, reasons: rule, reaches };
  }
  const { severity, safety } = worst.rule;
  const verdict = safety === "dangerous"
    ? { severity, safety }
    : { severity: worseSeverity(severity, "medium"), safety };
  const message = words.wrapperMessage(voice, fact.expression, worst);
  return { rule, verdict, message, reasons: worst.rule, reaches, appliedTo: worst.reaches };
}

function otherOpinion(
  judging: Judging,
  fact: Exclude<Fact, ImportFact | CallFact>,
  voice: Voice,
): Opinion | undefined {
  switch (fact.kind) {
    case "mutation": {
      const rule = required(judging, FACT_RULES.mutation);
      const message = words.expressionMessage(voice, fact.expression, rule);
      const reaches = judging.classifier.match(fact.module, fact.name, false).reaches;
      return { rule, verdict: rule, message, reasons: rule, reaches };
    }
    case "extension": {
      const rule = required(judging, FACT_RULES.extension);
      const message = words.expressionMessage(voice, `extension code ${fact.code}`, rule);
      return { rule, verdict: rule, message, reasons: rule, reaches: "" };
    }
    case "unresolved-call": {
      const rule = required(
        judging,
        fact.via === "STACK_GLOBAL"
          ? FACT_RULES.unresolvedImport
          : fact.attribute === true
          ? FACT_RULES.unresolvedAttribute
          : FACT_RULES.unresolved,
      );
      const message = words.expressionMessage(voice, fact.expression, rule);
      return { rule, verdict: rule, message, reasons: rule, reaches: "" };
    }
    case "operator": {
      const code = judgeCode(judging, fact);
      const rule = judging.operator(fact);
      if (code !== undefined && (!rule || compareVerdicts(code.verdict, rule) <= 0)) {
        const { rule, verdict, names } = code;
        const message = words.codeMessage(voice, fact.expression, rule, names);
        return { rule, verdict, message, reasons: rule, reaches: fact.name, names };
      }
      if (rule === undefined) return undefined;
      const message = rule.safety === "innocuous"
        ? words.harmlessMessage(fact.name, rule.effect)
        : words.operatorMessage(voice, fact.expression, rule);
      return { rule, verdict: rule, message, reasons: rule, reaches: fact.name };
    }
    case "reference": {
      const found = judgeReference(judging, fact);
      if (found === undefined) return undefined;
      const { rule, match } = found;
      const message = rule.safety === "innocuous"
        ? words.harmlessMessage(fact.expression, match.effect)
        : words.importMessage(voice, match, fact.expression);
      return { rule, verdict: match.rule, message, reasons: match.rule, reaches: match.reaches };
    }
    case "string": {
      const rule = judging.patterns.get(fact.pattern);
      if (rule === undefined) return undefined;
      const message = words.patternMessage(rule.title, fact);
      return { rule, verdict: rule, message, reasons: rule, reaches: "" };
    }
  }
}

function required(judging: Judging, id: string): Rule {
  const rule = judging.rules.get(id);
  if (rule === undefined) throw new RangeError(`Cannot judge without the rule "${id}"`);
  return rule;
}

function detailsOf(group: Group, opinion: Opinion): Record<string, unknown> {
  const details: Record<string, unknown> = {};
  const first: Fact | undefined = group.imports[0]?.fact ?? group.calls[0]?.fact ??
    group.others[0]?.fact;
  if (first !== undefined && "module" in first) {
    details["global"] = pathOf(first.module, first.name);
    details["module"] = first.module;
    details["name"] = first.name;
  }
  if (opinion.reaches !== "" && opinion.reaches !== details["global"]) {
    details["reaches"] = opinion.reaches;
  }
  if (opinion.appliedTo !== undefined) details["applied_to"] = opinion.appliedTo;
  const origin = opinion.rule.origin ?? opinion.reasons.origin;
  if (origin !== undefined) details["configuration"] = origin;
  if (first?.kind === "string") Object.assign(details, { pattern: first.pattern });
  if (group.reading !== undefined) details["reading"] = group.reading;
  if (first?.kind === "operator") details["operator"] = first.name;
  if (first?.kind === "operator" || first?.kind === "reference") {
    Object.assign(details, first.details);
  }
  if (opinion.names !== undefined) details["names"] = opinion.names;
  if (group.imports.length > 0) {
    details["imported_by"] = [...new Set(group.imports.map(({ fact }) => fact.via))];
  }
  if (opinion.verdict.safety === "innocuous") return details;
  const calls = [...group.calls, ...group.others];
  if (calls.length > 0) {
    details["calls"] = calls.slice(0, CALLS_KEPT).map((seen) => callDetails(seen));
    if (calls.length > CALLS_KEPT) details["calls_left_out"] = calls.length - CALLS_KEPT;
  }
  const evidence = distinctEvidence(calls.map(({ fact }) => fact));
  if (evidence.length > 0) details["evidence"] = evidence;
  return details;
}

function callDetails({ fact, count, offset }: Seen<Exclude<Fact, ImportFact>>): unknown {
  return {
    expression: expressionOf(fact),
    ...("via" in fact ? { via: fact.via } : {}),
    offset,
    count,
    ...("targets" in fact && fact.targets !== undefined
      ? { targets: fact.targets.map(({ module, name }) => pathOf(module, name)) }
      : {}),
  };
}

function distinctEvidence(facts: readonly Fact[]): Evidence[] {
  const found = new Map<string, Evidence>();
  for (const fact of facts) {
    if (!("evidence" in fact)) continue;
    for (const each of fact.evidence ?? []) found.set(`${each.kind}\n${each.text}`, each);
  }
  return [...found.values()].slice(0, CALLS_KEPT);
}

function anomalyFinding(
  judging: Judging,
  observation: AnomalyObservation,
  location: Location,
  most: Verdict | undefined,
): Finding {
  const { rule: id, detail, offset, unread = false, within = [] } = observation;
  const rule = judging.rules.get(id);
  if (rule === undefined && judging.strict) {
    throw new RangeError(`Cannot judge the anomaly "${id}": no rule has this id`);
  }
  const verdict: Verdict = rule ?? { severity: "medium", safety: "suspicious" };
  return {
    ruleId: id,
    ...atMost({ severity: verdict.severity, safety: verdict.safety }, most),
    message: words.anomalyMessage(rule ?? { title: "Something is wrong with this file" }, detail),
    location: { path: location.path, parts: [...location.parts, ...within] },
    ...(offset === undefined ? {} : { offset }),
    count: 1,
    details: {
      detail,
      ...(unread ? { unread } : {}),
      ...(rule?.origin === undefined ? {} : { configuration: rule.origin }),
    },
  };
}
