/**
 * `modelaudit rules`: the rules there are.
 *
 * @module
 */

import { escapeText, jsonText } from "../../report/escape.ts";
import { formatCount } from "../../core/numbers.ts";
import { painter, SEVERITY_WORD_WIDTH, severityLabel } from "../../report/style.ts";
import { displayWidth, padEnd, truncate } from "../../report/width.ts";
import type { Rule } from "../../rules/rule.ts";
import { SEVERITIES } from "../../core/types.ts";
import { type ConfigurationChoice, loadConfigured } from "../configuration.ts";
import type { Io } from "../io.ts";
import { choose } from "../options.ts";
import { columnsOf, wantsColor } from "../terminal.ts";
import { ruleRecord } from "./explain.ts";

/** What to list. */
export interface RulesListOptions {
  readonly format?: string;
  readonly severity?: string;
  readonly area?: string;
  readonly config?: ConfigurationChoice;
  readonly emoji: boolean;
}

/**
 * Writes a table, worst rules first.
 *
 * @param text only rules that have it in their id, title, reasons, references or globals
 * @returns the exit code
 * @throws ConfigError when a filter names what does not exist
 */
export async function runRulesList(
  text: string | undefined,
  options: RulesListOptions,
  io: Io,
): Promise<number> {
  const { rules } = await loadConfigured(options.config, io);
  const found = select(rules.list(), text, options);
  if (options.format === "json") {
    const data = { rules_version: rules.version, rules: found.map(ruleRecord) };
    await io.stdout.write(jsonText(data, 2) + "\n");
    return 0;
  }
  await io.stdout.write(table(found, options.emoji, io));
  return 0;
}

function select(
  rules: readonly Rule[],
  text: string | undefined,
  options: RulesListOptions,
): readonly Rule[] {
  const severityName = options.severity?.toLowerCase() === "warning" ? "medium" : options.severity;
  const severity = severityName === undefined
    ? undefined
    : choose(severityName, SEVERITIES, "severity");
  const areas = [...new Set(rules.map((it) => it.format))];
  const area = options.area === undefined ? undefined : choose(options.area, areas, "area");
  return rules
    .filter((it) => severity === undefined || it.severity === severity)
    .filter((it) => area === undefined || it.format === area)
    .filter((it) => text === undefined || haystack(it).includes(text.toLowerCase()))
    .toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

function haystack(rule: Rule): string {
  const globals = Object.entries(rule.globals).flatMap(([module, names]) =>
    typeof names === "string" ? [module] : names.map((name) => `${module}.${name}`)
  );
  return [
    rule.id,
    rule.title,
    rule.why,
    ...rule.references,
    ...rule.atlas,
    ...globals,
    ...rule.operators,
  ]
    .join("\n").toLowerCase();
}

function table(rules: readonly Rule[], emoji: boolean, io: Io): string {
  const paint = painter(wantsColor(io.env, io.stdout));
  const idWidth = Math.max(0, ...rules.map((it) => displayWidth(it.id)));
  const labelWidth = SEVERITY_WORD_WIDTH + (emoji ? 3 : 0);
  const room = columnsOf(io.env, io.stdout) - labelWidth - idWidth - 4;
  const lines = rules.map((rule) => {
    const label = severityLabel(rule.severity, emoji);
    const gap = " ".repeat(Math.max(0, labelWidth - displayWidth(label.text)));
    const title = escapeText(rule.title);
    // A pipe gets all of it, a terminal what fits.
    const shown = io.stdout.isTTY ? truncate(title, Math.max(10, room)) : title;
    return `${paint(label.text, label.style)}${gap}  ${
      paint(padEnd(rule.id, idWidth), "bold")
    }  ${shown}`;
  });
  const count = formatCount(rules.length, "rule");
  const hint = "modelaudit explain RULE says more";
  return [...lines, "", paint(`${count}; ${hint}`, "dim")].map((line) => line + "\n").join("");
}
