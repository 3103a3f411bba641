/**
 * What a page shows of a report: plain data, in the order in which it is shown. All text is escaped as for a
 * terminal, so that nothing in it misleads; a page puts it into text nodes and nowhere else.
 *
 * @module
 */

import { ATLAS_TECHNIQUES } from "../../core/atlas.ts";
import type {
  FileReport,
  Finding,
  RuleReasons,
  Safety,
  ScanError,
  ScanReport,
  Severity,
  Verdict,
} from "../../core/types.ts";
import { incompleteText } from "../acceptance.ts";
import { aggregateInnocuous, groupOperators } from "../aggregate.ts";
import { escapeLines, escapeText } from "../escape.ts";
import { formatSeconds } from "../../core/numbers.ts";
import { headlineOf } from "../headline.ts";
import { limitationsOf, saysUnread } from "../limitations.ts";
import { loadsTexts } from "../loads.ts";
import { orderErrors, orderFiles, orderFindings } from "../order.ts";
import { exitCode, type ExitOptions, summarize } from "../summary.ts";
import { bytesText, suppressedText } from "../text_footer.ts";

/** A page. */
export interface View {
  readonly verdict: Verdict;
  readonly headline: string;
  /** What the run rests on, short phrases. */
  readonly facts: readonly string[];
  readonly notes: readonly string[];
  /** Files by verdict. */
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly rules: Readonly<Record<string, RuleView>>;
  /** Worst first. */
  readonly files: readonly FileView[];
  /** What could not be opened at all. */
  readonly errors: readonly ErrorView[];
  /** What stands before a rule's id in the address of its page; absent where rules have no pages. */
  readonly rulePages?: string;
}

/** What a rule says, once a page. */
export interface RuleView {
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  readonly see: readonly LinkView[];
}

/** A reference, and where it can be read. */
export interface LinkView {
  readonly text: string;
  /** An address that this program made; absent where there is none. */
  readonly href?: string;
}

/** One file. */
export interface FileView {
  readonly path: string;
  readonly verdict: Verdict;
  readonly formats: string;
  /** Bytes; null where they are not known. */
  readonly size: number | null;
  readonly bytesRead: number;
  readonly parts: number;
  readonly sha256: string;
  readonly issues: readonly IssueView[];
  /** How loaders that refuse code take it, one sentence each. */
  readonly loads: readonly string[];
  /** One sentence each. */
  readonly accepted: readonly string[];
  readonly errors: readonly ErrorView[];
}

/** One issue. */
export interface IssueView {
  readonly rule: string;
  /** The rule whose reasons apply. */
  readonly reasons: string;
  readonly severity: Severity;
  readonly safety: Safety;
  readonly message: string;
  /** Members and streams on the way in. */
  readonly parts: readonly string[];
  readonly offset: number | null;
  readonly count: number;
  /** Expressions that the message does not spell out. */
  readonly calls: readonly string[];
  readonly evidence: readonly EvidenceView[];
  /** Opcodes around the place. */
  readonly listing: readonly ListingLine[];
}

/** Code, a command, an address. */
export interface EvidenceView {
  readonly kind: string;
  readonly lines: readonly string[];
  readonly cut: boolean;
}

/** One line of a disassembly. */
interface ListingLine {
  readonly text: string;
  /** True for what the issue is about. */
  readonly marked: boolean;
}

/** Something that could not be read. */
export interface ErrorView {
  readonly where: string;
  readonly message: string;
  readonly remedy: string;
}

/** Calls and pieces of evidence of one issue that a page has; all are in the JSON report. CWE-779. */
const CALLS_SHOWN = 20;

/** Issues of one file that a page has, the worst; all are in the JSON report. CWE-779. */
const ISSUES_SHOWN = 500;

/**
 * The page of a report.
 *
 * @param exit what counts as failing; undefined where a run has no exit code
 */
export function viewOf(report: ScanReport, exit: ExitOptions | undefined): View {
  const summary = summarize(report);
  const files = orderFiles(report.files);
  const { name, version, rules } = report.tool;
  return {
    verdict: summary.verdict ?? (summary.errors > 0 ? "incomplete" : "skipped"),
    headline: headlineOf(report, summary, "below"),
    facts: [
      bytesText(summary),
      formatSeconds(report.duration),
      report.startTime,
      `${name} ${version}, rules ${rules.slice(0, 12)}`,
      report.configuration === "embedded" ? "embedded rules" : `rules of ${report.configuration}`,
      ...(exit === undefined ? [] : [
        suppressedText(report),
        `fails on ${exit.failOn}, exit code ${exitCode(summary, exit)}`,
      ]),
    ].map(escapeText),
    notes: [...report.configurationNotes ?? [], ...limitationsOf(report)].map(escapeText),
    counts: summary.files,
    rules: Object.fromEntries(
      Object.entries(report.rules).map(([id, rule]) => [id, ruleView(rule)]),
    ),
    files: files.map(fileView),
    errors: orderErrors(report.errors).map(errorView),
  };
}

/** What a rule says. */
export function ruleView({ title, why, fix, references, atlas }: RuleReasons): RuleView {
  return {
    title: escapeText(title),
    why: escapeText(why),
    fix: escapeText(fix),
    see: [...references.map(referenceView), ...atlas.map(techniqueView)],
  };
}

function referenceView(reference: string): LinkView {
  const text = escapeText(reference);
  const [, weakness] = /^CWE-(\d{1,5})$/.exec(reference) ?? [];
  if (weakness !== undefined) {
    return { text, href: `https://cwe.mitre.org/data/definitions/${weakness}.html` };
  }
  if (/^CVE-\d{4}-\d{4,}$/.test(reference)) {
    return { text, href: `https://nvd.nist.gov/vuln/detail/${reference}` };
  }
  if (/^GHSA(?:-[0-9a-z]{4}){3}$/.test(reference)) {
    return { text, href: `https://github.com/advisories/${reference}` };
  }
  const isAddress = /^https:\/\/[\x21-\x7e]+$/.test(reference) && URL.canParse(reference);
  return isAddress ? { text, href: new URL(reference).href } : { text };
}

function techniqueView(id: string): LinkView {
  const name = Object.hasOwn(ATLAS_TECHNIQUES, id) ? ATLAS_TECHNIQUES[id] : undefined;
  const text = `ATLAS ${escapeText(id)}${name === undefined ? "" : ` ${name}`}`;
  return /^AML\.T[\d.]+$/.test(id)
    ? { text, href: `https://atlas.mitre.org/techniques/${id}` }
    : { text };
}

/** What a page shows of a file. */
export function fileView(file: FileReport): FileView {
  const issues = groupOperators(orderFindings(aggregateInnocuous(file.findings)));
  const { sha256, policy } = file;
  return {
    path: escapeText(file.path),
    verdict: file.verdict,
    formats: file.formats.map(escapeText).join(" + "),
    size: file.size ?? null,
    bytesRead: file.bytesRead,
    parts: file.partsScanned,
    sha256: sha256 === undefined
      ? ""
      : `${sha256.value}${sha256.by === "listing" ? " (by the hub's listing)" : ""}`,
    issues: issues.slice(0, ISSUES_SHOWN).map(issueView),
    loads: loadsTexts(file.loads ?? []).map(escapeText),
    accepted: [
      ...(file.accepted ?? []).map(({ finding, by, until, why }) =>
        `${finding.severity.toUpperCase()} ${finding.message} (${by}${
          until === undefined ? "" : ` until ${until}`
        }${why === undefined ? "" : `: ${why}`}) ${finding.ruleId}`
      ),
      ...(policy?.incomplete === undefined ? [] : [incompleteText(policy.incomplete)]),
    ].map(escapeText),
    errors: orderErrors(file.errors)
      // The scan also judges what it could not read: once is enough.
      .filter(({ message }) => !issues.some((it) => it.message.includes(message)))
      .map(errorView),
  };
}

function issueView(finding: Finding): IssueView {
  const message = escapeText(finding.message);
  return {
    rule: finding.ruleId,
    reasons: finding.reasons ?? finding.ruleId,
    severity: finding.severity,
    // What is unread must not stay unexplained, however harmless the rule.
    safety: finding.safety === "innocuous" && saysUnread(finding.details)
      ? "suspicious"
      : finding.safety,
    message,
    parts: finding.location.parts.map(escapeText),
    offset: finding.offset ?? null,
    count: finding.count,
    calls: expressionsOf(finding.details["calls"]).map(escapeText)
      .filter((it) => !message.includes(it)).slice(0, CALLS_SHOWN),
    evidence: evidenceOf(finding.details["evidence"], message).slice(0, CALLS_SHOWN),
    listing: listingOf(finding.details["disassembly"]),
  };
}

function expressionsOf(calls: unknown): string[] {
  if (!Array.isArray(calls)) return [];
  const texts = calls.map((it: unknown) => isRecord(it) ? it["expression"] : undefined);
  return [...new Set(texts.filter((it) => typeof it === "string"))];
}

function evidenceOf(value: unknown, message: string): EvidenceView[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((it: unknown) => {
    if (!isRecord(it)) return [];
    const { kind, text, cut } = it;
    if (typeof kind !== "string" || typeof text !== "string") return [];
    const lines = escapeLines(text.trimEnd());
    const isSaid = lines.length === 1 && message.includes(lines[0] ?? "");
    return isSaid ? [] : [{ kind: escapeText(kind), lines, cut: cut === true }];
  });
}

function listingOf(value: unknown): ListingLine[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((it: unknown) =>
    isRecord(it) && typeof it["text"] === "string"
      ? [{ text: escapeText(it["text"]), marked: it["marked"] === true }]
      : []
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a page shows of something that could not be read. */
function errorView({ location, message, remedy }: ScanError): ErrorView {
  return {
    where: escapeText([location.path, ...location.parts].join(" › ")),
    message: escapeText(message),
    remedy: escapeText(remedy),
  };
}
