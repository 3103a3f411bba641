/**
 * The pages of the rules: all of them with a search, and one for each.
 *
 * @module
 */

/// <reference lib="dom" />

import { SEVERITIES } from "../src/core/findings.ts";
import { html } from "../src/report/html/client/dom.ts";
import { type LinkView, ruleView } from "../src/report/html/view.ts";
import type { Rule } from "../src/rules/rule.ts";
import { RULE_PAGES } from "./run_view.ts";

/** Names of a rule that its page lists; a rule may cover thousands. */
const NAMES_SHOWN = 200;

/**
 * Shows all rules, or one of them.
 *
 * @param id of the one; undefined for all
 */
export function showRules(
  section: HTMLElement,
  rules: readonly Rule[],
  id: string | undefined,
): void {
  const rule = rules.find((it) => it.id === id);
  section.replaceChildren(
    ...rule === undefined ? listOf(rules, id) : pageOf(rule),
  );
  document.title = rule === undefined ? "Rules: modelaudit" : `${rule.id}: modelaudit`;
  section.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function badge({ severity }: Rule): HTMLElement {
  return html("span", { class: `badge ${severity}` }, severity);
}

function listOf(rules: readonly Rule[], missing: string | undefined): HTMLElement[] {
  const search = html("input", {
    type: "search",
    placeholder: "Search ids, titles, modules and operators",
    "aria-label": "Search rules",
  });
  const status = html("p", { class: "dim", role: "status" });
  const sorted = [...rules].sort((a, b) =>
    (a.format < b.format ? -1 : a.format > b.format ? 1 : 0) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
  );
  const groups = new Map<string, HTMLElement>();
  const items = sorted.map((rule) => {
    const group = groups.get(rule.format) ?? html("ul", { class: "rule-list" });
    groups.set(rule.format, group);
    const item = html(
      "li",
      {},
      badge(rule),
      html(
        "div",
        {},
        html("a", { href: RULE_PAGES + encodeURIComponent(rule.id) }, rule.title),
        html("p", { class: "dim" }, rule.id),
      ),
    );
    group.append(item);
    const words = [rule.id, rule.title, rule.why, ...Object.keys(rule.globals), ...rule.operators];
    return { item, group, text: words.join("\n").toLowerCase() };
  });
  const sections = [...groups].map(([format, list]) =>
    html("section", { "aria-label": format }, html("h2", {}, format), list)
  );
  const update = (): void => {
    const words = search.value.trim().toLowerCase().split(/\s+/u);
    let count = 0;
    for (const { item, text } of items) {
      item.hidden = !words.every((word) => text.includes(word));
      if (!item.hidden) count++;
    }
    for (const section of sections) {
      section.hidden = section.querySelector("li:not([hidden])") === null;
    }
    status.textContent = count === rules.length ? `${count} rules` : `${count} of ${rules.length}`;
  };
  search.addEventListener("input", update);
  update();
  return [
    html("h1", { tabindex: -1 }, "Rules"),
    ...missing === undefined
      ? []
      : [html("p", { class: "notice" }, `There is no rule "${missing}".`)],
    html("p", { class: "lead" }, "What a scan looks for, why it matters, and what to do about it."),
    html("div", { class: "tools" }, search),
    status,
    ...sections,
  ];
}

function pageOf(rule: Rule): HTMLElement[] {
  const { why, fix, see } = ruleView(rule);
  const names = [
    ...Object.entries(rule.globals).flatMap(([module, of]) =>
      of === "*" ? [`${module}.*`] : of.map((name) => `${module}.${name}`)
    ),
    ...rule.operators,
  ];
  const shown = names.slice(0, NAMES_SHOWN);
  const more = names.length > shown.length ? `, and ${names.length - shown.length} more` : "";
  return [
    html("p", {}, html("a", { href: "#/rules" }, "All rules")),
    html("h1", { tabindex: -1 }, rule.title),
    html(
      "p",
      { class: "rule-facts" },
      badge(rule),
      html("span", { class: "dim" }, `${rule.safety} · ${rule.format} · ${rule.id}`),
    ),
    ...part("What it does", rule.effect === "" ? "" : `${sentence(rule.effect)}.`),
    ...part("Why it matters", why),
    ...part("What to do", fix),
    ...examplesOf("Sets it off", rule.hit),
    ...examplesOf("Does not set it off", rule.miss),
    ...shown.length === 0
      ? []
      : [html("h2", {}, "Covers"), html("p", { class: "names" }, `${shown.join(", ")}${more}`)],
    ...see.length === 0 ? [] : [html("h2", {}, "See"), linksOf(see)],
  ];
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function part(title: string, text: string): HTMLElement[] {
  return text === "" ? [] : [html("h2", {}, title), html("p", {}, text)];
}

function examplesOf(title: string, examples: readonly string[]): HTMLElement[] {
  if (examples.length === 0) return [];
  const items = examples.map((text) => html("li", {}, html("code", {}, text)));
  return [html("h2", {}, title), html("ul", { class: "names" }, ...items)];
}

function linksOf(links: readonly LinkView[]): HTMLElement {
  const items = links.map(({ text, href }) =>
    html(
      "li",
      {},
      href === undefined
        ? text
        : html("a", { href, rel: "noreferrer noopener", target: "_blank" }, text),
    )
  );
  return html("ul", {}, ...items);
}
