/**
 * The end of the text report: the verdict of the run and its totals.
 *
 * @module
 */

import { type ScanReport, SEVERITIES, SUPPRESSIONS, VERDICTS } from "../core/types.ts";
import { aggregateInnocuous } from "./aggregate.ts";
import { escapeText } from "./escape.ts";
import { formatBytes, formatCount, formatNumber, formatSeconds } from "../core/numbers.ts";
import { factLines, hang, type Page, paragraph } from "./layout.ts";
import { headlineOf } from "./headline.ts";
import { limitationsOf } from "./limitations.ts";
import { type Style, verdictLabel } from "./style.ts";
import type { Summary } from "./summary.ts";
import { displayWidth } from "./width.ts";

/** A line across, the verdict, the counts, and what they rest on. */
export function footer(
  page: Page,
  report: ScanReport,
  summary: Summary,
  verbose: boolean,
): string[] {
  const verdict = conclusion(page, summary, report);
  const { skipped } = summary.files;
  const files = Object.values(summary.files).reduce((sum, count) => sum + count, 0);
  const scanned = files - skipped;
  const totals = scanned === 0
    ? `${formatCount(skipped, "file")} of no known format skipped`
    : `${formatCount(scanned, "file")}: ${verdicts(summary)}`;
  const lines = [
    page.paint((page.emoji ? "─" : "-").repeat(page.width), "dim"),
    ...hang(page, {
      indent: 0,
      label: verdict.label,
      labelStyles: [verdict.style, "bold"],
      labelWidth: displayWidth(verdict.label) + 2,
      text: verdict.text,
      textStyles: ["bold"],
    }),
  ];
  const unopened = report.errors.length;
  const some = unopened > 0 && files > 0;
  if (some || files > 1 && summary.files.clean < files) {
    const missing = unopened === 0 ? "" : `; ${formatCount(unopened, "path")} could not be opened`;
    lines.push(...paragraph(page, 0, { text: totals + missing }));
  }
  const issues = issueCounts(report, verbose);
  if (issues !== "") lines.push(...paragraph(page, 0, { text: `Issues: ${issues}` }));
  const configuration = report.configuration === "embedded"
    ? "embedded rules"
    : `rules of ${escapeText(report.configuration)}`;
  const basis = [
    bytesText(summary),
    formatSeconds(report.duration),
    `${configuration} ${escapeText(report.tool.rules.slice(0, 12))}`,
    suppressedText(report),
  ];
  const notes = [...report.configurationNotes ?? [], ...limitationsOf(report)].flatMap((note) =>
    hang(page, {
      indent: 0,
      label: "note",
      labelStyles: ["yellow"],
      labelWidth: 6,
      text: escapeText(note),
    })
  );
  return [...lines, ...notes, ...factLines(page, 0, basis, ["dim"])];
}

/** How many issues were let through, and why. */
export function suppressedText(report: ScanReport): string {
  const reasons = SUPPRESSIONS.map((it) => ({ it, count: report.suppressedBy?.[it] ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ it, count }) => `${formatNumber(count)} ${it === "baseline" ? "in the baseline" : it}`);
  const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
  return `${formatNumber(report.suppressed)} suppressed${why}`;
}

/** What was read of what there is. */
export function bytesText({ bytesRead, bytesTotal }: Summary): string {
  if (bytesTotal === 0) return "Nothing to read";
  return bytesRead >= bytesTotal
    ? `Read all ${formatBytes(bytesTotal)}`
    : `Read ${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`;
}

/** Counts by severity, worst first, of what the report shows. */
function issueCounts(report: ScanReport, verbose: boolean): string {
  const shown = report.files.flatMap((file) => aggregateInnocuous(file.findings))
    .filter((it) => verbose || it.safety !== "innocuous");
  return SEVERITIES.map((severity) => ({
    severity,
    count: shown.filter((it) => it.severity === severity).length,
  })).filter((it) => it.count > 0)
    .map((it) => `${formatNumber(it.count)} ${it.severity}`).join(", ");
}

/** Counts by verdict, worst first. */
function verdicts(summary: Summary): string {
  const counts = VERDICTS.filter((it) => it !== "skipped" && summary.files[it] > 0)
    .map((it) => `${formatNumber(summary.files[it])} ${it}`);
  const { skipped } = summary.files;
  const others = skipped > 0 ? ` (${formatCount(skipped, "other file")} skipped)` : "";
  return counts.join(", ") + others;
}

function conclusion(
  page: Page,
  summary: Summary,
  report: ScanReport,
): { label: string; style: Style; text: string } {
  const text = headlineOf(report, summary);
  if (summary.verdict === undefined) {
    return { label: page.emoji ? "⚪ NOTHING SCANNED" : "NOTHING SCANNED", style: "white", text };
  }
  const label = verdictLabel(summary.verdict, page.emoji);
  return { label: label.text, style: label.style, text };
}
