/**
 * The report for people. It leads with what loading would do: the worst file first, under each what
 * was found, where, why it matters and what to do; verdict and totals stand at the end, beside the
 * prompt. What is clean takes one line, or only a number.
 *
 * @module
 */

import type { AcceptedFinding, FileReport, ScanError, ScanReport } from "../core/types.ts";
import { incompleteText } from "./acceptance.ts";
import { aggregateInnocuous, groupOperators } from "./aggregate.ts";
import { CLEAN_FILES_SHOWN } from "./condense.ts";
import { escapeText } from "./escape.ts";
import { formatBytes, formatCount } from "../core/numbers.ts";
import { hang, type Page, paragraph } from "./layout.ts";
import { saysUnread } from "./limitations.ts";
import { loadsTexts } from "./loads.ts";
import { locationText, orderErrors, orderFiles, orderFindings } from "./order.ts";
import { painter, severityLabel, verdictLabel } from "./style.ts";
import { summarize, type Summary } from "./summary.ts";
import { footer } from "./text_footer.ts";
import { issueLines, type IssueOptions, unreadLines } from "./text_issue.ts";
import { displayWidth } from "./width.ts";

/** How the text report looks. */
export interface TextOptions {
  readonly color: boolean;
  /** Symbols before the words. */
  readonly emoji: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** Shows innocuous issues, every issue of a file, and every clean and skipped file. */
  readonly verbose: boolean;
  /** Shows a line for each issue and nothing else. */
  readonly quiet: boolean;
  /** Shows each accepted issue, not only how many there are. */
  readonly showAccepted?: boolean;
}

/** Issues of one file shown in full; the rest is counted. They are the worst ones. CWE-779. */
const ISSUES_SHOWN = 20;

/** Kinds of acceptance that are reported of one file. */
const ACCEPTANCES_SHOWN = 3;

/** Long lines are hard to read: the text does not grow wider than this. */
const MAX_WIDTH = 110;
const MIN_WIDTH = 20;

/**
 * The report as text, with a line break at its end; empty when there is nothing to say.
 *
 * @param summary of all files, where the report has only those that `isShown` names
 */
export function renderText(
  report: ScanReport,
  options: TextOptions,
  summary: Summary = summarize(report),
): string {
  const page: Page = {
    width: Math.min(Math.max(options.width, MIN_WIDTH), MAX_WIDTH),
    emoji: options.emoji,
    paint: painter(options.color),
  };
  const lines = options.quiet
    ? quietLines(page, report)
    : fullLines(page, report, options, summary);
  return lines.map((line) => line + "\n").join("");
}

function fullLines(
  page: Page,
  report: ScanReport,
  options: TextOptions,
  summary: Summary,
): string[] {
  const said = { rules: report.rules, explained: new Set<string>() };
  const files = orderFiles(report.files);
  const shown = (verdict: string) => files.filter((file) => file.verdict === verdict);
  const alarming = files.filter((it) => it.verdict !== "clean" && it.verdict !== "skipped");
  const clean = shown("clean");
  const lines = alarming.flatMap((file) => [...fileLines(page, file, options, said), ""]);
  for (const error of orderErrors(report.errors)) lines.push(...errorLines(page, error), "");
  if (options.verbose || summary.files.clean <= CLEAN_FILES_SHOWN) {
    const plain = clean.flatMap((file) => fileLines(page, file, options, said));
    if (plain.length > 0) lines.push(...plain, "");
  }
  if (options.verbose) {
    const skipped = shown("skipped").map((file) => headline(page, file));
    if (skipped.length > 0) lines.push(...skipped.flat(), "");
  }
  return [...lines, ...footer(page, report, summary, options.verbose)];
}

function fileLines(
  page: Page,
  file: FileReport,
  options: TextOptions,
  said: Pick<IssueOptions, "rules" | "explained">,
): string[] {
  const findings = groupOperators(orderFindings(aggregateInnocuous(file.findings)));
  const visible = options.verbose ? findings : findings.filter((it) =>
    // What is unread must not stay unexplained, however harmless the rule.
    it.safety !== "innocuous" || saysUnread(it.details)
  );
  const limit = options.verbose ? visible.length : ISSUES_SHOWN;
  const lines = headline(page, file);
  for (const finding of visible.slice(0, limit)) {
    if (finding.safety !== "innocuous" || saysUnread(finding.details)) lines.push("");
    lines.push(...issueLines(page, finding, { ...said, verbose: options.verbose }));
  }
  if (visible.length > limit) {
    const more = formatCount(visible.length - limit, "more issue");
    lines.push(
      "",
      ...paragraph(page, 3, { text: `… and ${more}; --verbose shows all`, textStyles: ["dim"] }),
    );
  }
  lines.push(...acceptedLines(page, file, options));
  for (const error of orderErrors(file.errors)) {
    // The scan loop also judges what it could not read: once is enough.
    if (visible.slice(0, limit).some((it) => it.message.includes(error.message))) continue;
    lines.push("", ...unreadLines(page, error));
  }
  return lines;
}

/** What was accepted in a file: how much and by what, or each issue. */
function acceptedLines(page: Page, file: FileReport, options: TextOptions): string[] {
  const { incomplete } = file.policy ?? {};
  const unread = incomplete === undefined ? [] : [
    "",
    ...paragraph(page, 3, {
      text: escapeText(`ACCEPTED ${incompleteText(incomplete)}`),
      textStyles: ["yellow"],
    }),
  ];
  return [...acceptedIssueLines(page, file, options), ...unread];
}

function acceptedIssueLines(page: Page, file: FileReport, options: TextOptions): string[] {
  const accepted = file.accepted ?? [];
  if (accepted.length === 0) return [];
  if (!options.showAccepted && !options.verbose) {
    const by = [...new Set(accepted.map(acceptanceText))].slice(0, ACCEPTANCES_SHOWN).join("; ");
    const text = `${
      formatCount(accepted.length, "issue")
    } accepted (${by}); --show-accepted shows all`;
    return ["", ...paragraph(page, 3, { text: escapeText(text), textStyles: ["yellow"] })];
  }
  return accepted.flatMap((one) => {
    const { severity, message, location, ruleId } = one.finding;
    const where = `${locationText(location)} · ${ruleId}`;
    const text = `ACCEPTED ${severity.toUpperCase()} ${message} (${acceptanceText(one)}) ${where}`;
    return ["", ...paragraph(page, 3, { text: escapeText(text), textStyles: ["yellow"] })];
  });
}

/** By what, until when and why, for instance "ignored until 2027-01-31: reviewed". */
function acceptanceText({ by, until, why }: AcceptedFinding): string {
  const end = until === undefined ? "" : ` until ${until}`;
  return `${by === "baseline" ? "in the baseline" : by}${end}${
    why === undefined ? "" : `: ${why}`
  }`;
}

/** `🔴 DANGEROUS  model.pt`, and what the file is when there is room. */
function headline(page: Page, file: FileReport): string[] {
  const label = verdictLabel(file.verdict, page.emoji);
  const facts = [
    file.formats.map(escapeText).join(" + "),
    file.size === undefined ? "" : formatBytes(file.size),
  ].filter((it) => it !== "").join(", ");
  const lines = hang(page, {
    indent: 0,
    label: label.text,
    labelStyles: [label.style, "bold"],
    labelWidth: displayWidth(label.text) + 2,
    text: escapeText(file.path),
    textStyles: ["bold"],
  });
  const hash = file.sha256 === undefined ? [] : paragraph(page, 3, {
    text: `sha256 ${file.sha256.value}${
      file.sha256.by === "listing" ? " (by the hub's listing)" : ""
    }`,
    textStyles: ["dim"],
  });
  const loads = loadsTexts(file.loads ?? []).flatMap((text) =>
    paragraph(page, 3, { text: escapeText(text), textStyles: ["dim"] })
  );
  const under = [...hash, ...loads];
  const used = displayWidth(label.text) + 2 + displayWidth(escapeText(file.path));
  if (lines.length === 1 && facts !== "" && used + 2 + facts.length <= page.width) {
    return [`${lines[0] ?? ""}  ${page.paint(facts, "dim")}`, ...under];
  }
  return [...lines, ...under];
}

function errorLines(page: Page, error: ScanError): string[] {
  const label = page.emoji ? "⚪ UNREAD" : "UNREAD";
  return [
    ...hang(page, {
      indent: 0,
      label,
      labelStyles: ["white", "bold"],
      labelWidth: displayWidth(label) + 2,
      text: escapeText(locationText(error.location)),
      textStyles: ["bold"],
    }),
    ...paragraph(page, 3, { text: escapeText(error.message) }),
    ...(error.remedy === "" ? [] : hang(page, {
      indent: 3,
      label: "fix",
      labelStyles: ["green"],
      labelWidth: 5,
      text: escapeText(error.remedy),
    })),
  ];
}

/** One line an issue, for logs and hooks: nothing for what is clean. */
function quietLines(page: Page, report: ScanReport): string[] {
  const lines: string[] = [];
  for (const file of orderFiles(report.files)) {
    if (file.accepted !== undefined && file.findings.every((it) => it.safety === "innocuous")) {
      const label = verdictLabel(file.verdict, page.emoji);
      const count = formatCount(file.accepted.length, "issue");
      const where = `${escapeText(file.path)}: ${count} accepted`;
      lines.push(`${page.paint(label.text, label.style)} ${where}`);
    }
    const issues = orderFindings(file.findings).filter((it) => it.safety !== "innocuous");
    for (const finding of issues) {
      const label = severityLabel(finding.severity, page.emoji);
      const where = escapeText(locationText(finding.location));
      lines.push(`${page.paint(label.text, label.style)} ${where}: ${escapeText(finding.message)}`);
    }
    if (file.verdict !== "incomplete") continue;
    const label = verdictLabel("incomplete", page.emoji);
    const { incomplete } = file.policy ?? {};
    const reasons = [
      ...(incomplete === undefined ? [] : [`accepted (${incompleteText(incomplete)})`]),
      ...file.errors.map((error) => error.message),
      ...file.findings.filter((it) => it.safety === "innocuous" && saysUnread(it.details))
        .map((it) => it.message),
    ];
    if (reasons.length === 0 && issues.length > 0) continue;
    const reason = reasons.length > 0 ? `: ${escapeText(reasons.join("; "))}` : "";
    lines.push(`${page.paint(label.text, label.style)} ${escapeText(file.path)}${reason}`);
  }
  for (const error of orderErrors(report.errors)) {
    const label = page.emoji ? "⚪ UNREAD" : "UNREAD";
    const where = escapeText(locationText(error.location));
    lines.push(`${page.paint(label, "white")} ${where}: ${escapeText(error.message)}`);
  }
  return lines;
}
