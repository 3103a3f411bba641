/**
 * The report as Markdown, for a comment on a pull request. Text from a file is put in code spans, where
 * neither links nor images nor mentions work; there are no tables, since a bar would end a span there.
 *
 * @module
 */

import type { FileReport, ScanReport, Severity, Verdict } from "../core/types.ts";
import { incompleteText } from "./acceptance.ts";
import { escapeText } from "./escape.ts";
import { formatBytes, formatCount } from "../core/numbers.ts";
import { limitationsOf, saysUnread } from "./limitations.ts";
import { locationText, orderErrors, orderFiles } from "./order.ts";
import { type IssueRecord, issueRecords } from "./record.ts";
import { isMinor, summarize, type Summary } from "./summary.ts";

/** Issues and errors that are reported. CWE-779. */
const MOST_REPORTED = 50;
/** Characters of all that is reported; a comment holds 65,536. Escaped, a text may grow many times. */
const MOST_CHARACTERS = 55_000;
/** Characters of one text from a file. Longer ones are cut. CWE-779. */
const LONGEST = 500;

const SYMBOLS: Readonly<Record<Severity, string>> = {
  critical: "🔴",
  high: "🟠",
  medium: "🟡",
  low: "🔵",
  info: "ℹ️",
  debug: "🐛",
};

const VERDICT_SYMBOLS: Readonly<Record<Verdict, string>> = {
  dangerous: "🔴",
  incomplete: "⚪",
  suspicious: "🟡",
  clean: "🟢",
  skipped: "⚫",
};

const HEADLINES: Readonly<Record<Verdict, string>> = {
  dangerous: "Do not load: a file would do harm when loaded",
  incomplete: "Not everything could be read",
  suspicious: "A person should look at this",
  clean: "Nothing harmful found",
  skipped: "Nothing scannable found",
};

/**
 * The report as Markdown text, with a line break at its end.
 *
 * @param summary of all files, where the report has only those that `isShown` names
 */
export function renderMarkdown(
  report: ScanReport,
  summary: Summary = summarize(report),
): string {
  const verdict = headVerdict(summary);
  const room = new Room();
  const files = orderFiles(report.files).flatMap((file) => fileLines(file, report.rules, room));
  const errors = orderErrors(report.errors).flatMap((error) =>
    room.add(`- ${code(locationText(error.location))}: ${code(error.message)}`)
  );
  return [
    `## ${VERDICT_SYMBOLS[verdict]} modelaudit: ${headline(verdict, summary)}`,
    "",
    countsLine(summary, report.errors.length),
    ...files,
    ...(errors.length > 0 ? ["", "### Could not be opened", "", ...errors] : []),
    ...(room.omitted > 0 ? ["", `… and ${room.omitted} more; the JSON report has all.`] : []),
    ...(report.configurationNotes ?? []).flatMap((note) => ["", `Note: ${plain(note)}`]),
    ...limitationsOf(report).flatMap((note) => ["", note]),
    "",
    footer(report, summary),
    "",
  ].join("\n");
}

function headline(verdict: Verdict, summary: Summary): string {
  return verdict === "suspicious" && isMinor(summary) ? "Minor issues only" : HEADLINES[verdict];
}

/** A clean run with an unread path must not sound as if all were well. */
function headVerdict({ verdict, errors }: Summary): Verdict {
  if (verdict === undefined) return errors > 0 ? "incomplete" : "skipped";
  return errors > 0 && verdict !== "dangerous" ? "incomplete" : verdict;
}

function countsLine(summary: Summary, unopened: number): string {
  const files = Object.values(summary.files).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(summary.files).filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  const missing = unopened === 0 ? "" : `; ${formatCount(unopened, "path")} could not be opened`;
  return `${formatCount(files, "file")}${each === "" ? "" : `: ${each}`}${missing}`;
}

/** The space left in the report; once an item did not fit, no later one is added. */
class Room {
  /** Issues and errors that did not fit. */
  omitted = 0;
  #items = MOST_REPORTED;
  #characters = MOST_CHARACTERS;
  readonly #explained = new Set<string>();

  /** The text, or nothing when it is too much. */
  add(text: string): string[] {
    if (this.omitted === 0 && this.#items > 0 && this.#characters >= text.length) {
      this.#items--;
      this.#characters -= text.length;
      return [text];
    }
    this.omitted++;
    return [];
  }

  /** True the first time that a rule is reported. */
  isNew(rule: string): boolean {
    const isNew = !this.#explained.has(rule);
    this.#explained.add(rule);
    return isNew;
  }
}

function fileLines(file: FileReport, rules: ScanReport["rules"], room: Room): string[] {
  const issues = issueRecords(file, rules).filter((it) =>
    it.safety_level !== "innocuous" || saysUnread(it.details)
  );
  const reported = issues.flatMap((issue) => room.add(issueText(issue, room.isNew(issue.rule_id))));
  const errors = file.errors.flatMap((error) =>
    room.add(`- ⚪ ${code(error.message)}\n  - fix: ${plain(error.remedy)}`)
  );
  const accepted = (file.accepted ?? []).flatMap(({ finding, by, until, why }) =>
    room.add(
      `- accepted (${by}${until === undefined ? "" : ` until ${until}`}${
        why === undefined ? "" : `: ${plain(why)}`
      }): **${finding.severity.toUpperCase()}** ${code(finding.message)}`,
    )
  );
  const { incomplete } = file.policy ?? {};
  if (incomplete !== undefined) {
    accepted.push(...room.add(`- accepted: ${plain(incompleteText(incomplete))}`));
  }
  if (reported.length + errors.length + accepted.length === 0) return [];
  const head = `### ${VERDICT_SYMBOLS[file.verdict]} ${file.verdict.toUpperCase()} ${
    code(file.path)
  }`;
  return ["", head, "", ...reported, ...accepted, ...errors];
}

/** Why a rule matters and what to do is reported once. */
function issueText(issue: IssueRecord, isNew: boolean): string {
  const place = issue.offset === null ? "" : `, byte ${issue.offset}`;
  return [
    `- ${SYMBOLS[issue.severity]} **${issue.severity.toUpperCase()}** ${code(issue.message)}`,
    `  - where: ${code(issue.location)}${place}`,
    `  - rule: ${code(issue.rule_id)}`,
    ...(isNew && issue.why !== "" ? [`  - why: ${plain(issue.why)}`] : []),
    ...(isNew && issue.fix !== "" ? [`  - fix: ${plain(issue.fix)}`] : []),
  ].join("\n");
}

function footer(report: ScanReport, summary: Summary): string {
  const { name, version, rules } = report.tool;
  return `${formatBytes(summary.bytesTotal)} in all · ${name} ${version}, rules ${rules} · ` +
    `configuration ${code(report.configuration)} · ${report.suppressed} suppressed`;
}

/** Text as a code span: its fence is longer than any run of backticks in it. */
function code(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  const safe = escapeText(cut);
  const longest = Math.max(0, ...(safe.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const padded = longest > 0 || /^ | $/.test(safe) || safe === "" ? ` ${safe} ` : safe;
  return fence + padded + fence;
}

/**
 * Text of the program, which may quote a file: every character with a meaning in Markdown or HTML is
 * escaped.
 */
function plain(text: string): string {
  return escapeText(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replace(/[\\`*_{}[\]()#+!|~>@:]/g, (it) => /[@:]/.test(it) ? `${it}<!-- -->` : `\\${it}`);
}
