/**
 * `modelaudit explain SUBJECT` and `modelaudit rules show RULE`: how a rule, a global or an operator is
 * judged, and why.
 *
 * @module
 */

import { ATLAS_TECHNIQUES } from "../../core/atlas.ts";
import { ConfigError } from "../../core/errors.ts";
import { escapeText, jsonText } from "../../report/escape.ts";
import { hang, type Page, paragraph } from "../../report/layout.ts";
import { painter, severityLabel } from "../../report/style.ts";
import { FALLBACK } from "../../rules/classify.ts";
import { explainGlobal, type GlobalExplanation } from "../../rules/explain.ts";
import type { Rule } from "../../rules/rule.ts";
import { type Trust, trustOf } from "../../rules/trust.ts";
import type { Rules } from "../../rules/rules.ts";
import type { Severity } from "../../core/types.ts";
import { type ConfigurationChoice, loadConfigured } from "../configuration.ts";
import type { Io } from "../io.ts";
import { didYouMean } from "../../core/nearest.ts";
import { columnsOf, wantsColor } from "../terminal.ts";

/** Modules of a rule that are listed; a rule may cover hundreds. */
const MODULES_SHOWN = 40;

const LABEL_WIDTH = 12;

/** What may be the name of an operator, such as `ReadFile` or `aten::save`; a global has a dot. */
const OPERATOR = /^[^.:\s]+(?:::[^.:\s]+)*$/;

/** How the explanation is written. */
export interface ExplainOptions {
  readonly format: string;
  readonly emoji: boolean;
  readonly config?: ConfigurationChoice;
}

/**
 * Writes the explanation.
 *
 * @param subject id of a rule, an operator such as `ReadFile`, or a global such as `os.system`
 * @returns the exit code
 * @throws ConfigError when it is none of them
 */
export async function runExplain(
  subject: string,
  options: ExplainOptions,
  io: Io,
): Promise<number> {
  const { rules } = await loadConfigured(options.config, io);
  const page: Page = {
    width: Math.min(columnsOf(io.env, io.stdout), 100),
    emoji: options.emoji,
    paint: painter(wantsColor(io.env, io.stdout)),
  };
  const rule = rules.find(subject);
  const operators = rule === undefined && OPERATOR.test(subject) ? rules.operators(subject) : [];
  if (operators.length > 0) {
    await io.stdout.write(
      options.format === "json"
        ? jsonText(operatorRecord(subject, operators), 2) + "\n"
        : operatorLines(page, subject, operators).map((line) => line + "\n").join(""),
    );
    return 0;
  }
  const found = rule ?? globalOf(rules, subject);
  const trust = "globals" in found || found.imported.ruleId !== FALLBACK.allowed
    ? []
    : await trustOf(found.reaches);
  const text = options.format === "json"
    ? jsonText("globals" in found ? ruleRecord(found) : globalRecord(found, trust), 2) + "\n"
    : ("globals" in found ? ruleLines(page, found) : globalLines(page, found, trust))
      .map((line) => line + "\n").join("");
  await io.stdout.write(text);
  return 0;
}

function globalOf(rules: Rules, subject: string): GlobalExplanation {
  if (/[.:\s]/.test(subject.trim())) {
    try {
      return explainGlobal(rules, subject);
    } catch (error) {
      if (error instanceof RangeError) throw new ConfigError(subject, error.message);
      throw error;
    }
  }
  const meant = didYouMean(subject, rules.list().map((it) => it.id));
  throw new ConfigError(
    subject,
    `There is no rule or operator "${subject}".${meant} "modelaudit rules list" lists the rules; ` +
      "a global is written with its module, such as os.system",
  );
}

/** What is said of one operator, in one language of programs in models. */
type JudgedOperator = ReturnType<Rules["operators"]>[number];

function operatorRecord(
  name: string,
  operators: readonly JudgedOperator[],
): Record<string, unknown> {
  return {
    operator: name,
    judged: operators.map(({ language, rule }) => ({
      language,
      rule_id: rule.id,
      severity: rule.severity,
      safety_level: rule.safety,
      origin: rule.origin ?? "embedded",
      effect: rule.effect,
      title: rule.title,
      why: rule.why,
      fix: rule.fix,
      references: rule.references,
      atlas: rule.atlas,
    })),
  };
}

function operatorLines(
  page: Page,
  name: string,
  operators: readonly JudgedOperator[],
): string[] {
  return operators.flatMap(({ language, rule }, index) => [
    ...(index > 0 ? [""] : []),
    ...title(page, `${name} (${language})`, rule.title),
    ...verdictLine(page, "verdict", rule.severity, `${rule.safety} · ${rule.id}`),
    ...labelled(page, "effect", rule.effect === "" ? "" : `It ${rule.effect}.`),
    ...labelled(page, "decided in", rule.origin ?? ""),
    ...labelled(page, "why", rule.why),
    ...labelled(page, "fix", rule.fix),
    ...labelled(page, "see", rule.references.join(", ")),
    ...labelled(page, "ATLAS", techniquesText(rule.atlas)),
  ]);
}

/** A rule as data: what `rules --format json` lists. */
export function ruleRecord(rule: Rule): Record<string, unknown> {
  return {
    id: rule.id,
    area: rule.format,
    kind: rule.kind,
    severity: rule.severity,
    safety_level: rule.safety,
    title: rule.title,
    origin: rule.origin ?? "embedded",
    effect: rule.effect,
    why: rule.why,
    fix: rule.fix,
    references: rule.references,
    atlas: rule.atlas,
    globals: rule.globals,
    operators: rule.operators,
    wrapper: rule.wrapper ?? null,
    hit: rule.hit,
    miss: rule.miss,
  };
}

function globalRecord(it: GlobalExplanation, trust: readonly Trust[]): Record<string, unknown> {
  const verdict = (one: GlobalExplanation["called"]) => ({
    rule_id: one.ruleId,
    severity: one.severity,
    safety_level: one.safety,
  });
  return {
    global: it.global,
    reaches: it.reaches,
    called: verdict(it.called),
    imported: verdict(it.imported),
    wrapper: it.wrapper,
    origin: it.origin ?? "embedded",
    effect: it.effect,
    title: it.title,
    why: it.why,
    fix: it.fix,
    references: it.references,
    atlas: it.atlas,
    trust,
  };
}

function ruleLines(page: Page, rule: Rule): string[] {
  const modules = Object.entries(rule.globals);
  const shown = modules.slice(0, MODULES_SHOWN).map(([module, names]) =>
    `${module}: ${typeof names === "string" ? names : names.join(", ")}`
  );
  if (modules.length > shown.length) shown.push(`… and ${modules.length - shown.length} more`);
  return [
    ...title(page, rule.id, rule.title),
    ...verdictLine(page, "verdict", rule.severity, rule.safety),
    ...labelled(page, "area", rule.format),
    ...labelled(page, "decided in", rule.origin ?? ""),
    ...labelled(page, "why", rule.why),
    ...labelled(page, "fix", rule.fix),
    ...labelled(page, "see", rule.references.join(", ")),
    ...labelled(page, "ATLAS", techniquesText(rule.atlas)),
    ...labelled(page, "hits", rule.hit[0] ?? ""),
    ...labelled(page, "misses", rule.miss[0] ?? ""),
    ...shown.flatMap((text, index) => labelled(page, index === 0 ? "covers" : "", text)),
    ...labelled(
      page,
      rule.globals && modules.length > 0 ? "" : "covers",
      rule.operators.join(", "),
    ),
  ];
}

/** How far a list says that a name is harmless. */
const USES: Readonly<Record<Trust["use"], string>> = {
  called: "called with any arguments, restored and named",
  filled: "called with arguments that hold nothing to call, restored and named",
  restored: "restored without its constructor, and named",
  named: "named",
};

/** What an audit says of a name. */
function trustLines(page: Page, trust: Trust): string[] {
  const { list, use, releases, checks, watched } = trust;
  const [first, last] = [releases[0], releases.at(-1)];
  const span = releases.length < 2
    ? first ?? ""
    : `${first} to ${last} (${releases.length} releases)`;
  const found =
    "nothing was called, returned, looked up by a name, opened, executed, imported or started";
  return [
    ...labelled(page, "trusted", `On the allowlist "${list}": it may be ${USES[use]}.`),
    ...labelled(page, "audited", span),
    ...labelled(
      page,
      "checks",
      releases.length === 0 ? checks.join("; ") : `${checks.join("; ")}: ${found}`,
    ),
    ...labelled(
      page,
      "watched",
      watched.length === 0 ? "" : `It calls ${watched.join(", ")} of what it is given.`,
    ),
  ];
}

function globalLines(page: Page, it: GlobalExplanation, trust: readonly Trust[]): string[] {
  const wrapper = it.wrapper
    ? "What it is applied to decides; the verdict is for when that is not known."
    : "";
  return [
    ...title(page, it.global, it.effect === "" ? it.title : `A call of it ${it.effect}.`),
    ...(it.reaches === it.global ? [] : labelled(page, "reaches", it.reaches)),
    ...verdictLine(page, "called", it.called.severity, `${it.called.safety} · ${it.called.ruleId}`),
    ...verdictLine(
      page,
      "imported",
      it.imported.severity,
      `${it.imported.safety} · ${it.imported.ruleId}`,
    ),
    ...labelled(page, "wrapper", wrapper),
    ...trust.flatMap((each) => trustLines(page, each)),
    ...labelled(page, "decided in", it.origin ?? ""),
    ...labelled(page, "why", it.why),
    ...labelled(page, "fix", it.fix),
    ...labelled(page, "see", it.references.join(", ")),
    ...labelled(page, "ATLAS", techniquesText(it.atlas)),
  ];
}

/** Techniques of MITRE ATLAS with their names. */
function techniquesText(ids: readonly string[]): string {
  return ids.map((id) => `${id} ${ATLAS_TECHNIQUES[id] ?? ""}`.trim()).join(", ");
}

function title(page: Page, name: string, text: string): string[] {
  return [
    page.paint(escapeText(name), "bold"),
    ...paragraph(page, 0, { text: escapeText(text) }),
    "",
  ];
}

function verdictLine(page: Page, label: string, severity: Severity, rest: string): string[] {
  const { text, style } = severityLabel(severity, page.emoji);
  return hang(page, {
    indent: 0,
    label,
    labelStyles: ["cyan"],
    labelWidth: LABEL_WIDTH,
    text: `${text} ${escapeText(rest)}`,
    highlight: { text, styles: [style, "bold"] },
  });
}

function labelled(page: Page, label: string, text: string): string[] {
  if (text === "") return [];
  return hang(page, {
    indent: 0,
    label,
    labelStyles: ["cyan"],
    labelWidth: LABEL_WIDTH,
    text: escapeText(text),
  });
}
