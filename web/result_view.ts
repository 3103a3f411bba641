/**
 * The report of a scan, and the files that it can be saved as.
 *
 * @module
 */

/// <reference lib="dom" />

import type { ScanReport } from "../src/core/types.ts";
import { showReport } from "../src/report/html/client/app.ts";
import { html } from "../src/report/html/client/dom.ts";
import { escapeText } from "../src/report/escape.ts";
import { viewOf } from "../src/report/html/view.ts";
import { RULE_PAGES } from "./run_view.ts";

/** A report as a file. */
interface Saved {
  readonly label: string;
  readonly file: string;
  readonly type: string;
  readonly write: (report: ScanReport) => Promise<string>;
}

const writers = () => import("../src/report/api/writers.ts");

const SAVED: readonly Saved[] = [
  {
    ...{ label: "HTML", file: "modelaudit.html", type: "text/html" },
    write: async (report) => (await writers()).toHtml(report),
  },
  {
    ...{ label: "JSON", file: "modelaudit.json", type: "application/json" },
    write: async (report) => (await writers()).toJson(report),
  },
  {
    ...{ label: "SARIF", file: "modelaudit.sarif", type: "application/sarif+json" },
    write: async (report) => (await writers()).toSarif(report),
  },
  {
    ...{ label: "CycloneDX", file: "modelaudit.cdx.json", type: "application/vnd.cyclonedx+json" },
    write: async (report) => (await writers()).toCycloneDx(report),
  },
];

/** Milliseconds that a browser has to begin with a download before its bytes are let go. */
const DOWNLOAD_MILLISECONDS = 60_000;

/**
 * Shows a report.
 *
 * @param notes what is no part of it, one sentence each
 * @param again is called when something else is to be scanned
 */
export function showResult(
  section: HTMLElement,
  report: ScanReport,
  notes: readonly string[],
  again: () => void,
): void {
  const other = html("button", { type: "button", class: "primary small" }, "Scan something else");
  other.addEventListener("click", again);
  const status = html("span", { class: "dim", role: "status" });
  const buttons = SAVED.map((saved) => {
    const button = html("button", { type: "button" }, saved.label);
    button.setAttribute("aria-label", `Save the report as ${saved.label}`);
    button.addEventListener("click", () => void save(saved, report, status));
    return button;
  });
  const tools = html(
    "div",
    { class: "result-tools" },
    other,
    status,
    html(
      "div",
      { class: "chips", role: "group", "aria-label": "Save the report" },
      html("span", { class: "dim" }, "Save as"),
      ...buttons,
    ),
  );
  const view = viewOf(report, undefined);
  const shown = html("div", { class: "report" });
  showReport(shown, {
    ...view,
    notes: [...view.notes, ...notes.map(escapeText)],
    rulePages: RULE_PAGES,
  });
  section.replaceChildren(tools, shown);
  const title = shown.querySelector("h1");
  title?.setAttribute("tabindex", "-1");
  title?.focus({ preventScroll: true });
  document.title = `${view.verdict}: modelaudit`;
  scrollTo(0, 0);
}

async function save(
  { label, file, type, write }: Saved,
  report: ScanReport,
  status: HTMLElement,
): Promise<void> {
  try {
    const text = await write(report);
    const url = URL.createObjectURL(new Blob([text], { type }));
    html("a", { href: url, download: file }).click();
    setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_MILLISECONDS);
    status.textContent = `Saved as ${file}`;
  } catch (error) {
    status.textContent = `Cannot write ${label}: ${error instanceof Error ? error.message : error}`;
  }
}
