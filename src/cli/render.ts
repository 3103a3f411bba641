/**
 * A finished report in any of the formats. Each writer is loaded when it is asked for.
 *
 * @module
 */

import { renderJson } from "../report/json.ts";
import type { ExitOptions, Summary } from "../report/summary.ts";
import { renderText, type TextOptions } from "../report/text.ts";
import type { ScanReport } from "../core/types.ts";
import type { ReportFormat } from "./options.ts";

/** What the formats depend on besides the report. */
interface RenderOptions {
  readonly exit: ExitOptions;
  readonly text: TextOptions;
  /** Of all files, of which the report may have only some. */
  readonly summary: Summary;
}

/** The report as text, with a line break at its end. */
export async function renderReport(
  format: ReportFormat,
  report: ScanReport,
  { exit, text, summary }: RenderOptions,
): Promise<string> {
  switch (format) {
    case "text":
      return renderText(report, text, summary);
    case "json":
      return renderJson(report, exit);
    case "ndjson":
      return (await import("../report/ndjson.ts")).renderNdjson(report, exit);
    case "sarif":
      return await sarif(report, exit);
    case "junit":
      return (await import("../report/junit.ts")).renderJunit(report, exit);
    case "cyclonedx":
      return (await import("../report/cyclonedx.ts")).renderCycloneDx(report, exit);
    case "html":
      return (await import("../report/html/page.ts")).renderHtml(report, exit);
    case "markdown":
      return (await import("../report/markdown.ts")).renderMarkdown(report, summary);
  }
}

async function sarif(report: ScanReport, exit: ExitOptions): Promise<string> {
  const [{ renderSarif }, { fingerprintOf }] = await Promise.all([
    import("../report/sarif.ts"),
    import("../report/fingerprint.ts"),
  ]);
  return renderSarif(report, { ...exit, fingerprintOf });
}
