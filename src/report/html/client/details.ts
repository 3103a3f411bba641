/**
 * What is said of one file: issues with their places, evidence, disassembly, reasons.
 *
 * @module
 */

/// <reference lib="dom" />

import type { ErrorView, EvidenceView, FileView, IssueView, RuleView, View } from "../view.ts";
import { html } from "./dom.ts";
import { sizeText } from "./size.ts";

/** Lines of evidence that are shown before a button. */
const LINES_SHOWN = 12;

/** What explains the issues of files. */
type Rules = Pick<View, "rules" | "rulePages">;

/** All that the page has of a file. */
export function detailsOf(file: FileView, view: Rules): HTMLElement {
  const shown = file.issues.filter(({ safety }) => safety !== "innocuous");
  const harmless = file.issues.filter(({ safety }) => safety === "innocuous");
  const facts = [
    file.formats === "" ? "no known format" : file.formats,
    file.size === null ? "" : `${sizeText(file.size)}, of which ${sizeText(file.bytesRead)} read`,
    file.parts > 1 ? `${file.parts} parts` : "",
  ].filter((text) => text !== "");
  return html(
    "div",
    { class: "details" },
    html("p", { class: "path" }, file.path),
    html("p", { class: "dim" }, facts.join(" · ")),
    file.sha256 === "" ? undefined : html("p", { class: "dim hash" }, `sha256 ${file.sha256}`),
    ...file.loads.map((text) => html("p", { class: "dim" }, text)),
    placesOf(shown),
    ...shown.map((issue) => issueOf(issue, view)),
    ...file.errors.map(errorOf),
    ...file.accepted.map((text) => html("p", { class: "accepted" }, `Accepted: ${text}`)),
    harmlessOf(harmless),
  );
}

/** The archives' members and streams that issues lie in, as a tree. */
function placesOf(issues: readonly IssueView[]): HTMLElement | undefined {
  if (issues.every(({ parts }) => parts.length < 2)) return undefined;
  const root = html("ul", { class: "places" });
  const lists = new Map<string, HTMLUListElement>([["", root]]);
  for (const { parts } of issues) {
    let key = "";
    for (const part of parts) {
      const parent = lists.get(key) ?? root;
      key += `\n${part}`;
      if (lists.has(key)) continue;
      const list = html("ul");
      lists.set(key, list);
      parent.append(html("li", {}, html("span", {}, part), list));
    }
  }
  return root;
}

function issueOf(issue: IssueView, view: Rules): HTMLElement {
  const { rule, reasons, parts, offset, count } = issue;
  const said = ruleOf(view, reasons);
  const own = ruleOf(view, rule);
  const place = [
    parts.join(" › "),
    offset === null ? "" : `byte ${offset}`,
    count > 1 ? `${count} times` : "",
  ].filter((text) => text !== "").map((text) => `${text} · `).join("");
  const name = view.rulePages === undefined
    ? rule
    : html("a", { href: view.rulePages + encodeURIComponent(rule) }, rule);
  return html(
    "article",
    { class: `issue ${issue.severity}` },
    html(
      "h4",
      {},
      html("span", { class: `badge ${issue.severity}` }, issue.severity),
      issue.message,
    ),
    html("p", { class: "dim place" }, place, name),
    ...issue.calls.map((text) => html("pre", { class: "call" }, text)),
    ...issue.evidence.map(evidenceOf),
    listingOf(issue),
    reason("Why", said.why),
    reason("What to do", said.fix),
    seeOf(reasons === rule ? own.see : [...own.see, ...said.see]),
  );
}

function ruleOf(view: Rules, id: string): RuleView {
  const found = Object.hasOwn(view.rules, id) ? view.rules[id] : undefined;
  return found ?? { title: id, why: "", fix: "", see: [] };
}

function reason(label: string, text: string): HTMLElement | undefined {
  return text === "" ? undefined : html("p", {}, html("b", {}, `${label}: `), text);
}

function seeOf(links: RuleView["see"]): HTMLElement | undefined {
  if (links.length === 0) return undefined;
  const seen = new Map(links.map((link) => [link.text, link]));
  const items = [...seen.values()].map(({ text, href }) =>
    href === undefined
      ? html("span", {}, text)
      : html("a", { href, rel: "noreferrer noopener", target: "_blank" }, text)
  );
  return html("p", { class: "see dim" }, ...items);
}

function evidenceOf({ kind, lines, cut }: EvidenceView): HTMLElement {
  const all = [...lines, ...(cut ? ["…"] : [])];
  const code = html("pre", {}, all.slice(0, LINES_SHOWN).join("\n"));
  const box = html("figure", { class: "evidence" }, html("figcaption", {}, kind), code);
  if (all.length > LINES_SHOWN) {
    const more = html("button", { type: "button" }, `Show all ${all.length} lines`);
    more.addEventListener("click", () => {
      code.textContent = all.join("\n");
      more.remove();
    });
    box.append(more);
  }
  return box;
}

function listingOf({ listing }: IssueView): HTMLElement | undefined {
  if (listing.length === 0) return undefined;
  const lines = listing.flatMap(({ text, marked }) => [
    marked ? html("mark", {}, text) : html("span", {}, text),
    "\n",
  ]);
  return html(
    "figure",
    { class: "evidence" },
    html("figcaption", {}, "disassembly: offset, opcode, argument, [depth] stack"),
    html("pre", { class: "listing" }, ...lines),
  );
}

/** Something that could not be read, and what to do about it. */
export function errorOf({ where, message, remedy }: ErrorView): HTMLElement {
  return html(
    "article",
    { class: "issue unread" },
    html("h4", {}, html("span", { class: "badge unread" }, "unread"), message),
    html("p", { class: "dim place" }, where),
    reason("What to do", remedy),
  );
}

function harmlessOf(issues: readonly IssueView[]): HTMLElement | undefined {
  if (issues.length === 0) return undefined;
  const list = html("ul", { class: "harmless" });
  const box = html(
    "details",
    {},
    html("summary", {}, `${issues.length} harmless things that it uses`),
    list,
  );
  box.addEventListener("toggle", () => {
    if (list.childElementCount > 0) return;
    list.append(
      ...issues.map(({ message, count }) =>
        html("li", {}, count > 1 ? `${message} (${count} times)` : message)
      ),
    );
  });
  return box;
}
