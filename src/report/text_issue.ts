/**
 * One issue in the text report.
 *
 * @module
 */

import type { Evidence, Finding, ScanError, ScanReport } from "../core/types.ts";
import { reasonsOf } from "../core/reasons.ts";
import { escapeLines, escapeText } from "./escape.ts";
import { formatNumber } from "../core/numbers.ts";
import { factLines, hang, isNarrow, type Page, paragraph } from "./layout.ts";
import { saysUnread } from "./limitations.ts";
import { wrap } from "./width.ts";
import { SEVERITY_WORD_WIDTH, severityLabel, type Style } from "./style.ts";

/** State and wishes of the report around the issue. */
export interface IssueOptions {
  /** What rules say. */
  readonly rules: ScanReport["rules"];
  /** Rules whose reasons the report has given already; grows. */
  readonly explained: Set<string>;
  readonly verbose: boolean;
}

const INDENT = 3;
const NOTE_WIDTH = 6;
/** Expressions, texts of evidence, and lines of one text below an issue; reports in JSON have all. */
const EXPRESSIONS_SHOWN = 3;
const EVIDENCE_SHOWN = 3;
const EVIDENCE_LINES_SHOWN = 6;

/**
 * An issue: severity and message, the expressions, where it is, and, the first time that its rule
 * occurs, why it matters, what to do and which published weakness it is.
 */
export function issueLines(page: Page, finding: Finding, options: IssueOptions): string[] {
  const label = severityLabel(finding.severity, page.emoji);
  const message = escapeText(finding.message);
  const expressions = expressionsOf(finding.details["calls"]).map(escapeText);
  const further = expressions.filter((it) =>
    !message.includes(it) && (options.verbose || !message.includes(beginning(it)))
  );
  const alarming = finding.safety === "dangerous";
  const strong: Style[] = alarming ? [label.style, "bold"] : ["bold"];
  const lines = hang(page, {
    indent: INDENT,
    label: label.text,
    labelStyles: [label.style, "bold"],
    labelWidth: labelWidth(page),
    text: message,
    highlight: { text: quoted(message, expressions), styles: strong },
  });
  lines.push(...expressionLines(page, further, strong, options.verbose));
  lines.push(...factLines(page, bodyIndent(page), place(finding), ["dim"]));
  const harmless = finding.safety === "innocuous" && finding.severity === "info";
  if (harmless && !saysUnread(finding.details)) return lines;
  const shown = [message, ...further].join("\n");
  lines.push(
    ...evidenceLines(page, evidenceOf(finding.details["evidence"]), shown, options.verbose),
  );
  if (options.explained.has(finding.ruleId)) return lines;
  options.explained.add(finding.ruleId);
  const { why, fix, references, atlas } = reasonsOf(finding, options.rules);
  lines.push(...labelled(page, "why", why, "cyan"), ...labelled(page, "fix", fix, "green"));
  const see = [...references, ...atlas.map((id) => `ATLAS ${id}`)].join(", ");
  return [...lines, ...labelled(page, "see", see, "dim", ["dim"])];
}

/** What could not be read of a file, and what helps. */
export function unreadLines(page: Page, error: ScanError): string[] {
  const inside = error.location.parts.join(":");
  return [
    ...hang(page, {
      indent: INDENT,
      label: page.emoji ? "⚪ UNREAD" : "UNREAD",
      labelStyles: ["white", "bold"],
      labelWidth: labelWidth(page),
      text: escapeText(error.message),
    }),
    ...(inside === ""
      ? []
      : paragraph(page, bodyIndent(page), { text: escapeText(inside), textStyles: ["dim"] })),
    ...labelled(page, "fix", error.remedy, "green"),
  ];
}

/** `model.pt:archive/data.pkl:stream_0 · byte 42 · 3 times · pickle-process`. */
function place(finding: Finding): string[] {
  const name = finding.location.path.split(/[\\/]/).filter((it) => it !== "").at(-1);
  return [
    escapeText([name ?? finding.location.path, ...finding.location.parts].join(":")),
    finding.offset === undefined ? "" : `byte ${formatNumber(finding.offset)}`,
    finding.count > 1 ? `${formatNumber(finding.count)} times` : "",
    escapeText(finding.ruleId),
  ];
}

/** Expressions that the message does not spell out. */
function expressionLines(
  page: Page,
  further: readonly string[],
  styles: readonly Style[],
  verbose: boolean,
): string[] {
  const shown = verbose ? further : further.slice(0, EXPRESSIONS_SHOWN);
  const lines = shown.flatMap((text) =>
    paragraph(page, bodyIndent(page), { text, textStyles: styles })
  );
  if (shown.length < further.length) {
    const text = `… and ${further.length - shown.length} more`;
    lines.push(...paragraph(page, bodyIndent(page), { text, textStyles: ["dim"] }));
  }
  return lines;
}

/** Code, commands and addresses, unless they can be read in what was shown already. */
function evidenceLines(
  page: Page,
  evidence: readonly Evidence[],
  shown: string,
  verbose: boolean,
): string[] {
  const unshown = evidence.filter((it) => !shown.includes(escapeText(it.text)));
  return unshown.slice(0, verbose ? unshown.length : EVIDENCE_SHOWN).flatMap((item) => {
    const all = escapeLines(item.text.trimEnd());
    const some = verbose ? all : all.slice(0, EVIDENCE_LINES_SHOWN);
    const cut = item.cut || some.length < all.length;
    const bar = page.emoji ? "│ " : "| ";
    const width = Math.max(NOTE_WIDTH, item.kind.length + 2);
    const room = page.width - bodyIndent(page) - width - bar.length;
    return [...some, ...(cut ? ["…"] : [])].flatMap((text) => wrap(text, room)).flatMap(
      (text, index) =>
        hang(page, {
          indent: bodyIndent(page),
          label: index === 0 ? item.kind : "",
          labelStyles: ["cyan"],
          labelWidth: width,
          text: bar + text,
        }),
    );
  });
}

function labelled(
  page: Page,
  label: string,
  text: string,
  style: Style,
  textStyles: readonly Style[] = [],
): string[] {
  if (text === "") return [];
  return hang(page, {
    indent: bodyIndent(page),
    label,
    labelStyles: [style],
    labelWidth: NOTE_WIDTH,
    text: escapeText(text),
    textStyles,
  });
}

function labelWidth(page: Page): number {
  return SEVERITY_WORD_WIDTH + 2 + (page.emoji ? 3 : 0);
}

function bodyIndent(page: Page): number {
  return isNarrow(page) ? INDENT + 2 : INDENT + labelWidth(page);
}

/** What of the message is an expression, perhaps cut with an ellipsis; empty when nothing is. */
function quoted(message: string, expressions: readonly string[]): string {
  const contained = expressions.find((it) => message.includes(it));
  if (contained !== undefined) return contained;
  const begun = expressions.map(beginning).find((it) => message.includes(it));
  if (begun === undefined) return "";
  const from = message.indexOf(begun);
  const to = message.indexOf("…", from);
  return message.slice(from, to < 0 ? from + begun.length : to + 1);
}

/** So much of an expression that a message which cut it still has it. */
function beginning(expression: string): string {
  return expression.slice(0, 140);
}

/** The expressions of a finding's calls, each once. */
function expressionsOf(calls: unknown): string[] {
  if (!Array.isArray(calls)) return [];
  const texts = calls.map((it: unknown) =>
    typeof it === "object" && it !== null && "expression" in it ? it.expression : undefined
  );
  return [...new Set(texts.filter((it): it is string => typeof it === "string"))];
}

function evidenceOf(value: unknown): Evidence[] {
  if (!Array.isArray(value)) return [];
  return value.filter((it): it is Evidence =>
    typeof it === "object" && it !== null && typeof it.kind === "string" &&
    typeof it.text === "string"
  );
}
